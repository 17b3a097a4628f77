"""The load client: many streams at the speed of speech, in processes of their own.

A chunk is sent when its last sample would have been spoken, whatever the server does. The clients
share the cores with the server that they measure, so they do little: frames are built before the
load, messages are read after it, and nothing is awaited for a chunk. Every process puts its share
of a load on the server (`put_on`); `LoadGenerator` spreads a load over them, reads the server's
use of the machine meanwhile, and joins what came of it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import psutil
import uvloop
from websockets.exceptions import InvalidHandshake, InvalidStatus

from bench.latency import (
    Latency,
    Schedule,
    Window,
    end_latency,
    final_latencies,
    percentile,
    step_latencies,
    step_message,
    word_latencies,
)
from bench.load_result import Clock, LoadResult, merged
from bench.report import Tracker
from bench.servers import MeasuredServer, Usage
from bench.wire_clients import Answer, WireClient
from bench.workload import (
    CHUNK_S,
    CHUNK_SAMPLES,
    DRAIN_S,
    WHOLE,
    CorpusChoice,
    Load,
    Share,
    Stream,
    plan,
    read_corpus,
)
from rasr.client import WebSocket

CLIENTS_PER_PROCESS = 150
"""A client takes about 0.1 % of a core at 3 GHz; far below a core, so that it sends in time."""
_LEAD_S = 1.0
"""Connections are opened so much before their first audio is spoken."""
_OPEN_S = 30.0
_FULL = (429, 503)
"""HTTP's answers of a server that has no room."""
_TICK_S = 0.5


class StreamClient:
    """The connection of one stream, from the handshake to the last message."""

    def __init__(self, wire: WireClient, stream: Stream, late_s: list[float]) -> None:
        self.stream = stream
        self.messages: list[tuple[float, bytes]] = []
        self.failure: str | None = None
        self.refusal: str | None = None
        self._wire = wire
        self._late_s = late_s
        """How late each chunk went out is added here, s."""
        self._ready = asyncio.Event()
        self._over = asyncio.Event()
        self._ended = self._told_over = False
        # A ping would be one more thing that happens at a time of its own.
        self._websocket = WebSocket(wire.url, listener=self, pings=False)

    def on_open(self) -> None:
        """Send the opening, if there is one."""
        if self._wire.opening is None:
            self._ready.set()
        else:
            self._websocket.write(self._wire.opening)

    def on_message(self, at_s: float, text: bytes) -> None:
        """Store a message."""
        self.messages.append((at_s, text))
        if not self._ready.is_set():
            self.refusal = self._wire.refusal(text)
            self._ready.set()
        if self._ended and self._wire.is_over(text):
            self._told_over = True
            self._over.set()

    def on_lost(self) -> None:
        """Note a failure, if the stream was not over."""
        if not self._over.is_set() and self.refusal is None:
            closed = self._websocket.closed()
            self.failure = self.failure or f"the server closed the connection: {closed}"
        self._ready.set()
        self._over.set()

    async def taken(self) -> bool:
        """Wait for the answer to the opening; whether the stream may speak."""
        await self._ready.wait()
        return self.refusal is None and self.failure is None

    async def run(self, frames: Sequence[bytes], start_s: float) -> None:
        """Connect, speak and wait for the end. What goes wrong is kept in `failure`.

        Args:
            frames: of each chunk of the corpus.
            start_s: when the first sample is spoken, of `time.monotonic`.
        """
        try:
            await self._websocket.open(timeout_s=_OPEN_S)
        except InvalidStatus as error:
            if error.response.status_code in _FULL:
                self.refusal = f"HTTP {error.response.status_code}"
            else:
                self.failure = f"no connection: {error}"
            self._ready.set()
            return
        except (OSError, InvalidHandshake) as error:
            self.failure = f"no connection: {error}"
            self._ready.set()
            return
        try:
            async with asyncio.timeout(_OPEN_S):
                await self._ready.wait()
        except TimeoutError:
            self.failure = f"no answer to the first message within {_OPEN_S:.0f} s"
            self._ready.set()
        if self.failure is None and self.refusal is None:
            chunks = self.stream.script.chunks
            self._speak([frames[chunk] for chunk in chunks], start_s)
            try:
                async with asyncio.timeout_at(
                    _loop_time(start_s + len(chunks) * CHUNK_S + DRAIN_S)
                ):
                    await self._over.wait()
            except TimeoutError:
                self.failure = f"no end within {DRAIN_S:.0f} s of the last audio"
        self._over.set()
        self._websocket.abort()

    def _speak(self, frames: Sequence[bytes], start_s: float) -> None:
        """Send each frame when its audio is over, the first `CHUNK_S` after `start_s`."""
        loop = asyncio.get_running_loop()
        websocket, late_s, sent = self._websocket, self._late_s, 0

        def send() -> None:
            nonlocal sent
            if not websocket.is_open:
                return
            late_s.append(time.monotonic() - (start_s + (sent + 1) * CHUNK_S))
            websocket.write(frames[sent])
            sent += 1
            if sent < len(frames):
                loop.call_later(start_s + (sent + 1) * CHUNK_S - time.monotonic(), send)
            else:
                self._ended = True
                websocket.write(self._wire.ending)

        loop.call_later(start_s + CHUNK_S - time.monotonic(), send)

    def answers(self) -> list[Answer]:
        """Return what the messages say.

        Raises:
            ValueError: one is an error.
        """
        answers = [one for at_s, text in self.messages for one in self._wire.read(at_s, text)]
        if self._told_over and answers and not any(one.is_over for one in answers):
            # Some messages end a stream by coming after the end of the audio.
            answers[-1] = replace(answers[-1], is_over=True)
        return answers


