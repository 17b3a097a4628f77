"""Verbs `accuracy` and `passes`: how many words are wrong, of streams and of whole recordings.

`accuracy` puts engines side by side: each gets the same recordings over the wire, as they are, as a
telephone brings them, in noise, as noise alone, and as one long recording. `passes` compares
settings of PocketSphinx.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, product
from pathlib import Path

import click
import numpy as np

from bench.latency import percentile
from bench.noisy_speech import (
    SPEECH_LEVEL,
    Half,
    Noise,
    NoiseKind,
    as_samples,
    make_noise,
    recorded_noises,
    repeated,
    rms,
    voices,
)
from bench.recordings import human_recordings, load, names
from bench.report import progress, report, seconds, verdict
from bench.servers import running_server
from bench.streaming import CODES, Heard, Manner, Said, Subject, streamed, subjects
from bench.texts import Mistakes, Settled, mistakes
from bench.workload import CHUNK_MS, trimmed
from decoder.registry import EngineSpec
from decoder.registry import load as load_engine
from rasr.audio import SAMPLE_RATE, Samples
from rasr.client import Pace

_OTHER_CHUNKS_MS = (20, 1000, 10_000)
"""Clean audio is streamed in these, too. A server gives a client up that is silent for 20 s."""
_MARGIN = SAMPLE_RATE
"""Of noise alone before and after the speech: a microphone is open before somebody speaks."""
_ALONE_S = 60
_ALONE_DB = 10.0
"""So much softer than speech is noise alone."""
_LONG_S = 300
_LONG_PAUSES_MS = (0, 300)
"""Between the sentences of the long recording, by turns."""
_LONG_TAIL_MS = 3000
"""No pause of the long recording is so long: it is one utterance, which is cut for its length."""
NoiseMaker = Callable[[int, int], Noise]
"""Makes so many samples of noise, for the recording of that number."""
_BARS = {"human": 0.04, "telephone": 0.08, "10 dB": 0.2}
"""Most mistakes, as a share of the words that people said in English."""
_STABLE_BAR = 0.01
_PASSES = ((True, True), (False, True), (False, False))
"""fwdflat, bestpath."""
_MAXHMMPF = (30_000, 5000, 3000)


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Recordings that are streamed in one manner."""

    recordings: str
    condition: str
    said: Sequence[Said]
    manner: Manner
    other_chunks_ms: tuple[int, ...] = ()
    bar: float | None = None
    """Most mistakes: a share of the words, or so many where nothing is said."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial."""

    trial: Trial
    heard: Sequence[Heard]
    """In chunks of the usual size."""
    same: bool | None = None
    """Whether every size of chunks gave the same text; None where one alone was tried."""
    whole: Mistakes | None = None
    """Of the engine given each recording as one utterance."""

    @property
    def mistakes(self) -> Mistakes:
        """Of all recordings, streamed."""
        return added_up(self.trial.said, [one.text for one in self.heard])

    @property
    def settled(self) -> Settled:
        """Of all recordings."""
        return sum((one.settled for one in self.heard), Settled())


def added_up(said: Sequence[Said], written: Sequence[str]) -> Mistakes:
    """Compare each text with what was said, and add up the mistakes."""
    each = (mistakes(one.text, text) for one, text in zip(said, written, strict=True))
    return sum(each, Mistakes())


