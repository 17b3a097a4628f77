"""Verb `overhead`: what the server costs around an engine that costs nothing."""

from __future__ import annotations

import asyncio
import resource
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import uvloop

from bench.load_client import load_generator
from bench.load_result import notes
from bench.report import progress, report
from bench.servers import FAKE_ENGINE, MeasuredServer, running_server, server_path_option
from bench.target import Target
from bench.workload import CHUNK_S, CorpusChoice, Talk
from rasr.client import Mode, open_connection

_SETTLE_S = 1.0
_AT_ONCE = 50
"""Connections being opened; more overflow the listener's queue."""


@click.command()
@click.option("--clients", default=100, show_default=True, help="Real-time streams.")
@click.option("--connections", default=1000, show_default=True, help="Connections that are idle.")
@click.option("--window", "window_s", default=30.0, show_default=True, help="What counts, s.")
@server_path_option
def overhead(clients: int, connections: int, window_s: float, server_path: Path | None) -> None:
    """What protocol, VAD, framing, queues and results cost; the engine is the fake one.

    CPU of the server for each second of each stream (chunks of 100 ms, 40 % speech), without and
    with partials: at most 2 ms is wanted. Messages, both ways, that it carries in a second and that
    a whole core would carry. Memory of connections that say nothing: at most 60 KiB each is wanted.
    With fewer streams each costs more: the process sleeps between messages, and waking it is dear.
    """
    start = partial(running_server, FAKE_ENGINE, admission=False, server_path=server_path)
    base = Target(
        start=start,
        corpus=CorpusChoice("en"),
        talk=Talk.CONVERSATION,
        warm_s=5.0,
        window_s=window_s,
    )
    rows, results = [], []
    figures: dict[str, object] = {}
    with progress() as tracker, load_generator(tracker) as generator:
        for interim in (False, True):
            chosen = replace(base, interim=interim)
            what = f"{clients} streams {'with' if interim else 'without'} partials"
            with chosen.running() as (url, server):
                result = generator.put_on(chosen.load(url, clients), what, server)
            results.append(result)
            cost_ms = result.server_cpu / clients * 1000
            rate = clients / CHUNK_S + result.received / window_s
            rows.append(
                (
                    what,
                    f"{cost_ms:.2f} ms",
                    f"{rate:,.0f}",
                    f"{rate / result.server_cpu:,.0f}",
                    "–",
                    str(len(result.errors) + len(result.refused)),
                )
            )
            figures[f"interim_{interim}"] = {
                "cpu_ms_per_stream_second": cost_ms,
                "messages_per_second": rate,
                "messages_per_core_second": rate / result.server_cpu,
            }
        tracker.step(f"{connections} idle connections", 1)
        allow_descriptors(connections)
        with start() as server:
            kib = uvloop.run(_growth_bytes(server, connections)) / connections / 1024
    rows.append((f"{connections} idle connections", "–", "–", "–", f"{kib:.1f} KiB", "0"))
    report(
        "overhead",
        (
            *("what", "CPU per stream-second", "messages/s", "messages/s of a whole core"),
            *("memory of each", "errors"),
        ),
        rows,
        notes=notes(results),
        figures={**figures, "idle_connections": connections, "idle_kib_each": kib},
    )


def allow_descriptors(connections: int) -> None:
    """Each connection takes a descriptor here and one in the server, which inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, connections + 500), hard), hard))


async def _growth_bytes(server: MeasuredServer, connections: int) -> int:
    """By how much the server's memory grows for connections that say nothing."""
    # The first one pays for what all share.
    async with open_connection(server.url, Mode.CONTINUE):
        await asyncio.sleep(_SETTLE_S)
    before = server.usage().rss_bytes
    async with AsyncExitStack() as opened:
        for first in range(0, connections, _AT_ONCE):
            count = min(_AT_ONCE, connections - first)
            await asyncio.gather(
                *(
                    opened.enter_async_context(open_connection(server.url, Mode.CONTINUE))
                    for _ in range(count)
                )
            )
        await asyncio.sleep(_SETTLE_S)
        return server.usage().rss_bytes - before
