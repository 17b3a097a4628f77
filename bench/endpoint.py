"""Verb `endpoint`: where utterances are found to begin and end, in noise, beside the truth."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np

from bench.endpoint_scoring import Score, detect, score
from bench.noisy_speech import (
    Half,
    Noise,
    NoiseKind,
    Scene,
    as_samples,
    make_noise,
    recorded_noises,
    repeated,
    scenes,
    voices,
)
from bench.report import Tracker, progress, report
from rasr.audio import SAMPLE_RATE
from vad import Classifier, ClassifierKind, EndpointRules, VadError, make_classifier

_MINUTE = 60 * SAMPLE_RATE
_LEVELS = (2000.0, 632.0, 200.0)
"""RMS of pure noise, int16: as loud as the speech of the scenes, 10 and 20 dB less."""
_CLEAN = "clean"
_HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Setting:
    """One classifier with one choice of its settings."""

    name: str
    make: Callable[[], Classifier]


@dataclass(slots=True)
class Result:
    """What one of them did, by its settings."""

    name: str
    false_starts: dict[str, float]
    """In a minute of each noise alone, the mean over the levels."""
    exact: dict[str, Score]
    """By ratio of speech to noise, where the times of the words are known."""
    human: dict[str, Score]
    """The same of human recordings."""
    cpu_s: float = 0.0
    audio_s: float = 0.0


@click.command()
@click.option("--kind", "kinds", type=click.Choice([*map(str, ClassifierKind)]), multiple=True)
@click.option("--aggressiveness", type=int, multiple=True, help="gated, webrtc: 0 to 3")
@click.option("--frame-ms", type=int, multiple=True, help="gated, webrtc: 10, 20 or 30")
@click.option("--threshold", type=float, multiple=True, help="silero")
@click.option("--snr", "snrs", type=float, multiple=True, help="speech over noise, dB")
@click.option("--noise", "wanted", multiple=True, help="only these noises")
@click.option(
    "--half",
    type=click.Choice([*map(str, Half)]),
    default=Half.REPORT.value,
    show_default=True,
    help="of the material: settings are chosen by `tune`, results come from `report`",
)
@click.option("--seed", default=1, show_default=True, help="of the noises")
@click.option("--vad-tail", default=500, show_default=True, help="ms")
@click.option("--onset-speech-ms", default=EndpointRules().onset_speech_ms, show_default=True)
@click.option("--onset-window-ms", default=EndpointRules().onset_window_ms, show_default=True)
@click.option("--by-noise", is_flag=True, help="a row for each noise, not for each ratio alone")
@click.option(
    "--speech",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="RASR_SPEECH_DIR",
    help="a folder with transcripts.tsv and noise*.wav; they are used too",
)
def endpoint(
    kinds: tuple[str, ...],
    aggressiveness: tuple[int, ...],
    frame_ms: tuple[int, ...],
    threshold: tuple[float, ...],
    snrs: tuple[float, ...],
    wanted: tuple[str, ...],
    half: str,
    seed: int,
    vad_tail: int,
    onset_speech_ms: int,
    onset_window_ms: int,
    by_noise: bool,
    speech: Path | None,
) -> None:
    """Missed and false starts, cut words and end errors of each voice activity detector, in noise.

    Wanted, at 10 dB: no false start in a minute of pure noise, no cut word, 95 % of the ends
    within 150 ms of the truth (beyond vad_tail).
    """
    if speech is not None:
        os.environ["RASR_SPEECH_DIR"] = str(speech)
    noises = _noises(Half(half), seed, wanted)
    played = scenes(Half(half))
    results = []
    rules = partial(
        EndpointRules,
        vad_tail_ms=vad_tail,
        onset_speech_ms=onset_speech_ms,
        onset_window_ms=onset_window_ms,
    )
    chosen = settings(kinds, aggressiveness, frame_ms, threshold)
    try:
        for setting in chosen:
            rules(frame_samples=setting.make().frame_samples)
    except VadError as error:
        raise click.UsageError(str(error)) from error
    with progress() as tracker:
        for setting in chosen:
            tracker.step(setting.name, 1 + len(noises))
            results.append(
                _result(
                    setting,
                    noises,
                    played,
                    snrs or (20.0, 10.0, 5.0),
                    rules(frame_samples=setting.make().frame_samples),
                    by_noise,
                    tracker,
                )
            )
    _print(results, list(noises))


def settings(
    kinds: Sequence[str],
    aggressiveness: Sequence[int],
    frame_ms: Sequence[int],
    threshold: Sequence[float],
) -> list[Setting]:
    """Return every combination that was asked for; by default every kind, and WebRTC's modes."""
    found = []
    for kind in map(ClassifierKind, kinds or ClassifierKind):
        if kind is ClassifierKind.SILERO:
            for value in threshold or (0.5,):
                make = partial(make_classifier, kind, threshold=value)
                found.append(Setting(f"{kind} {value:g}", make))
            continue
        modes = aggressiveness or ((1, 2, 3) if kind is ClassifierKind.WEBRTC else (2,))
        for mode, length in itertools.product(modes, frame_ms or (20,)):
            make = partial(make_classifier, kind, aggressiveness=mode, frame_ms=length)
            found.append(Setting(f"{kind} {mode}, {length} ms", make))
    return found


