"""Verb `live-cost`: CPU for a second of live speech, beside the model makers' own library."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import wave
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from bench.environments import environment
from bench.latency import ratio
from bench.recordings import human_recordings, load, names
from bench.report import number, progress, report, verdict
from bench.streaming import Said, Subject, subjects
from bench.texts import Mistakes, mistakes
from bench.workload import CHUNK_SAMPLES
from decoder import Engine, Stream
from decoder.registry import load as load_engine
from rasr.audio import FORMATS, SAMPLE_RATE, Samples
from rasr.recognition.config import EngineChoice, RecognitionConfig, TextOptions
from rasr.recognition.effects import (
    AbandonSegment,
    Decode,
    Effect,
    FinishSegment,
    PauseSegment,
    Process,
    ReleaseSlot,
    Report,
    StartSegment,
    TakeSlot,
)
from rasr.recognition.events import Final, Partial
from rasr.recognition.recognition import Recognition
from rasr.recognition.segmenter import Margins
from rasr.settings import Settings
from vad import make_classifier

_PEER = "moonshine-voice"
_PEER_VERSION = "0.1.0"
_INTERVAL_MS = 500
_BAR = 1 / 3


@dataclass(frozen=True, slots=True)
class Cost:
    """What one recording cost, and what was told of it."""

    cpu_s: float
    updates: int
    """Texts that were told, each other than the one before."""
    text: str

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu_s + other.cpu_s, self.updates + other.updates, "")


class _Caller:
    """Carries out what a recognition wants, at once and in this thread."""

    def __init__(self, recognition: Recognition, engine: Engine) -> None:
        self._recognition = recognition
        self._engine = engine
        self._streams: dict[int, Stream] = {}
        self.updates = 0
        self.finals: list[str] = []

    def work(self) -> None:
        """Do what is wanted until nothing is."""
        while effects := self._recognition.effects():
            for effect in effects:
                self._do(effect)

    def _do(self, effect: Effect) -> None:
        match effect:
            case StartSegment():
                self._streams[effect.segment] = self._engine.open()
                # Who watches a stream from its start is told of all of it.
                self._streams[effect.segment].hypothesis()
            case Decode():
                self._streams[effect.segment].accept(effect.samples)
                self._decode(effect.segment, final=False)
            case PauseSegment():
                self._streams[effect.segment].pause()
                self._decode(effect.segment, final=False)
            case FinishSegment():
                self._streams[effect.segment].finish(effect.silence)
                self._decode(effect.segment, final=True)
            case AbandonSegment():
                self._streams.pop(effect.segment).close()
            case Process():
                self._recognition.processed(effect.segment, effect.hypothesis, final=effect.final)
            case Report():
                self._told(effect)
            case TakeSlot() | ReleaseSlot():
                raise AssertionError("a recognition whose caller holds the slot asks for none")

    def _decode(self, segment: int, *, final: bool) -> None:
        stream = self._streams[segment]
        ready = stream.ready
        if ready:
            self._engine.decode([stream])
        if final:
            self._recognition.hypothesis(segment, stream.hypothesis(), final=True)
            self._streams.pop(segment).close()
        elif ready:
            self._recognition.hypothesis(segment, stream.hypothesis(), final=False)

    def _told(self, effect: Report) -> None:
        match effect.event:
            case Partial():
                self.updates += 1
            case Final():
                self.updates += 1
                self.finals.append(effect.event.hypothesis.text)
            case _:
                pass


def own_cost(engine: Engine, samples: Samples) -> Cost:
    """Recognise a recording in chunks of 100 ms: endpoints, partials and finals, without a wire.

    Args:
        engine: is used in this thread.
        samples: shape (n,), int16, 16 kHz.
    """
    settings = Settings()
    recognition = Recognition(
        RecognitionConfig(
            audio_format=FORMATS["pcm16k16bit"],
            engine=EngineChoice(engine.capabilities.name),
            text=TextOptions("english"),
            partials=True,
            warnings=False,
        ),
        make_classifier(settings.vad.kind),
        Margins(settings.vad.pre_roll_ms, settings.vad.post_roll_ms),
    )
    caller = _Caller(recognition, engine)
    began_s = time.process_time()
    for at in range(0, len(samples), CHUNK_SAMPLES):
        recognition.audio(samples[at : at + CHUNK_SAMPLES].astype("<i2").tobytes(), now=0.0)
        caller.work()
    recognition.finish()
    caller.work()
    cpu_s = time.process_time() - began_s
    return Cost(cpu_s, caller.updates, " ".join(caller.finals))


def peer_costs(model: Path, recordings: Sequence[Said]) -> list[Cost]:
    """Let the makers' library recognise the same, in a process and an environment of its own.

    Raises:
        RuntimeError: it cannot be had, or failed; the text is what it said.
    """
    python = environment(_PEER, f"{_PEER}=={_PEER_VERSION}")
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{place}.wav" for place in range(len(recordings))]
        for path, one in zip(files, recordings, strict=True):
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(SAMPLE_RATE)
                file.writeframes(one.samples.astype("<i2").tobytes())
        program = Path(__file__).with_name("moonshine_voice_peer.py")
        done = subprocess.run(
            [str(python), str(program), str(model), str(_INTERVAL_MS / 1000), *map(str, files)],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{_PEER} {_PEER_VERSION} failed: {done.stderr.strip()[-1000:]}")
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return [Cost(**json.loads(line)) for line in lines]


@click.command("live-cost")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings of a server whose English engine is of the kind moonshine.",
)
@click.option(
    "--model", default="english=moonshine-tiny-en", show_default=True, help="As of `rasr serve`."
)
@click.option(
    "--speech",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="RASR_SPEECH_DIR",
    help="a folder with transcripts.tsv; its English recordings are used too",
)
def live_cost(config: Path | None, model: str, speech: Path | None) -> None:
    """CPU for a second of speech with a text each 0.5 s, beside moonshine_voice.Transcriber.

    The same weights, the same recordings, chunks of 100 ms, as fast as either takes them, one
    after the other in one run. Ours is endpoints, engine, partials and finals, without the wire.
    Theirs comes from the package moonshine-voice 0.1.0, which is installed into an environment of
    its own (`.venv-peers`) the first time. Wanted: at most a third of theirs.
    """
    if speech is not None:
        os.environ["RASR_SPEECH_DIR"] = str(speech)
    subject = _subject(config, model)
    recordings = {name: Said(one.text, one.samples) for name in names() for one in (load(name),)}
    recordings |= {one.name: Said(one.text, one.samples) for one in human_recordings("en")}
    spec = replace(subject.spec, options={**subject.spec.options, "interval_ms": _INTERVAL_MS})
    engine = load_engine(spec)
    with progress() as tracker:
        tracker.step("ours", len(recordings))
        own_cost(engine, recordings[names()[0]].samples)
        ours = []
        for done, one in enumerate(recordings.values()):
            tracker.at(done)
            ours.append(own_cost(engine, one.samples))
        tracker.step(f"{_PEER} {_PEER_VERSION}", 1)
        try:
            theirs = peer_costs(Path(str(spec.options["model"])), list(recordings.values()))
        except RuntimeError as error:
            raise click.ClickException(str(error)) from error
    _report(recordings, ours, theirs)


def _subject(config: Path | None, model: str) -> Subject:
    chosen = subjects([config] if config else [], [] if config else [model])
    for subject in chosen:
        if subject.language == "english" and subject.spec.kind == "moonshine":
            return subject
    kinds = ", ".join(one.spec.kind for one in chosen if one.language == "english")
    raise click.ClickException(
        f"English is served by an engine of kind {kinds or 'none'}; allowed: moonshine, whose "
        "weights the other library reads too"
    )


def _report(recordings: dict[str, Said], ours: Sequence[Cost], theirs: Sequence[Cost]) -> None:
    each = list(zip(recordings.items(), ours, theirs, strict=True))
    rows = [
        _row(name, len(said.samples) / SAMPLE_RATE, our, their) for (name, said), our, their in each
    ]
    seconds = sum(len(one.samples) for one in recordings.values()) / SAMPLE_RATE
    sums = [sum(costs[1:], costs[0]) for costs in (ours, theirs)]
    wrong = [
        sum(
            (
                mistakes(said.text, cost.text)
                for said, cost in zip(recordings.values(), costs, strict=True)
            ),
            Mistakes(),
        ).rate
        for costs in (ours, theirs)
    ]
    rows.append(_row("all", seconds, *sums))
    times = ratio(sums[0].cpu_s, sums[1].cpu_s)
    report(
        "live-cost",
        ("recording", "seconds", "ours, CPU/s", "theirs", "ours / theirs", "texts told", "theirs"),
        rows,
        notes=(
            f"ours / theirs: {times:.2f}, bar at most {_BAR:.2f}, met: {verdict(times, most=_BAR)}",
            f"mistakes: ours {wrong[0]:.1%}, theirs {wrong[1]:.1%}",
            f"theirs: {_PEER} {_PEER_VERSION}",
        ),
        figures={
            "seconds": seconds,
            "ours_cpu_for_a_second": sums[0].cpu_s / seconds,
            "theirs_cpu_for_a_second": sums[1].cpu_s / seconds,
            "ratio": times,
            "bar": _BAR,
            "ours_mistakes": wrong[0],
            "theirs_mistakes": wrong[1],
        },
    )


def _row(name: str, seconds: float, ours: Cost, theirs: Cost) -> tuple[str, ...]:
    return (
        name,
        f"{seconds:.1f}",
        number(ours.cpu_s / seconds, ".3f"),
        number(theirs.cpu_s / seconds, ".3f"),
        number(ratio(ours.cpu_s, theirs.cpu_s), ".2f"),
        str(ours.updates),
        str(theirs.updates),
    )
