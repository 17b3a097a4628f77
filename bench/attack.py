"""Verb `attack`: what does one hostile client, or a handful, do to everybody else?

The attacker is a process of its own, and so is whoever asks `/healthz` all the time and reads the
server's memory: neither waits for the other.
"""

from __future__ import annotations

import asyncio
import http.client
import multiprocessing
import random
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import click

from bench.attack_clients import ATTACKS, check_loopback
from bench.report import milliseconds, progress, report
from bench.servers import FAKE_ENGINE, MeasuredServer, running_server, server_path_option

QUIET = "nothing"
"""The row without an attack."""
_EVERY_S = 0.02
_PATIENCE_S = 60.0
_HARASS_S, _REST_S = 3.0, 12.0
"""Of one attack after the other, and between two: what an attacker has sent is work for a while, of
which he gets no more than others do, and is to be over before the next one."""
_BEHIND_S = 1.0
"""Looked at for so long after the attack."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attack did."""

    attack: str
    longest_s: float
    """The longest answer of `/healthz`; as long as was waited if none came."""
    memory_mb: float
    """The most that the server and its workers took, beyond what they had before."""
    what: str


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(min=1),
    default=10.0,
    show_default=True,
    help="how long each goes on at most",
)
@click.option("--only", multiple=True, type=click.Choice(list(ATTACKS)), help="these alone")
@server_path_option
def attack(seconds: float, only: tuple[str, ...], server_path: Path | None) -> None:
    """Attack a server on this machine, in one way after the other, each on a server of its own.

    Told of each: the longest answer of `/healthz` while it went on, asked 50 times a second from
    another process; the memory that the server took; what the attacker got. The engine is the fake
    one, so that what is measured is the server.
    """
    outcomes = []
    with progress() as tracker:
        for name in (QUIET, *(only or ATTACKS)):
            tracker.step(name, seconds)
            try:
                with running_server(
                    FAKE_ENGINE, admission=False, server_path=server_path
                ) as server:
                    outcomes.append(measured(server, name, seconds))
            except subprocess.TimeoutExpired:
                last = outcomes.pop()
                outcomes.append(replace(last, what=f"{last.what}; it did not end at SIGTERM"))
    report(
        "attack",
        ("attack", "longest answer of /healthz", "memory, MB", "what came of it"),
        [
            (one.attack, milliseconds(one.longest_s * 1000), f"+{one.memory_mb:.0f}", one.what)
            for one in outcomes
        ],
        notes=(f"{seconds:g} s each",),
        figures={"attacks": [asdict(one) for one in outcomes]},
    )


def measured(server: MeasuredServer, name: str, seconds: float) -> Outcome:
    """Let one attack loose, and look at the server until it is over."""
    before = server.usage().tree_rss_bytes
    longest = most = 0.0
    parts = urlsplit(server.url)
    assert parts.hostname is not None, "the server has an address"
    with attacker() as process:
        going_on = process.submit(besiege, server.url, name, seconds)
        over_at: float | None = None
        while over_at is None or time.monotonic() - over_at < _BEHIND_S:
            longest = max(longest, _asked(parts.hostname, parts.port or 80))
            most = max(most, server.usage().tree_rss_bytes - before)
            if over_at is None and (going_on.done() or longest >= _PATIENCE_S):
                over_at = time.monotonic()
            time.sleep(_EVERY_S)
        what = going_on.result() if going_on.done() else "the attacker hangs"
    return Outcome(name, longest, most / 1e6, what)


def besiege(url: str, name: str, seconds: float) -> str:
    """Carry one attack out, in the process that calls it; what came of it."""
    check_loopback(url)
    if name == QUIET:
        time.sleep(min(seconds, 3.0))
        return ""
    return asyncio.run(_bounded(url, name, seconds))


def harass(url: str, seconds: float, seed: int) -> list[str]:
    """Carry out attacks drawn by a seed, one after the other, for so long; their names."""
    check_loopback(url)
    chance, until, done = random.Random(seed), time.monotonic() + seconds, []
    while (left := until - time.monotonic()) > 1:
        name = chance.choice(list(ATTACKS))
        asyncio.run(_bounded(url, name, min(_HARASS_S, left)))
        done.append(name)
        time.sleep(min(_REST_S, max(0.0, until - time.monotonic())))
    return done


async def _bounded(url: str, name: str, seconds: float) -> str:
    try:
        async with asyncio.timeout(2 * seconds + _PATIENCE_S):
            return await ATTACKS[name](url, seconds)
    except TimeoutError:
        return "no end"
    except OSError as error:
        return type(error).__name__


@contextmanager
def attacker() -> Iterator[ProcessPoolExecutor]:
    """A process that attacks. It is not waited for."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(1, mp_context=context)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _asked(host: str, port: int) -> float:
    """How long `/healthz` took to answer, on a connection of its own, s."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
    return time.monotonic() - begun
