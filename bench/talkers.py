"""The load client: many streams at the speed of speech, in a process of its own.

Open loop: what is said when is planned beforehand; a chunk is sent when its last sample would have
been spoken, whatever the server does. The client shares the cores with the server that it measures,
so it does little: frames are built before, messages are only stored with their time of arrival and
read after the load, and nothing is awaited for a chunk. `bench.clients` spreads a load over several
such processes.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import uvloop
from websockets.exceptions import InvalidHandshake, InvalidStatus

from bench.corpus import WITHOUT_PAUSES, Source, sound_of
from bench.latency import (
    Clock,
    Outcome,
    Schedule,
    Wait,
    Window,
    end_wait,
    step_waits,
    told,
)
from bench.perceived import seen
from bench.percentiles import percentile
from bench.script import Script, Sound
from bench.sentences import finals
from bench.sound import CHUNK_SAMPLES, Talk
from bench.wires import Answer, Wire
from rasr.client import Link

_CHUNK_S = 0.1
_LEAD_S = 1.0
"""Connections are opened so much before their first sound is spoken."""
_LEAST_PHASE_S = 1.0
_PHASE_SHARE = 0.8
"""Of the warm-up: streams begin at random within it. So they are in any phase of a chunk and of a
step, and what a server does from time to time (20 s or 30 s of speech without a pause are cut by
force) does not come to all clients at once."""
_OPEN_S = 30.0
_DRAIN_S = 15.0
"""How long after the last sound a stream's end is waited for."""
_FULL = (429, 503)
"""HTTP's answers of a server that has no room."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is put on a server."""

    wire: Wire
    talk: Talk
    clients: int
    warm_s: float
    window_s: float
    turn_s: tuple[float, float] | None = None
    """Each client's streams are so long, one right after the other; None: one for all the time."""
    seed: int = 1
    source: Source = WITHOUT_PAUSES
    tells_steps: bool = False
    """The server runs the measured model, whose words say which step they are of."""

    @property
    def whole_s(self) -> float:
        return self.warm_s + self.window_s

    @property
    def longest_s(self) -> float:
        """From its beginning to when the last stream is given up."""
        return self.whole_s + max(_LEAST_PHASE_S, _PHASE_SHARE * self.warm_s) + _DRAIN_S


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a load that one process puts on: every so-manieth client."""

    number: int = 0
    of: int = 1


@dataclass(frozen=True, slots=True)
class Stream:
    """One connection: who says what from when on, in seconds since the load began."""

    client: int
    start_s: float
    script: Script

    @property
    def chunks(self) -> tuple[int, ...]:
        return self.script.chunks


def plan(load: Load, sound: Sound, share: Share = Share()) -> list[Stream]:
    """Every stream of a share of a load. The same load gives the same plan."""
    streams = []
    for client in range(share.number, load.clients, share.of):
        choice = random.Random(f"{load.seed} {client}")
        start_s = choice.uniform(0, max(_LEAST_PHASE_S, _PHASE_SHARE * load.warm_s))
        chunks = round(load.whole_s / _CHUNK_S)
        whole = sound.script(load.talk, load.seed * 1000 + client, chunks)
        lengths = [chunks]
        if load.turn_s is not None:
            lengths = _turns(load.turn_s, chunks, choice)
        place = 0
        for length in lengths:
            streams.append(Stream(client, start_s + place * _CHUNK_S, whole.part(place, length)))
            place += length
    return streams


def _turns(turn_s: tuple[float, float], chunks: int, choice: random.Random) -> list[int]:
    lengths: list[int] = []
    # The first is cut short at random, so that clients that begin together do not end together.
    longest = choice.uniform(0.2, 1.0)
    while chunks:
        length = min(max(1, round(choice.uniform(*turn_s) * longest / _CHUNK_S)), chunks)
        lengths.append(length)
        chunks -= length
        longest = 1.0
    return lengths


class Line(Link):
    """The connection of one stream, from the handshake to the last message."""

    def __init__(self, wire: Wire, late_s: list[float]) -> None:
        # A ping would be one more thing that happens at a time of its own.
        super().__init__(wire.url, pings=False, subprotocols=wire.subprotocols)
        self.messages: list[tuple[float, bytes]] = []
        self.failure: str | None = None
        self.refusal: str | None = None
        self.ready = asyncio.Event()
        self.over = asyncio.Event()
        self._wire = wire
        self._late_s = late_s
        self._ended = self._told_over = False
        self._ended_s = self._closed_s = 0.0

    def on_open(self) -> None:
        if self._wire.opening is not None:
            self.write(self._wire.opening)
        if not self._wire.opening_is_answered:
            self.ready.set()

    def on_message(self, at_s: float, text: bytes) -> None:
        self.messages.append((at_s, text))
        if not self.ready.is_set():
            self.refusal = self._wire.refusal(text)
            self.ready.set()
        if self._ended and self._wire.is_over(text):
            self._told_over = True
            self.over.set()

    def on_lost(self) -> None:
        self._closed_s = time.monotonic()
        ended = self.over.is_set() or (self._ended and self._wire.ends_by_closing)
        if not ended and self.refusal is None:
            self.failure = self.failure or f"the server closed the connection: {self.closed()}"
        self.ready.set()
        self.over.set()

    def speak(self, frames: Sequence[bytes], start_s: float) -> None:
        """Send each frame when its sound is over, the first `_CHUNK_S` after `start_s`."""
        loop = asyncio.get_running_loop()
        write, late_s, sent = self.write, self._late_s, 0

        def send() -> None:
            nonlocal sent
            if not self.is_open:
                return
            late_s.append(time.monotonic() - (start_s + (sent + 1) * _CHUNK_S))
            write(frames[sent])
            sent += 1
            if sent < len(frames):
                loop.call_later(start_s + (sent + 1) * _CHUNK_S - time.monotonic(), send)
            else:
                self._ended, self._ended_s = True, time.monotonic()
                write(self._wire.ending)

        loop.call_later(start_s + _CHUNK_S - time.monotonic(), send)

    def hang_up(self) -> None:
        self.over.set()
        self.abort()

    def answers(self) -> list[Answer]:
        """
        Raises:
            ValueError: one is an error.
        """
        read = self._wire.reader()
        answers = [one for at_s, text in self.messages for one in read(at_s, text)]
        if self._ended and self._wire.ends_by_closing and self.failure is None:
            if answers and answers[-1].at_s >= self._ended_s:
                answers[-1] = replace(answers[-1], is_final=True, is_over=True)
            else:
                answers.append(Answer(self._closed_s, "", is_over=True))
        if self._told_over and answers and not any(one.is_over for one in answers):
            # Some messages end a stream by coming after the end of the sound.
            answers[-1] = replace(answers[-1], is_over=True)
        return answers


@dataclass(slots=True)
class _Records:
    """What came of all streams of a load."""

    lines: list[tuple[Stream, Line]] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    client_cpu: float = 0.0


def put_on(load: Load, share: Share = Share(), began_s: float | None = None) -> Outcome:
    """Put a share of a load on a server and reckon what came of it. Blocks until it is over.

    Args:
        began_s: when the load begins, of `time.monotonic`; all shares of a load have the same.
    """
    sound = sound_of(load.source)
    frames = [load.wire.sound(chunk) for chunk in sound.chunks]
    streams = plan(load, sound, share)
    began_s = time.monotonic() + _LEAD_S if began_s is None else began_s
    records = uvloop.run(_put_on(load, streams, frames, began_s))
    return _reckon(load, share, records, began_s)


def get_ready(source: Source) -> None:
    """Read the recordings, so that `put_on` begins at once."""
    sound_of(source)


async def _put_on(
    load: Load, streams: Sequence[Stream], frames: Sequence[bytes], began_s: float
) -> _Records:
    records = _Records()
    async with asyncio.TaskGroup() as group:
        group.create_task(_watch_cpu(records, load, began_s + load.warm_s))
        for stream in streams:
            group.create_task(_speak(load.wire, stream, frames, began_s, records))
    return records


async def _speak(
    wire: Wire, stream: Stream, frames: Sequence[bytes], began_s: float, records: _Records
) -> None:
    start_s = began_s + stream.start_s
    # All at once would be a load of its own.
    await _until(start_s - _LEAD_S)
    line = Line(wire, records.late_s)
    records.lines.append((stream, line))
    try:
        await line.open(timeout_s=_OPEN_S)
    except InvalidStatus as error:
        if error.response.status_code in _FULL:
            line.refusal = f"HTTP {error.response.status_code}"
        else:
            line.failure = f"no connection: {error}"
        return
    except (OSError, InvalidHandshake) as error:
        line.failure = f"no connection: {error}"
        return
    try:
        async with asyncio.timeout(_OPEN_S):
            await line.ready.wait()
    except TimeoutError:
        line.failure = f"no answer to the first message within {_OPEN_S:.0f} s"
    if line.failure is None and line.refusal is None:
        line.speak([frames[chunk] for chunk in stream.chunks], start_s)
        try:
            async with asyncio.timeout_at(_loop_time(start_s + len(stream.chunks) * _CHUNK_S)):
                await line.over.wait()
        except TimeoutError:
            await _last_messages(line)
    line.hang_up()


async def _last_messages(line: Line) -> None:
    try:
        async with asyncio.timeout(_DRAIN_S):
            await line.over.wait()
    except TimeoutError:
        line.failure = f"no end within {_DRAIN_S:.0f} s of the last sound"


async def _watch_cpu(records: _Records, load: Load, start_s: float) -> None:
    await _until(start_s)
    before_s = time.process_time()
    await _until(start_s + load.window_s)
    records.client_cpu = (time.process_time() - before_s) / load.window_s


async def _until(at_s: float) -> None:
    await asyncio.sleep(max(0.0, at_s - time.monotonic()))


def _loop_time(at_s: float) -> float:
    return asyncio.get_running_loop().time() + at_s - time.monotonic()


@dataclass(slots=True)
class _Sum:
    waits: dict[Clock, list[Wait]] = field(default_factory=lambda: {clock: [] for clock in Clock})
    errors: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    ended: int = 0
    sentences: int = 0
    lost: int = 0
    doubled: int = 0
    words: int = 0
    heard: int = 0


def _reckon(load: Load, share: Share, records: _Records, began_s: float) -> Outcome:
    total = _Sum()
    for stream, line in records.lines:
        if line.refusal is not None:
            total.refused.append(line.refusal)
            continue
        if line.failure is not None:
            total.errors.append(line.failure)
        try:
            _add(total, load, stream, line, began_s)
        except ValueError as error:
            total.errors.append(str(error))
    window = Window(began_s + load.warm_s, began_s + load.whole_s)
    shares = [stream.script.speech_share for stream, _ in records.lines]
    return Outcome(
        clients=len(range(share.number, load.clients, share.of)),
        window=window,
        waits={clock: tuple(window.of(waits)) for clock, waits in total.waits.items()},
        streams=len(records.lines),
        refused=tuple(total.refused),
        errors=tuple(total.errors),
        ended=total.ended,
        sentences=total.sentences,
        lost=total.lost,
        doubled=total.doubled,
        words=total.words,
        heard=total.heard,
        received=sum(
            window.start_s <= at_s < window.end_s
            for _, line in records.lines
            for at_s, _ in line.messages
        ),
        speech_share=sum(shares) / max(len(shares), 1),
        late_sends_ms=percentile(records.late_s, 99) * 1000,
        client_cpu=records.client_cpu,
    )


def _add(total: _Sum, load: Load, stream: Stream, line: Line, began_s: float) -> None:
    """What one stream was told.

    Raises:
        ValueError: it was told an error, or something that cannot be.
    """
    client, script = stream.client, stream.script
    start_s = began_s + stream.start_s
    schedule = Schedule(start_s, CHUNK_SAMPLES, len(script.chunks))
    answers = line.answers()
    if load.tells_steps:
        steps = [one for answer in answers if (one := told(answer)) is not None]
        total.waits[Clock.STEP] += step_waits(client, steps, schedule)
    end = end_wait(client, answers, schedule)
    if end is None:
        if line.failure is None:
            total.errors.append("the stream ended without its last answer")
        return
    total.ended += 1
    total.waits[Clock.END].append(end)
    counted = finals(client, answers, script, start_s)
    total.waits[Clock.FINAL] += counted.waits
    total.sentences += counted.sentences
    total.lost += counted.lost
    total.doubled += counted.doubled
    if load.source.knows_words and not load.tells_steps:
        words = seen(client, answers, script, start_s)
        total.waits[Clock.FIRST] += words.first
        total.waits[Clock.STABLE] += words.stable
        total.words += words.said
        total.heard += len(words.heard)
