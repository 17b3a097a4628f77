"""Verb `whisper-peers`: Whisper base as our live engine and in the servers of others, side by side.

Same weights, same recordings, in real time over loopback, one at a time. A recording is followed by
silence, because one of the servers has no final: its text is what it says in that time. What each
needs once, such as loading, is done before, with a recording that does not count; what a server
does before it says that a stream is open counts as little.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from math import isnan
from pathlib import Path

import click
import numpy as np
import uvloop
from websockets.exceptions import ConnectionClosed

from bench.latency import percentile, word_latencies
from bench.recordings import HumanRecording, Recording, SpeechSpan, human_recordings, load, names
from bench.report import Tracker, milliseconds, number, progress, report
from bench.servers import MeasuredServer, running_server, whisper_settings
from bench.texts import Mistakes, mistakes
from bench.whisper_servers import (
    WHISPER_LIVE,
    WHISPERLIVEKIT,
    WhisperLiveClient,
    WhisperLiveKitClient,
    running_whisper_live,
    running_whisperlivekit,
    silence,
)
from bench.wire_clients import Answer, SisClient, WireClient
from bench.workload import CHUNK_MS
from rasr.audio import SAMPLE_RATE, Samples
from rasr.client import WebSocket

_OURS = "ours"
_SILENCE_S = 3.0
_OPEN_S = 60.0
_END_S = 30.0
_CHUNK = SAMPLE_RATE * CHUNK_MS // 1000


@dataclass(frozen=True, slots=True)
class Subject:
    """One of the servers that are compared."""

    name: str
    start: Callable[[], AbstractContextManager[MeasuredServer]]
    wire: Callable[[str], WireClient]


@dataclass(slots=True)
class Outcome:
    """What came of one server."""

    mistakes: Mistakes = field(default_factory=Mistakes)
    """Of people's speech."""
    first_ms: list[float] = field(default_factory=list)
    """From the end of a word of synthetic speech to the first message that has it."""
    cpu_s: float = 0.0
    speech_s: float = 0.0
    """Of all recordings, without the silence behind them."""

    @property
    def error_rate(self) -> float:
        """Of words; NaN without people's speech."""
        return self.mistakes.rate

    @property
    def first_p50_ms(self) -> float:
        """Of a word to its first message; NaN if none was heard."""
        return percentile(self.first_ms, 50)

    @property
    def cpu(self) -> float:
        """Cores for a second of speech."""
        return self.cpu_s / self.speech_s if self.speech_s else float("nan")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is compared; ours is to be at most theirs, or less."""

    what: str
    of: Callable[[Outcome], float]
    written: Callable[[float], str]
    equal: bool

    def met(self, ours: Outcome, peers: Sequence[Outcome]) -> str:
        """Return "yes" or "no" against all peers, or a dash where something was not measured."""
        values = [self.of(one) for one in (ours, *peers)]
        if not peers or any(isnan(value) for value in values):
            return "–"
        mine, *theirs = values
        better = all(mine <= one if self.equal else mine < one for one in theirs)
        return "yes" if better else "no"


CRITERIA = (
    Criterion("word error rate", lambda one: one.error_rate, "{:.1%}".format, equal=True),
    Criterion(
        "a word to its first message, p50, ms", lambda one: one.first_p50_ms, milliseconds, False
    ),
    Criterion(
        "CPU for a second of speech, s", lambda one: one.cpu, partial(number, form=".2f"), False
    ),
)


@dataclass(frozen=True, slots=True)
class Streamed:
    """A recording that was streamed."""

    start_s: float
    """When its first sample was spoken, of `time.monotonic`."""
    answers: list[Answer]
    cpu_s: float
    """That the server took from when the stream was open."""


async def streamed(wire: WireClient, server: MeasuredServer, samples: Samples) -> Streamed:
    """Stream a recording in real time.

    Raises:
        OSError: there is no connection.
        ValueError: the server said that something is wrong.
        TimeoutError: it did not end.
    """
    websocket = await WebSocket(wire.url).open(timeout_s=_OPEN_S)
    try:
        if wire.opening is not None:
            await websocket.send(wire.opening)
            async with asyncio.timeout(_OPEN_S):
                _, message = await websocket.receive()
            refused = wire.refusal(message)
            if refused is not None:
                raise ValueError(refused)
        start_s, before_s = time.monotonic(), server.usage().cpu_s
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(_send(websocket, wire, samples, start_s))
            answers = await _listen(websocket, wire, sending)
    except* ValueError as group:
        raise group.exceptions[0] from None
    finally:
        websocket.abort()
    return Streamed(start_s, answers, server.usage().cpu_s - before_s)


async def _send(websocket: WebSocket, wire: WireClient, samples: Samples, start_s: float) -> None:
    for at in range(0, len(samples), _CHUNK):
        chunk = samples[at : at + _CHUNK]
        due_s = start_s + (at + len(chunk)) / SAMPLE_RATE
        await asyncio.sleep(due_s - time.monotonic())
        await websocket.send(wire.audio(chunk))
    await websocket.send(wire.ending)


async def _listen(
    websocket: WebSocket, wire: WireClient, sending: asyncio.Task[None]
) -> list[Answer]:
    answers: list[Answer] = []
    while True:
        try:
            async with asyncio.timeout(_END_S):
                at_s, message = await websocket.receive()
        except ConnectionClosed:
            if sending.done():
                return answers
            raise
        answers += wire.read(at_s, message)
        if sending.done() and wire.is_over(message):
            return answers


def with_final(answers: Sequence[Answer]) -> list[Answer]:
    """Answers of a server that tells the whole text each time: its last one becomes its final."""
    texts = [one for one in answers if one.text]
    if not texts or any(one.is_final for one in texts):
        return texts
    return [*texts[:-1], replace(texts[-1], is_final=True)]


class Measurement:
    """Streams all recordings to one server after the other."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        bundled = [load(name) for name in names()]
        human = human_recordings("en")
        self._recordings: list[Recording | HumanRecording] = [*bundled, *human]

    def measure(self, subject: Subject) -> Outcome:
        """Stream all recordings to one server.

        Raises:
            RuntimeError: it did not start.
            ValueError: it said that something is wrong.
            OSError: it is gone.
        """
        outcome = Outcome()
        with subject.start() as server:
            wire = subject.wire(server.url)
            self._stream(wire, server, self._recordings[0].samples)
            self._tracker.step(subject.name, len(self._recordings))
            for done, one in enumerate(self._recordings):
                self._tracker.at(done)
                stream = self._stream(wire, server, one.samples)
                outcome.speech_s += len(one.samples) / SAMPLE_RATE
                outcome.cpu_s += stream.cpu_s
                answers = with_final(stream.answers)
                if isinstance(one, Recording):
                    speech = [SpeechSpan(0, one.words[-1].end_ms, one.words)]
                    latencies = word_latencies(0, answers, speech, stream.start_s)
                    outcome.first_ms += [each.ms for each in latencies.first]
                else:
                    heard = " ".join(each.text for each in answers if each.is_final)
                    outcome.mistakes += mistakes(one.text, heard)
        return outcome

    def _stream(self, wire: WireClient, server: MeasuredServer, samples: Samples) -> Streamed:
        whole = np.concatenate([samples, silence(_SILENCE_S)])
        return uvloop.run(streamed(wire, server, whole))