def _noises(half: Half, seed: int, wanted: Sequence[str]) -> dict[str, Noise]:
    said = voices(half)
    # The halves never hear the same noise.
    own = seed * 2 + (half is Half.REPORT)
    made = {kind.value: make_noise(kind, _MINUTE, own, said) for kind in NoiseKind}
    made |= {name: repeated(noise, _MINUTE) for name, noise in recorded_noises().items()}
    unknown = set(wanted) - set(made)
    if unknown:
        raise click.BadParameter(
            f"{', '.join(sorted(unknown))}; allowed: {', '.join(made)}", param_hint="--noise"
        )
    return {name: noise for name, noise in made.items() if not wanted or name in wanted}


def _result(
    setting: Setting,
    noises: Mapping[str, Noise],
    played: Sequence[Scene],
    snrs: Sequence[float],
    rules: EndpointRules,
    by_noise: bool,
    tracker: Tracker,
) -> Result:
    result = Result(setting.name, {}, {}, {})

    def listen(scene: Scene, noise: Noise | None, snr_db: float, label: str) -> None:
        found = detect(setting.make(), scene.in_noise(noise, snr_db), rules)
        assert rules.vad_tail_ms is not None, "ends are scored against the tail"
        scored = score(found.utterances, scene.sentences, scene.words, rules.vad_tail_ms)
        sums = result.human if scene.name == _HUMAN else result.exact
        sums[label] = sums.get(label, Score()) + scored
        if noise is None:
            result.cpu_s += found.cpu_s
            result.audio_s += found.audio_s

    for scene in played:
        listen(scene, None, 0.0, _CLEAN)
    for done, (name, noise) in enumerate(noises.items(), start=1):
        tracker.at(done)
        alone = [detect(setting.make(), as_samples(noise * level), rules) for level in _LEVELS]
        result.false_starts[name] = sum(len(one.utterances) for one in alone) / len(alone)
        for snr, scene in itertools.product(snrs, played):
            listen(scene, noise, snr, f"{name} {snr:g} dB" if by_noise else f"{snr:g} dB")
    return result


def _print(results: Sequence[Result], noises: Sequence[str]) -> None:
    report(
        "false starts in a minute of noise alone",
        ("VAD", *noises, "CPU ms/s"),
        [
            (
                one.name,
                *(f"{one.false_starts[name]:.1f}" for name in noises),
                f"{one.cpu_s / one.audio_s * 1000:.2f}",
            )
            for one in results
        ],
        notes=("CPU on clean speech, classifier and endpointer, in chunks of 100 ms",),
    )
    report(
        "endpoint",
        (
            "VAD",
            "noise",
            "sentences",
            "missed",
            "false",
            "split",
            "words cut",
            "ends within 150 ms",
            "end error p5, p95",
            "human: missed, split, within",
        ),
        [
            (one.name, label, *_cells(exact, one.human.get(label, Score())))
            for one in results
            for label, exact in one.exact.items()
        ],
        notes=("end error: endpoint less vad_tail less true end, ms; human truth is loudness",),
        figures={one.name: _figures(one) for one in results},
    )


def _cells(exact: Score, human: Score) -> tuple[str, ...]:
    early, late = _spread(exact)
    return (
        str(exact.sentences),
        str(exact.missed),
        str(exact.false_starts),
        str(exact.splits),
        f"{exact.cut} of {exact.words}",
        f"{exact.near:.0%}",
        f"{early:+.0f}, {late:+.0f}",
        f"{human.missed}, {human.splits}, {human.near:.0%} of {len(human.end_errors_ms)}",
    )


def _spread(scored: Score) -> tuple[float, float]:
    if not scored.end_errors_ms:
        return 0.0, 0.0
    early, late = np.percentile(scored.end_errors_ms, [5, 95])
    return float(early), float(late)


def _figures(one: Result) -> dict[str, object]:
    def plain(sums: Mapping[str, Score]) -> dict[str, object]:
        return {label: asdict(one) | {"near": one.near} for label, one in sums.items()}

    return {
        "false_starts_a_minute": one.false_starts,
        "exact": plain(one.exact),
        "human": plain(one.human),
        "cpu_ms_per_s": one.cpu_s / one.audio_s * 1000,
    }
