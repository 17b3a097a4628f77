"""The load client: many streams at the speed of speech, in a process of its own.

Open loop: what is said when is planned beforehand; a chunk is sent when its last sample would have
been spoken, whatever the server does. The client shares the cores with the server that it measures,
so it does little: frames are built before, messages are only stored with their time of arrival and
read after the load, and nothing is awaited for a chunk.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import uvloop
from websockets.exceptions import InvalidHandshake

from bench.latency import Outcome, Schedule, Told, Wait, Window, final_wait, step_waits
from bench.percentiles import percentile
from bench.server import MeasuredServer
from bench.sound import CHUNK_SAMPLES, Pool, Talk, pool
from bench.wires import Wire
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
    server_pid: int | None = None
    """Whose CPU time is to be measured too."""

    @property
    def whole_s(self) -> float:
        return self.warm_s + self.window_s


@dataclass(frozen=True, slots=True)
class Stream:
    """One connection: who says which chunks from when on, in seconds since the load began."""

    client: int
    start_s: float
    chunks: tuple[int, ...]


def plan(load: Load, sound: Pool) -> list[Stream]:
    """Every stream of a load. The same load gives the same plan."""
    streams = []
    for client in range(load.clients):
        choice = random.Random(f"{load.seed} {client}")
        start_s = choice.uniform(0, max(_LEAST_PHASE_S, _PHASE_SHARE * load.warm_s))
        said = sound.talk(load.talk, load.seed * 1000 + client, round(load.whole_s / _CHUNK_S))
        lengths = [len(said)]
        if load.turn_s is not None:
            lengths = _turns(load.turn_s, len(said), choice)
        place = 0
        for length in lengths:
            chunks = tuple(said[place : place + length])
            streams.append(Stream(client, start_s + place * _CHUNK_S, chunks))
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
        super().__init__(wire.url, pings=False)
        self.messages: list[tuple[float, bytes]] = []
        self.failure: str | None = None
        self.ready = asyncio.Event()
        self.over = asyncio.Event()
        self._wire = wire
        self._late_s = late_s
        self._ended = False

    def on_open(self) -> None:
        opening = self._wire.opening
        if opening is None:
            self.ready.set()
        else:
            self.write(opening)

    def on_message(self, at_s: float, text: bytes) -> None:
        self.messages.append((at_s, text))
        self.ready.set()
        if self._ended and self._wire.is_over(text):
            self.over.set()

    def on_lost(self) -> None:
        if not self.over.is_set():
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
                self._ended = True
                write(self._wire.ending)

        loop.call_later(start_s + _CHUNK_S - time.monotonic(), send)

    def hang_up(self) -> None:
        self.over.set()
        self.abort()


@dataclass(slots=True)
class _Records:
    """What came of all streams of a load."""

    lines: list[tuple[Stream, Line]] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    client_cpu: float = 0.0
    server_cpu: float = 0.0


def put_on(load: Load, sound: Pool | None = None) -> Outcome:
    """Put a load on a server and reckon what came of it. Blocks until it is over."""
    sound = sound or _pool()
    frames = [load.wire.sound(chunk) for chunk in sound.chunks]
    streams = plan(load, sound)
    began_s = time.monotonic() + _LEAD_S
    records = uvloop.run(_put_on(load, streams, frames, began_s))
    window = Window(began_s + load.warm_s, began_s + load.whole_s)
    return _reckon(load, records, began_s, window)


@cache
def _pool() -> Pool:
    return pool()


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
    except (OSError, InvalidHandshake) as error:
        line.failure = f"no connection: {error}"
        return
    await line.ready.wait()
    if line.failure is None:
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
    server = None if load.server_pid is None else MeasuredServer(load.wire.url, load.server_pid)
    await _until(start_s)
    client_s, server_s = time.process_time(), server.usage().cpu_s if server else 0.0
    await _until(start_s + load.window_s)
    records.client_cpu = (time.process_time() - client_s) / load.window_s
    if server:
        records.server_cpu = (server.usage().cpu_s - server_s) / load.window_s


async def _until(at_s: float) -> None:
    await asyncio.sleep(max(0.0, at_s - time.monotonic()))


def _loop_time(at_s: float) -> float:
    return asyncio.get_running_loop().time() + at_s - time.monotonic()


def _reckon(load: Load, records: _Records, began_s: float, window: Window) -> Outcome:
    partials: list[Wait] = []
    finals: list[Wait] = []
    errors: list[str] = []
    for stream, line in records.lines:
        if line.failure is not None:
            errors.append(line.failure)
        schedule = Schedule(began_s + stream.start_s, CHUNK_SAMPLES, len(stream.chunks))
        try:
            told = _read_all(load.wire.read, line.messages)
            partials += step_waits(stream.client, told, schedule)
        except ValueError as error:
            errors.append(str(error))
            continue
        final = final_wait(stream.client, told, schedule)
        if final is not None:
            finals.append(final)
        elif line.failure is None:
            errors.append("the stream ended without a final")
    return Outcome(
        clients=load.clients,
        partials=tuple(window.of(partials)),
        finals=tuple(window.of(finals)),
        window=window,
        errors=tuple(errors),
        late_sends_ms=percentile(records.late_s, 99) * 1000,
        client_cpu=records.client_cpu,
        server_cpu=records.server_cpu,
    )


def _read_all(
    read: Callable[[float, bytes], Told | None], messages: Sequence[tuple[float, bytes]]
) -> list[Told]:
    return [told for at_s, text in messages if (told := read(at_s, text)) is not None]