def _loop_time(at_s: float) -> float:
    return asyncio.get_running_loop().time() + at_s - time.monotonic()


async def _until(at_s: float) -> None:
    await asyncio.sleep(max(0.0, at_s - time.monotonic()))


# One process


@dataclass(slots=True)
class _Records:
    """What came of all streams of a share of a load."""

    clients: list[StreamClient] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    client_cpu: float = 0.0


def put_on(load: Load, share: Share = WHOLE, began_s: float | None = None) -> LoadResult:
    """Put a share of a load on a server and return what came of it. It blocks until that is over.

    Args:
        load: the whole load.
        share: the part that this process puts on.
        began_s: when the load begins, of `time.monotonic`; all shares of a load have the same.
    """
    corpus = read_corpus(load.corpus)
    frames = [load.wire.audio(chunk) for chunk in corpus.chunks]
    streams = plan(load, corpus, share)
    began_s = time.monotonic() + _LEAD_S if began_s is None else began_s
    records = uvloop.run(_put_on(load, streams, frames, began_s))
    return _result(load, share, records, began_s)


async def _put_on(
    load: Load, streams: Sequence[Stream], frames: Sequence[bytes], began_s: float
) -> _Records:
    records = _Records()

    async def run(stream: Stream) -> None:
        start_s = began_s + stream.start_s
        # All at once would be a load of its own.
        await _until(start_s - _LEAD_S)
        client = StreamClient(load.wire, stream, records.late_s)
        records.clients.append(client)
        await client.run(frames, start_s)

    async with asyncio.TaskGroup() as group:
        group.create_task(_watch_cpu(records, load, began_s + load.warm_s))
        for stream in streams:
            group.create_task(run(stream))
    return records


async def _watch_cpu(records: _Records, load: Load, start_s: float) -> None:
    await _until(start_s)
    before_s = time.process_time()
    await _until(start_s + load.window_s)
    records.client_cpu = (time.process_time() - before_s) / load.window_s


@dataclass(slots=True)
class _Sum:
    latencies: dict[Clock, list[Latency]] = field(
        default_factory=lambda: {clock: [] for clock in Clock}
    )
    errors: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    ended: int = 0
    sentences: int = 0
    lost: int = 0
    doubled: int = 0
    words: int = 0
    heard: int = 0


def _result(load: Load, share: Share, records: _Records, began_s: float) -> LoadResult:
    total = _Sum()
    for client in records.clients:
        if client.refusal is not None:
            total.refused.append(client.refusal)
            continue
        if client.failure is not None:
            total.errors.append(client.failure)
        try:
            _add(total, load, client, began_s)
        except ValueError as error:
            total.errors.append(str(error))
    window = Window(began_s + load.warm_s, began_s + load.whole_s)
    shares = [client.stream.script.speech_share for client in records.clients]
    return LoadResult(
        clients=len(range(share.number, load.clients, share.of)),
        window=window,
        latencies={clock: tuple(window.of(each)) for clock, each in total.latencies.items()},
        streams=len(records.clients),
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
            for client in records.clients
            for at_s, _ in client.messages
        ),
        speech_share=sum(shares) / max(len(shares), 1),
        late_sends_ms=percentile(records.late_s, 99) * 1000,
        client_cpu=records.client_cpu,
    )