@click.command("whisper-peers")
@click.option(
    "--model",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Of Whisper, in the format of faster-whisper.",
)
@click.option(
    "--server",
    "servers",
    type=click.Choice([WHISPER_LIVE, WHISPERLIVEKIT, _OURS]),
    multiple=True,
    help="Measure only this one; repeat for several. Default: all.",
)
def whisper_peers(folder: Path, servers: tuple[str, ...]) -> None:
    """Whisper as our live engine, and in whisper-live and whisperlivekit: errors, latency, CPU.

    `make peers` installs the two, some gigabytes. Errors are of the recordings of RASR_SPEECH_DIR,
    latencies of the bundled ones, whose word times are known; CPU is of both. A server that cannot
    be run is told below the table. Nothing else should run on the machine. About six minutes.
    """
    subjects = (
        Subject(WHISPER_LIVE, partial(running_whisper_live, folder), WhisperLiveClient),
        Subject(WHISPERLIVEKIT, partial(running_whisperlivekit, folder), WhisperLiveKitClient),
        Subject(
            _OURS,
            partial(running_server, whisper_settings(folder, "english"), admission=False),
            SisClient,
        ),
    )
    outcomes: dict[str, Outcome] = {}
    notes = [f"each recording in real time, with {_SILENCE_S:.0f} s of silence behind it"]
    with progress() as tracker:
        measurement = Measurement(tracker)
        for subject in subjects:
            if servers and subject.name not in servers:
                continue
            try:
                outcomes[subject.name] = measurement.measure(subject)
            except (RuntimeError, ValueError, OSError, ConnectionClosed) as error:
                notes.append(f"{subject.name} was not measured: {error}")
    ours = outcomes.get(_OURS)
    peers = [one for name, one in outcomes.items() if name != _OURS]
    rows = [
        (
            criterion.what,
            *(criterion.written(criterion.of(one)) for one in outcomes.values()),
            "at most theirs" if criterion.equal else "less than theirs",
            criterion.met(ours, peers) if ours is not None else "–",
        )
        for criterion in CRITERIA
    ]
    report(
        "whisper-peers",
        ("", *outcomes, "required of ours", "met"),
        rows,
        notes=notes,
        figures={
            name: {criterion.what: criterion.of(one) for criterion in CRITERIA}
            for name, one in outcomes.items()
        },
    )