@click.command()
@click.option(
    "--config",
    "configs",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Settings of a server; each of its properties in English or Chinese is measured.",
)
@click.option(
    "--model", "models", multiple=True, help="An installed model, or the folder of one: its path."
)
@click.option(
    "--pace",
    type=click.Choice([*map(str, Pace)]),
    default=Pace.REAL.value,
    show_default=True,
    help="As it would be spoken, or as fast as the server takes it.",
)
@click.option(
    "--noise", "kinds", type=click.Choice([*map(str, NoiseKind)]), multiple=True, help="Only these."
)
@click.option("--snr", "snrs", type=float, multiple=True, help="Speech over noise, dB; else 10.")
@click.option("--seed", default=1, show_default=True, help="of the noise")
@click.option(
    "--speech",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="RASR_SPEECH_DIR",
    help="a folder with transcripts.tsv; its recordings and noise*.wav are used too",
)
@click.option(
    "--only",
    type=click.Choice(["clean", "telephone", "noise", "alone", "long"]),
    multiple=True,
    help="Only these conditions.",
)
def accuracy(
    configs: tuple[Path, ...],
    models: tuple[str, ...],
    pace: str,
    kinds: tuple[str, ...],
    snrs: tuple[float, ...],
    seed: int,
    speech: Path | None,
    only: tuple[str, ...],
) -> None:
    """Engines side by side: mistakes of streams and of whole recordings, and words taken back.

    Of words in English and of characters in Chinese: case, marks and the spelling of numbers count
    for nothing. Without --config and --model: PocketSphinx, the models moonshine-tiny-en and
    whisper-base where they are installed, and the small Chinese model of the package. Clean audio
    is cut in several ways, and the text must be the same. Wanted of English that people said: at
    most 4 % mistakes, 8 % by telephone, 20 % in noise at 10 dB, no word in a minute of noise, no
    more in one long recording than sentence by sentence, and 1 % of the words that partials show
    as stable taken back.

    \b
    python -m bench accuracy --only clean --pace fast
    """
    if speech is not None:
        os.environ["RASR_SPEECH_DIR"] = str(speech)
    noises = {kind: partial(_made_noise, NoiseKind(kind), seed) for kind in kinds or NoiseKind}
    if not kinds:
        noises |= {name: partial(_recorded, audio) for name, audio in recorded_noises().items()}
    rows, figures = [], {}
    outcomes: list[tuple[Subject, Outcome]] = []
    with progress() as tracker:
        for subject in subjects(configs, models):
            trials = _trials(subject, noises, snrs or (10.0,), Manner(pace=Pace(pace)), only)
            tracker.step(f"{subject.name}, {subject.language}", len(trials))
            with running_server(subject.config, admission=False) as server:
                for done, trial in enumerate(trials):
                    tracker.at(done)
                    outcomes.append((subject, _outcome(server.url, subject, trial)))
    for subject, outcome in outcomes:
        rows.append(_row(subject, outcome))
        name = f"{subject.name} {subject.language} {outcome.trial.recordings} "
        figures[name + outcome.trial.condition] = _figures(outcome)
    report(
        "accuracy",
        (
            *("engine", "recordings", "condition", "words", "whole", "streamed"),
            *("bar", "met", "lost", "same in every cut", "stable taken back"),
        ),
        rows,
        notes=(
            f"chunks of {CHUNK_MS} ms; clean audio also of "
            f"{', '.join(map(str, _OTHER_CHUNKS_MS))} ms; pace: {pace}",
            "whole: of the engine given each recording as one utterance; lost: words of streams "
            "that are missing",
            *_stability(outcomes),
        ),
        figures=figures,
    )


def _trials(
    subject: Subject,
    noises: Mapping[str, NoiseMaker],
    snrs: Sequence[float],
    manner: Manner,
    only: Sequence[str],
) -> list[Trial]:
    code = CODES[subject.language]
    bundled = [Said(one.text, one.samples) for name in names(code) for one in (load(name, code),)]
    human = [Said(one.text, one.samples) for one in human_recordings(code)]
    # What is barred is English of people.
    bars = _BARS if code == "en" else {}
    trials = [
        Trial(name, "clean", said, manner, _OTHER_CHUNKS_MS, bars.get(name))
        for name, said in (("bundled", bundled), ("human", human))
    ]
    telephone = replace(manner, audio_format="ulaw8k8bit")
    trials.append(Trial("human", "telephone", human, telephone, bar=bars.get("telephone")))
    for kind, noise in noises.items():
        for snr_db in snrs:
            level = f"{snr_db:g} dB"
            noisy = in_noise(human, noise, snr_db)
            trials.append(Trial("human", f"{kind} {level}", noisy, manner, bar=bars.get(level)))
    loudness = SPEECH_LEVEL / 10 ** (_ALONE_DB / 20)
    trials += [
        Trial("noise", f"{kind} alone", [Said("", as_samples(loudness * alone))], manner, bar=0)
        for kind, noise in noises.items()
        for alone in (noise(_ALONE_S * SAMPLE_RATE, 0),)
    ]
    long = replace(manner, vad_tail_ms=_LONG_TAIL_MS)
    trials.append(Trial("all", "long", [*bundled, *human], long))
    chosen = [one for one in trials if not only or _group(one.condition) in only]
    return [one for one in chosen if one.said]


