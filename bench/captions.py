"""Verb `captions`: how late a thousand viewers have a final, and what their speaker pays.

The viewers are a process of their own. They read from raw sockets, and nothing is parsed before the
end: the load shares the cores with what it measures. Times are of the clock that all processes of a
machine share.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import cast
from urllib.parse import urlsplit

import click
import uvloop

from bench.latency import percentile
from bench.recordings import load
from bench.report import report, seconds
from bench.servers import running_server
from bench.wire_clients import VAD_TAIL_MS
from bench.workload import CHUNK_MS
from rasr.audio import FORMATS
from rasr.captions import TimedWord
from rasr.cli.demo_metrics import DemoMetrics, Reference
from rasr.client import (
    LoopClock,
    Options,
    Pace,
    Result,
    ServerMessage,
    chunks_of,
    connect,
    stream_recording,
)

_SETTLE_S = 2.0
_FINAL = re.compile(rb'"id": (\d+),[^\n]*"final": true')
_AT_ONCE = 50
"""Connections being opened; more overflow the listener's queue."""


@dataclass(slots=True)
class Spoken:
    """What came back to the speaker."""

    final_ms: list[float] = field(default_factory=list)
    """From the true end of each sentence to its final, beyond `vad_tail`."""
    told_s: list[float] = field(default_factory=list)
    """When each final came, on the clock of the machine."""


@click.command()
@click.option("--viewers", default=1000, show_default=True)
def captions(viewers: int) -> None:
    """One speaker in real time with partials, the default model, and many viewers on loopback.

    A final counts as sent when the first of all has it, the speaker or a viewer. Wanted is a p95
    under 150 ms to the viewers on two cores. The speaker's own finals are measured without viewers,
    then with them.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Each viewer takes a descriptor there and one in the server; both inherit the limit.
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, viewers + 500), hard), hard))
    with running_server() as server:
        alone = uvloop.run(_speak(server.url, "alone"))
        before = server.usage()
        with _viewers(server.url, "watched", viewers) as watching:
            watched = uvloop.run(_speak(server.url, "watched"))
            watching.send("stop")
            received: list[list[float]] = watching.recv()
        cpu_s = server.usage().cpu_s - before.cpu_s
    waits = waits_ms(watched.told_s, received)
    missed = sum(viewers - len(times) for times in received)
    alone_ms, watched_ms = (percentile(one.final_ms, 50) for one in (alone, watched))
    report(
        "captions",
        (
            *("viewers", "to viewers p50", "p95", "max", "finals missed"),
            *("speaker's final p50, alone", "watched", "ratio", "CPU"),
        ),
        [
            (
                str(viewers),
                *(f"{percentile(waits, percent):.0f} ms" for percent in (50, 95, 100)),
                str(missed),
                seconds(alone_ms),
                seconds(watched_ms),
                f"{watched_ms / alone_ms:.2f}",
                f"{cpu_s:.1f} s",
            )
        ],
        notes=(f"{len(received)} finals; the speaker's latency is beyond vad_tail (500 ms)",),
        figures={
            "viewers": viewers,
            "to_viewers_p50_ms": percentile(waits, 50),
            "to_viewers_p95_ms": percentile(waits, 95),
            "finals_missed": missed,
            "speaker_alone_p50_ms": alone_ms,
            "speaker_watched_p50_ms": watched_ms,
            "ratio": watched_ms / alone_ms,
            "cpu_s": cpu_s,
        },
    )


async def _speak(url: str, channel: str) -> Spoken:
    """One recognition, published in both runs: what differs is who watches."""
    options = Options.of(
        "english_16k_common",
        digit_norm=False,
        interim_results=True,
        vad_tail=VAD_TAIL_MS,
        caption_channel=channel,
    )
    recording = load("conversation")
    sentences = tuple(
        tuple(TimedWord(word.text, word.start_ms, word.end_ms) for word in one.words)
        for one in recording.sentences
    )
    metrics = DemoMetrics(Reference(sentences), str.split)
    clock, spoken = LoopClock(), Spoken()
    began = 0.0

    def on_message(message: ServerMessage) -> None:
        if isinstance(message, Result):
            metrics.take(message, (clock.now() - began) * 1000)
            if message.segments[0].is_final:
                spoken.told_s.append(time.monotonic())

    chunks = chunks_of([recording.samples], FORMATS["pcm16k16bit"], CHUNK_MS)
    async with connect(url, options) as session:
        began = clock.now()
        await stream_recording(session, chunks, on_message, pace=Pace.REAL)
    # The last finals are on their way to the viewers.
    await asyncio.sleep(_SETTLE_S)
    spoken.final_ms = [ms - VAD_TAIL_MS for ms in metrics.final_ms]
    return spoken


def waits_ms(told_s: Sequence[float], received_s: Sequence[Sequence[float]]) -> list[float]:
    """Return the time from a final sent to each viewer who received it, for all of both.

    It was sent, at the latest, when the first of all had it: a viewer, or the speaker, whose final
    next to that time it is.

    Args:
        told_s: when the speaker had each final.
        received_s: for each final, when each viewer had it.
    """
    waits = []
    for times in received_s:
        first = min(times)
        sent = min([first, *sorted(told_s, key=lambda at_s: abs(at_s - first))[:1]])
        waits += [(at_s - sent) * 1000 for at_s in times]
    return waits


@contextmanager
def _viewers(url: str, channel: str, count: int) -> Iterator[Connection]:
    """So many viewers, all of them there, in a process of their own.

    They watch until something is sent to them, and then send for each final when each of them
    had it.
    """
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_run_viewers, args=(theirs, url, channel, count), daemon=True)
    process.start()
    theirs.close()
    try:
        try:
            ours.recv()
        except EOFError as error:
            raise RuntimeError("the viewers could not come; see above") from error
        yield ours
    finally:
        process.kill()
        process.join()


def _run_viewers(pipe: Connection, url: str, channel: str, count: int) -> None:
    uvloop.run(_watch(pipe, url, channel, count))


async def _watch(pipe: Connection, url: str, channel: str, count: int) -> None:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 0
    request = f"GET /captions/{channel}/events HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    opening = asyncio.Semaphore(_AT_ONCE)
    viewers = [_Viewer(request) for _ in range(count)]

    async def open_one(viewer: _Viewer) -> None:
        async with opening:
            await loop.create_connection(lambda: viewer, host, port)
            await viewer.answered.wait()

    await asyncio.gather(*(open_one(viewer) for viewer in viewers))
    pipe.send("ready")
    await asyncio.to_thread(pipe.recv)
    finals: dict[int, list[float]] = {}
    for viewer in viewers:
        for number, at_s in viewer.finals().items():
            finals.setdefault(number, []).append(at_s)
    pipe.send([times for _, times in sorted(finals.items())])


class _Viewer(asyncio.Protocol):
    """One stream of events."""

    def __init__(self, request: bytes) -> None:
        self.received: list[tuple[float, bytes]] = []
        self.answered = asyncio.Event()
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not registered as such.
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self.received.append((time.monotonic(), data))
        self.answered.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.answered.set()

    def finals(self) -> dict[int, float]:
        """When each final was there, whole."""
        out: dict[int, float] = {}
        rest = b""
        for at_s, data in self.received:
            # A chunk of HTTP may be cut anywhere, a line of JSON is whole when its end is there.
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                found = _FINAL.search(line)
                if found is not None:
                    out.setdefault(int(found[1]), at_s)
        return out
