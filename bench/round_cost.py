"""Verb `round-cost`: what a round takes of what replicas have in common, and of the network."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psutil
import uvloop

from bench.load_client import load_generator
from bench.load_result import notes
from bench.metering import make_account, token
from bench.overhead import allow_descriptors
from bench.recordings import load
from bench.replica_set import replica_set
from bench.replica_speakers import BYTES_PER_S, Speaker
from bench.replicas import Course, in_peace, sounds
from bench.report import number, progress, report
from bench.servers import FAKE_ENGINE
from bench.target import Target
from bench.workload import CorpusChoice, Talk
from rasr.audio import SAMPLE_RATE
from rasr.client import Ended, Mode, Options, connect, open_connection
from rasr.store.keyring import new_key
from tools.postgres import PostgresServer, serving, why_not

_IDLE_S = 12.0
_EVERY_S = 0.1
"""Between two rounds."""
_SETTLED_S = 6.0
"""Usage of rounds is in the database after five."""
_AT_ONCE = 50
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*)")
_HELP = ("BEGIN", "COMMIT", "ROLLBACK")


@dataclass(frozen=True, slots=True)
class _Work:
    """Of a database, so far."""

    statements: int
    transactions: int
    cpu_s: float

    @classmethod
    def of(cls, server: PostgresServer) -> _Work:
        said = _STATEMENT.findall(server.said())
        process: Any = psutil.Process(server.pid)  # type: ignore[no-untyped-call]
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        return cls(
            sum(not one.startswith(_HELP) for one in said),
            sum(one.startswith("COMMIT") for one in said),
            sum(one.user + one.system for one in times),
        )

    def since(self, before: _Work) -> _Work:
        return _Work(
            self.statements - before.statements,
            self.transactions - before.transactions,
            self.cpu_s - before.cpu_s,
        )


@dataclass(frozen=True, slots=True)
class _Database:
    """What a replica and its rounds asked of it."""

    idle_s: float
    """Statements a second of a replica that nobody uses."""
    round_statements: float
    round_transactions: float
    statement_ms: float
    """Of a core, the server's."""