def _group(condition: str) -> str:
    """What `--only` calls a condition."""
    if condition in ("clean", "telephone", "long"):
        return condition
    return "alone" if condition.endswith(" alone") else "noise"


def _outcome(url: str, subject: Subject, trial: Trial) -> Outcome:
    hear = partial(streamed, url, subject.language)
    if trial.condition == "long":
        # Sentence by sentence is what the long recording is compared with.
        parts = long_recording(trial.said, _LONG_S)
        single = hear(trial.said, replace(trial.manner, pace=Pace.FAST))
        texts = {id(said): one.text for said, one in zip(trial.said, single, strict=True)}
        bar = added_up(parts, [texts[id(said)] for said in parts]).rate
        long = replace(trial, said=[joined(parts, _LONG_PAUSES_MS)], bar=bar)
        return Outcome(long, hear(long.said, long.manner))
    heard = hear(trial.said, trial.manner)
    others = [
        [one.text for one in hear(trial.said, replace(trial.manner, chunk_ms=chunk_ms))]
        for chunk_ms in trial.other_chunks_ms
    ]
    same = all(one == [each.text for each in heard] for one in others) if others else None
    whole = None
    if trial.condition == "clean":
        whole = added_up(trial.said, _whole(subject.spec, trial.said))
    return Outcome(trial, heard, same, whole)


def long_recording(said: Sequence[Said], seconds: float) -> list[Said]:
    """Return recordings, one after the other and over again, of so many seconds together."""
    parts: list[Said] = []
    length = 0
    for one in cycle(said):
        parts.append(one)
        length += len(trimmed(one.samples))
        if length >= seconds * SAMPLE_RATE:
            return parts
    raise ValueError("said is empty, allowed: at least one recording")


