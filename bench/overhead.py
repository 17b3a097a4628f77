"""Verbs `overhead` and `idle`: what the server costs around an engine that costs nothing."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import click
import uvloop

from bench.load import speak_together
from bench.machine import report
from bench.server import FAKE_ENGINE, MeasuredServer, running_server
from rasr.client import Mode, open_connection
from tests.speech.library import load

_SETTLE_S = 1.0


@click.command()
@click.option("--clients", default=100, show_default=True, help="real-time streams")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="add a line of JSON")
def overhead(clients: int, json_file: Path | None) -> None:
    """CPU of the server per second of each stream: protocol, VAD, framing, queues, results.

    The engine is the fake one, chunks are 100 ms, the sound is the bundled conversation. The bar
    is 2 ms. With fewer streams each costs more: the process sleeps between messages, and waking
    it is dear (2.3 ms with partials at 40 streams where 100 cost 1.9).
    """
    recording = load("conversation")
    rows, figures = [], {}
    with running_server(FAKE_ENGINE) as server:
        for interim in (False, True):
            before = server.usage()
            heard = uvloop.run(speak_together(server.url, recording, clients, interim=interim))
            cpu_s = server.usage().cpu_s - before.cpu_s
            seconds = len(heard.reckonings) * len(recording.samples) / 16_000
            cost_ms = cpu_s / seconds * 1000
            rows.append(("yes" if interim else "no", f"{cost_ms:.2f} ms", str(len(heard.errors))))
            figures[f"interim_{interim}"] = cost_ms
    report(
        "overhead",
        ("interim_results", "CPU per stream-second", "errors"),
        rows,
        notes=(f"{clients} streams at the speed of speech",),
        json_file=json_file,
        figures=figures,
    )


@click.command()
@click.option("--connections", default=1000, show_default=True)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="add a line of JSON")
def idle(connections: int, json_file: Path | None) -> None:
    """Memory of the server for connections that say nothing. The bar is 60 KiB each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Each connection takes a descriptor here and one in the server, which inherits the limit.
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, connections + 500), hard), hard))
    with running_server(FAKE_ENGINE) as server:
        growth, accepted = uvloop.run(_sit(server, connections))
    each = growth / max(accepted, 1) / 1024
    report(
        "idle",
        ("connections", "accepted", "memory each"),
        [(str(connections), str(accepted), f"{each:.1f} KiB")],
        json_file=json_file,
        figures={"accepted": accepted, "kib_each": each},
    )


async def _sit(server: MeasuredServer, connections: int) -> tuple[int, int]:
    """Growth of the server's memory in bytes, and how many connections it accepted."""
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
    return growth, connections