def _database(rounds: int) -> _Database:
    with tempfile.TemporaryDirectory() as name, serving() as postgres:
        place = Path(name)
        url = postgres.url(postgres.make_database())
        store = f'[store]\nurl = "{url}"\nencryption_keys = ["{new_key()}"]\n'
        file = place / "store.toml"
        file.write_text(store)
        subprocess.run(
            [sys.executable, "-m", "rasr", "store", "--config", str(file), "migrate"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        project = make_account(place, store)
        postgres.run("ALTER ROLE rasr SET log_statement = 'all'")
        with replica_set(1, FAKE_ENGINE, store) as replicas:
            options = Options.of(
                "english_16k_common",
                project_id=project,
                token=token(replicas.servers[0].url),
            )
            time.sleep(_SETTLED_S)
            began = _Work.of(postgres)
            time.sleep(_IDLE_S)
            idle = _Work.of(postgres).since(began)
            began, began_s = _Work.of(postgres), time.monotonic()
            uvloop.run(_rounds(replicas.balancer.url, options, rounds))
            time.sleep(_SETTLED_S)
            busy, took_s = _Work.of(postgres).since(began), time.monotonic() - began_s
    return _Database(
        idle.statements / _IDLE_S,
        (busy.statements - idle.statements / _IDLE_S * took_s) / rounds,
        (busy.transactions - idle.transactions / _IDLE_S * took_s) / rounds,
        busy.cpu_s / busy.statements * 1000,
    )


async def _rounds(url: str, options: Options, count: int) -> None:
    """Each on a connection of its own, one each tenth of a second."""
    audio = load("greeting").samples[:SAMPLE_RATE].tobytes()

    async def one() -> None:
        async with connect(url, options) as session:
            await session.send(audio)
            await session.end()
            assert any([isinstance(message, Ended) async for message in session])

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())
            await asyncio.sleep(_EVERY_S)


async def _memory(url: str, measured: Sequence[Callable[[], int]], connections: int) -> list[float]:
    """By how much each grows for a connection that says nothing, bytes."""
    async with AsyncExitStack() as opened:
        before = [one() for one in measured]
        for first in range(0, connections, _AT_ONCE):
            count = min(_AT_ONCE, connections - first)
            await asyncio.gather(
                *(
                    opened.enter_async_context(open_connection(url, Mode.CONTINUE))
                    for _ in range(count)
                )
            )
        await asyncio.sleep(1.0)
        return [(one() - old) / connections for one, old in zip(measured, before, strict=True)]


@click.command("round-cost")
@click.option("--rounds", default=100, show_default=True, help="That are asked of a database.")
@click.option("--clients", default=60, show_default=True, help="Streams through the balancer.")
@click.option("--connections", default=500, show_default=True, help="Connections that are idle.")
@click.option("--speakers", default=4, show_default=True, help="Who speak to the default engine.")
@click.option("--window", "window_s", default=20.0, show_default=True, help="Of each load, s.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings of the server to which they speak, in place of the default ones.",
)
def round_cost(
    rounds: int, clients: int, connections: int, speakers: int, window_s: float, config: Path | None
) -> None:
    """What a round takes of a database, of HAProxy and of the network.

    Database: statements for rounds of callers with a token, one each tenth of a second, and of a
    replica that nobody uses, counted in PostgreSQL's log. HAProxy: processor time for a second of a
    stream in conversation, around an engine that costs nothing, and memory of a connection.
    Network: bytes for a second of somebody who speaks without long pauses to the default engine,
    his words shown as they come. These are what `scale` begins with.

    \b
    python -m bench round-cost
    """
    if (why := why_not()) is not None:
        raise click.ClickException(why)
    with progress() as tracker:
        tracker.step("database", 1)
        database = _database(rounds)
        with replica_set(1, FAKE_ENGINE + "[capacity]\nmax_load = 0\n") as replicas:
            balancer, (server,) = replicas.balancer, replicas.servers
            tracker.step(f"{connections} idle connections", 1)
            allow_descriptors(connections)
            balancer_bytes, server_bytes = uvloop.run(
                _memory(
                    balancer.url,
                    [balancer.memory_bytes, lambda: server.usage().rss_bytes],
                    connections,
                )
            )
            with load_generator(tracker) as generator:
                chosen = Target(
                    url=balancer.url,
                    corpus=CorpusChoice("en"),
                    talk=Talk.CONVERSATION,
                    warm_s=0.0,
                    window_s=window_s,
                )
                before = balancer.cpu_s()
                result = generator.put_on(
                    chosen.load(balancer.url, clients), f"{clients} streams", server
                )
                balancer_ms = (balancer.cpu_s() - before) / window_s / clients * 1000
        with replica_set(1, "" if config is None else config.read_text("utf-8")) as replicas:
            tracker.step(f"{speakers} speakers", 1)
            carried = replicas.balancer.carried()
            course = Course([Speaker(one) for one in sounds(speakers, window_s)])
            uvloop.run(course.run(replicas, in_peace))
            spoken_s = sum(len(one.sound) for one in course.speakers) / BYTES_PER_S
            up, down = (
                (now - old) / spoken_s
                for now, old in zip(replicas.balancer.carried(), carried, strict=True)
            )
    values = {
        "round_statements": ("statements for a round", database.round_statements, ".1f"),
        "round_transactions": ("transactions for a round", database.round_transactions, ".1f"),
        "idle_statements": (
            "statements a second of a replica that nobody uses",
            database.idle_s,
            ".1f",
        ),
        "statement_ms": ("a statement, ms of a core of PostgreSQL's", database.statement_ms, ".2f"),
        "balancer_ms": ("a second of a stream, ms of a core of HAProxy's", balancer_ms, ".2f"),
        "balancer_kib": ("a connection, KiB of HAProxy's memory", balancer_bytes / 1024, ".1f"),
        "server_kib": ("a connection, KiB of the server's memory", server_bytes / 1024, ".1f"),
        "up_bytes": ("a second of a speaker, bytes to the server", up, ",.0f"),
        "down_bytes": ("a second of a speaker, bytes from the server", down, ",.0f"),
    }
    report(
        "round-cost",
        ("what", "value"),
        [(what, number(value, form)) for what, value, form in values.values()],
        notes=(*notes([result]), *(f"failed: {why}" for why in course.failures)),
        figures={name: value for name, (_, value, _) in values.items()},
    )