def _add(total: _Sum, load: Load, client: StreamClient, began_s: float) -> None:
    """Add the answers of one stream.

    Raises:
        ValueError: one is an error, or cannot be right.
    """
    number, script = client.stream.client, client.stream.script
    start_s = began_s + client.stream.start_s
    schedule = Schedule(start_s, CHUNK_SAMPLES, len(script.chunks))
    answers = client.answers()
    if load.tells_steps:
        steps = [one for answer in answers if (one := step_message(answer)) is not None]
        total.latencies[Clock.STEP] += step_latencies(number, steps, schedule)
    end = end_latency(number, answers, schedule)
    if end is None:
        if client.failure is None:
            total.errors.append("the stream ended without its last answer")
        return
    total.ended += 1
    total.latencies[Clock.END].append(end)
    finals = final_latencies(number, answers, script.speech, start_s)
    total.latencies[Clock.FINAL] += finals.latencies
    total.sentences += finals.sentences
    total.lost += finals.lost
    total.doubled += finals.doubled
    if load.corpus.knows_words and not load.tells_steps:
        words = word_latencies(number, answers, script.speech, start_s)
        total.latencies[Clock.FIRST] += words.first
        total.latencies[Clock.STABLE] += words.stable
        total.words += words.said
        total.heard += len(words.heard)


# All processes


class LoadGenerator:
    """The processes of load clients, which are started when they are needed and then kept."""

    def __init__(self, stack: ExitStack, tracker: Tracker, processes: int | None) -> None:
        self._stack = stack
        self._tracker = tracker
        self._processes = processes
        self._started: list[ProcessPoolExecutor] = []

    def put_on(self, load: Load, what: str, server: MeasuredServer | None) -> LoadResult:
        """Put a load on a server and wait until it is over.

        Args:
            load: the whole load.
            what: is shown while it runs.
            server: whose use of the machine is measured, if it is on this one.
        """
        count = min(self._processes or -(-load.clients // CLIENTS_PER_PROCESS), load.clients)
        while len(self._started) < count:
            # Spawned: no thread and no memory of this process is in it.
            spawn = multiprocessing.get_context("spawn")
            self._started.append(
                self._stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn))
            )
        chosen = self._started[:count]
        for ready in [one.submit(get_ready, load.corpus) for one in chosen]:
            ready.result()
        began_s = time.monotonic() + _LEAD_S
        self._tracker.step(what, load.whole_s)
        parts = [
            one.submit(put_on, load, Share(number, count), began_s)
            for number, one in enumerate(chosen)
        ]
        watch = UsageWatch(server)
        running: set[Future[LoadResult]] = set(parts)
        while running:
            watch.look()
            self._tracker.at(time.monotonic() - began_s)
            running = wait(running, timeout=_TICK_S).not_done
        return watch.added_to(merged([one.result() for one in parts]))


@contextmanager
def load_generator(tracker: Tracker, processes: int | None = None) -> Iterator[LoadGenerator]:
    """Have processes of load clients for as long as this lasts.

    Args:
        tracker: shows how far each load is.
        processes: so many for each load; None: one for each `CLIENTS_PER_PROCESS` clients.
    """
    with ExitStack() as stack:
        yield LoadGenerator(stack, tracker, processes)


def get_ready(corpus: CorpusChoice) -> None:
    """Read the recordings, so that `put_on` begins at once."""
    read_corpus(corpus)


class UsageWatch:
    """What a server takes of the machine, over time."""

    def __init__(self, server: MeasuredServer | None) -> None:
        """
        Args:
            server: None: nothing is known of it.
        """
        self._server = server
        self._seen: list[tuple[float, Usage]] = []

    def look(self) -> None:
        """Look now."""
        if self._server is not None:
            try:
                self._seen.append((time.monotonic(), self._server.usage()))
            except psutil.Error:
                # It died, which its clients report.
                self._server = None

    def added_to(self, result: LoadResult) -> LoadResult:
        """The result with what the server took in its window."""
        if not self._seen:
            return result
        window = result.window
        times = [at_s for at_s, _ in self._seen]
        cpu_s = [usage.cpu_s for _, usage in self._seen]
        before, after = np.interp([window.start_s, window.end_s], times, cpu_s)
        return replace(
            result,
            server_cpu=float(after - before) / (window.end_s - window.start_s),
            server_bytes=max(usage.tree_rss_bytes for _, usage in self._seen),
        )
