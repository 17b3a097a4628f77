"""Verb `captions`: how late a thousand viewers have a final, and what their speaker pays."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import click
import uvloop

from bench.machine import report
from bench.percentiles import percentile, shown
from bench.recordings import load
from bench.rounds import FORMAT, VAD_TAIL_MS, rotated, start_config
from bench.server import running_server
from rasr.cli.demo_metrics import DemoMetrics
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


@dataclass(slots=True)
class Spoken:
    """What the speaker was told."""

    final_ms: list[float] = field(default_factory=list)
    """From the true end of each sentence to its final, beyond `vad_tail`."""
    told_s: list[float] = field(default_factory=list)
    """When each final came, on the clock of the machine."""


@click.command()
@click.option("--viewers", default=1000, show_default=True)
def captions(viewers: int) -> None:
    """One speaker in real time with partials, the default model, and many viewers on loopback.

    A final counts as sent when the first of all has it, the speaker or a viewer. The bar is p95
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
            received = _received(watching)
        cpu_s = server.usage().cpu_s - before.cpu_s
    waits = waits_ms(watched.told_s, received)
    missed = sum(viewers - len(times) for times in received)
    ratio = percentile(watched.final_ms, 50) / percentile(alone.final_ms, 50)
    report(
        "captions",
        (
            "viewers",
            "to viewers p50",
            "p95",
            "max",
            "finals missed",
            "speaker's final p50, alone",
            "watched",
            "ratio",
            "CPU",
        ),
        [
            (
                str(viewers),
                f"{percentile(waits, 50):.0f} ms",
                f"{percentile(waits, 95):.0f} ms",
                f"{percentile(waits, 100):.0f} ms",
                str(missed),
                shown(alone.final_ms, 50),
                shown(watched.final_ms, 50),
                f"{ratio:.2f}",
                f"{cpu_s:.1f} s",
            )
        ],
        notes=(f"{len(received)} finals; the speaker's latency is beyond vad_tail (500 ms)",),
        figures={
            "viewers": viewers,
            "to_viewers_p50_ms": percentile(waits, 50),
            "to_viewers_p95_ms": percentile(waits, 95),
            "finals_missed": missed,
            "speaker_alone_p50_ms": percentile(alone.final_ms, 50),
            "speaker_watched_p50_ms": percentile(watched.final_ms, 50),
            "ratio": ratio,
            "cpu_s": cpu_s,
        },
    )


async def _speak(url: str, channel: str) -> Spoken:
    """One round, published in both runs: what differs is who watches."""
    config = replace(start_config(), caption_channel=channel)
    samples, reference = rotated(load("conversation"), 0)
    metrics, clock, spoken = DemoMetrics(reference), LoopClock(), Spoken()
    began = 0.0

    def on_message(message: ServerMessage) -> None:
        if isinstance(message, Result):
            metrics.take(message, (clock.now() - began) * 1000)
            if message.segments[0].is_final:
                spoken.told_s.append(time.monotonic())

    async with connect(url, Options(config)) as session:
        began = clock.now()
        await stream_recording(session, chunks_of([samples], FORMAT), on_message, pace=Pace.REAL)
    # The last finals are on their way to the viewers.
    await asyncio.sleep(_SETTLE_S)
    spoken.final_ms = [ms - VAD_TAIL_MS for ms in metrics.final_ms]
    return spoken


@contextmanager
def _viewers(url: str, channel: str, count: int) -> Iterator[subprocess.Popen[str]]:
    """So many viewers, all of them there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.viewers", url, channel, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the viewers could not come; see above")
        yield process
    finally:
        process.kill()
        process.wait()


def _received(viewers: subprocess.Popen[str]) -> list[list[float]]:
    """For each final cue, when each viewer had it."""
    output, _ = viewers.communicate()
    return [json.loads(line)["received_s"] for line in output.splitlines()]


def waits_ms(told_s: Sequence[float], received_s: Sequence[Sequence[float]]) -> list[float]:
    """From a final sent to each viewer who received it, for all cues and viewers.

    It was sent, at the latest, when the first of all had it: a viewer, or the speaker, who was
    told of it next to that time.
    """
    waits = []
    for times in received_s:
        first = min(times)
        sent = min([first, *sorted(told_s, key=lambda at_s: abs(at_s - first))[:1]])
        waits += [(at_s - sent) * 1000 for at_s in times]
    return waits
