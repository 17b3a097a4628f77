"""Verb `overhead`: what the server costs around an engine that costs nothing."""

from __future__ import annotations

import asyncio
import resource
from dataclasses import replace

import click
import uvloop

from bench.clients import load_clients
from bench.corpus import Source
from bench.figures import said
from bench.machine import report
from bench.progress import progress
from bench.server import FAKE_ENGINE, MeasuredServer, running_server
from bench.sound import Talk
from bench.target import Target
from rasr.client import Mode, open_connection

_SETTLE_S = 1.0


@click.command()
@click.option("--clients", default=100, show_default=True, help="Real-time streams.")
@click.option("--connections", default=1000, show_default=True, help="Connections that are idle.")
@click.option("--window", "window_s", default=30.0, show_default=True, help="What counts, s.")
def overhead(clients: int, connections: int, window_s: float) -> None:
    """What protocol, VAD, framing, queues and results cost; the engine is the fake one.

    CPU of the server for each second of each stream (chunks of 100 ms, 40 % speech), without and
    with partials: the bar is 2 ms. Messages, both ways, that it carries in a second and that a
    whole core would carry. Memory of connections that say nothing: the bar is 60 KiB each. With
    fewer streams each costs more: the process sleeps between messages, and waking it is dear.
    """
    base = Target(
        config=FAKE_ENGINE,
        source=Source("en"),
        talk=Talk.CONVERSATION,
        warm_s=5.0,
        window_s=window_s,
        admission=False,
    )
    rows, figures, outcomes = [], {}, []
    with progress() as tracker, load_clients(tracker) as crowd:
        for interim in (False, True):
            chosen = replace(base, interim=interim)
            what = f"{clients} streams {'with' if interim else 'without'} partials"
            with chosen.running() as running:
                outcome = crowd.put_on(chosen.load(running.url, clients), what, running.server)
            outcomes.append(outcome)
            cost_ms = outcome.server_cpu / clients * 1000
            rate = 10 * clients + outcome.received / window_s
            rows.append(
                (
                    what,
                    f"{cost_ms:.2f} ms",
                    f"{rate:,.0f}",
                    f"{rate / outcome.server_cpu:,.0f}",
                    "–",
                    str(len(outcome.errors) + len(outcome.refused)),
                )
            )
            figures[f"interim_{interim}"] = {
                "cpu_ms_per_stream_second": cost_ms,
                "messages_per_second": rate,
                "messages_per_core_second": rate / outcome.server_cpu,
            }
        tracker.step(f"{connections} idle connections", 1)
        kib = _idle(connections)
    rows.append((f"{connections} idle connections", "–", "–", "–", f"{kib:.1f} KiB", "0"))
    report(
        "overhead",
        (
            *("what", "CPU per stream-second", "messages/s", "messages/s of a whole core"),
            *("memory of each", "errors"),
        ),
        rows,
        notes=said(outcomes),
        figures={**figures, "idle_connections": connections, "idle_kib_each": kib},
    )


def _idle(connections: int) -> float:
    """KiB of the server for each connection that says nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Each connection takes a descriptor here and one in the server, which inherits the limit.
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, connections + 500), hard), hard))
    with running_server(FAKE_ENGINE, admission=False) as server:
        return uvloop.run(_sit(server, connections)) / connections / 1024


async def _sit(server: MeasuredServer, connections: int) -> int:
    """Growth of the server's memory in bytes."""
    # The first ones pay for what all share.
    async with open_connection(server.url, Mode.CONTINUE):
        await asyncio.sleep(_SETTLE_S)
    before = server.usage().rss_bytes
    opened = asyncio.Semaphore(50)
    ready, leave = asyncio.Barrier(connections + 1), asyncio.Event()

    async def one() -> None:
        async with opened:
            context = open_connection(server.url, Mode.CONTINUE)
            await context.__aenter__()
        await ready.wait()
        await leave.wait()
        await context.__aexit__(None, None, None)

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(one())
        await ready.wait()
        await asyncio.sleep(_SETTLE_S)
        growth = server.usage().rss_bytes - before
        leave.set()
    return growth