def joined(said: Sequence[Said], pauses_ms: Sequence[int]) -> Said:
    """Join recordings without the silence around them; these pauses between them, by turns."""
    pauses = cycle(np.zeros(ms * SAMPLE_RATE // 1000, np.int16) for ms in pauses_ms)
    audio = [part for one in said for part in (trimmed(one.samples), next(pauses))]
    return Said(" ".join(one.text for one in said), np.concatenate(audio))


def in_noise(said: Sequence[Said], noise: NoiseMaker, snr_db: float) -> list[Said]:
    """Mix noise into each, at the level of speech; it begins before it and ends after it."""
    mixed = []
    for place, one in enumerate(said):
        padded = np.pad(one.samples.astype(np.float64), _MARGIN)
        loud = padded * (SPEECH_LEVEL / rms(one.samples))
        level = SPEECH_LEVEL / 10 ** (snr_db / 20)
        mixed.append(Said(one.text, as_samples(loud + level * noise(len(padded), place))))
    return mixed


def _made_noise(kind: NoiseKind, seed: int, samples: int, recording: int) -> Noise:
    talk = voices(Half.TUNE) if kind is NoiseKind.BABBLE else ()
    return make_noise(kind, samples, seed * 1000 + recording, talk)


def _recorded(audio: Samples, samples: int, recording: int) -> Noise:
    # Another stretch of it for each recording.
    return repeated(np.roll(audio, -recording * len(audio) // 7), samples)


def _whole(spec: EngineSpec, recordings: Sequence[Said]) -> list[str]:
    """What the engine makes of each recording as one utterance."""
    engine = load_engine(spec)
    texts = []
    for one in recordings:
        stream = engine.open()
        stream.accept(one.samples)
        stream.finish()
        engine.decode([stream])
        texts.append(stream.hypothesis().text)
        stream.close()
    return texts


def _row(subject: Subject, outcome: Outcome) -> tuple[str, ...]:
    trial, wrong, stable = outcome.trial, outcome.mistakes, outcome.settled
    says_nothing = not wrong.said
    rate = float(wrong.added) if says_nothing else wrong.rate
    bar = "–"
    if trial.bar is not None:
        bar = f"{trial.bar:g}" if says_nothing else f"{trial.bar:.1%}"
    return (
        subject.name,
        f"{trial.recordings}, {len(trial.said)}",
        trial.condition,
        str(wrong.said),
        "–" if outcome.whole is None else f"{outcome.whole.rate:.1%}",
        f"{wrong.added} words" if says_nothing else f"{wrong.rate:.1%}",
        bar,
        verdict(rate, most=trial.bar),
        str(wrong.lost),
        "–" if outcome.same is None else "yes" if outcome.same else "NO",
        f"{stable.changed} of {stable.shown}",
    )


def _stability(outcomes: Sequence[tuple[Subject, Outcome]]) -> list[str]:
    """A note for each subject: of all clean recordings, how much of what was stable changed."""
    clean: dict[Subject, Settled] = {}
    for subject, outcome in outcomes:
        if outcome.trial.condition == "clean":
            clean[subject] = clean.get(subject, Settled()) + outcome.settled
    return [
        f"{subject.name}, {subject.language}: {stable.changed} of {stable.shown} words that "
        f"partials of clean audio showed as stable were taken back; bar {_STABLE_BAR:.0%}, "
        f"met: {verdict(stable.rate, most=_STABLE_BAR)}"
        for subject, stable in clean.items()
        # What comes faster than speech is read at once by some engines, and has no partials.
        if stable.shown
    ]


def _figures(outcome: Outcome) -> dict[str, object]:
    wrong, stable = outcome.mistakes, outcome.settled
    return {
        "said": wrong.said,
        "substituted": wrong.substituted,
        "lost": wrong.lost,
        "added": wrong.added,
        "bar": outcome.trial.bar,
        "whole": None if outcome.whole is None else outcome.whole.rate,
        "same": outcome.same,
        "stable_shown": stable.shown,
        "stable_taken_back": stable.changed,
    }


@click.command()
def passes() -> None:
    """Word error rate, real-time factor and final latency for each combination of passes.

    Final latency is from the last sample to the result. RASR_SPEECH_DIR adds the English
    recordings of a folder with transcripts.tsv to the bundled ones.
    """
    recordings = {
        "bundled": [Said(one.text, one.samples) for one in map(load, names())],
        "human": [Said(one.text, one.samples) for one in human_recordings("en")],
    }
    rows, figures = [], {}
    for (fwdflat, bestpath), maxhmmpf in product(_PASSES, _MAXHMMPF):
        options = {"decoders": 1, "fwdflat": fwdflat, "bestpath": bestpath, "maxhmmpf": maxhmmpf}
        rates, rtf, final_ms = _measure(EngineSpec("pocketsphinx", options), recordings)
        final_p50, final_max = (percentile(final_ms, percent) for percent in (50, 100))
        rows.append(
            (
                *("yes" if one else "no" for one in (fwdflat, bestpath)),
                str(maxhmmpf),
                *(f"{rates[name]:.1%}" if name in rates else "–" for name in recordings),
                f"{rtf:.3f}",
                seconds(final_p50),
                seconds(final_max),
            )
        )
        figures[f"fwdflat {fwdflat}, bestpath {bestpath}, maxhmmpf {maxhmmpf}"] = {
            **{f"{name}_wer": rate for name, rate in rates.items()},
            "rtf": rtf,
            "final_p50_ms": final_p50,
            "final_max_ms": final_max,
        }
    report(
        "passes",
        (
            *("fwdflat", "bestpath", "maxhmmpf", "WER bundled", "WER human"),
            *("RTF", "final p50", "final max"),
        ),
        rows,
        figures=figures,
    )


def _measure(
    spec: EngineSpec, recordings: dict[str, list[Said]]
) -> tuple[dict[str, float], float, list[float]]:
    """The word error rate of each set, the real-time factor, and each final's latency in ms."""
    engine = load_engine(spec)
    final_ms: list[float] = []
    busy_s = audio_s = 0.0
    rates = {}
    for name, said in recordings.items():
        texts = []
        for one in said:
            stream = engine.open()
            began = time.perf_counter()
            stream.accept(one.samples)
            engine.decode([stream])
            last_sample = time.perf_counter()
            stream.finish()
            engine.decode([stream])
            ended = time.perf_counter()
            texts.append(stream.hypothesis().text)
            stream.close()
            final_ms.append((ended - last_sample) * 1000)
            busy_s += ended - began
            audio_s += len(one.samples) / SAMPLE_RATE
        if said:
            rates[name] = added_up(said, texts).rate
    return rates, busy_s / audio_s, final_ms
