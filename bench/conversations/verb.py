"""Verb `conversations`: does a server keep the promises of the protocol, whatever a client does?"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import click
import httpx
import uvloop
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import InvalidHandshake

from bench.conversations.oracle import judge
from bench.conversations.player import Heard, play
from bench.conversations.script import SETTINGS, Round, Script, script
from bench.report import Tracker, progress, report
from bench.servers import running_server
from rasr.client import Mode

_HELD = ("rasr_sessions", "rasr_rounds", "rasr_engine_open_jobs")
"""What must be 0 when nobody is there."""
_SETTLE_S = 30.0
_SHOWN = 20
"""Faults that are printed."""


@dataclass(slots=True)
class Outcomes:
    """What came of all conversations so far."""

    conversations: Counter[Mode] = field(default_factory=Counter)
    rounds: Counter[tuple[Mode, str]] = field(default_factory=Counter)
    """By mode, and by how the server ended them."""
    faults: dict[int, list[str]] = field(default_factory=dict)
    """By the seed of the conversation."""
    faulty: Counter[Mode] = field(default_factory=Counter)
    """Conversations with faults."""
    slowest_s: float = 0.0
    slowest_seed: int = 0

    def add(self, one: Script, heard: Heard, faults: list[str]) -> None:
        """Count one that is over."""
        mode = one.mode
        self.conversations[mode] += 1
        ends = [message["reason"] for message in heard.messages if message["resp_type"] == "END"]
        self.rounds.update((mode, reason) for reason in ends)
        begun = sum(isinstance(step, Round) for step in one.steps)
        self.rounds[mode, "left"] += begun - len(ends)
        if heard.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest_seed = heard.slowest_s, one.seed
        if faults:
            self.faults[one.seed] = faults
            self.faulty[mode] += 1


@click.command()
@click.option("--count", default=20_000, show_default=True, help="Conversations.")
@click.option("--seed", default=1, show_default=True, help="Of the first; they count on from it.")
@click.option("--at-once", default=32, show_default=True, help="Conversations at the same time.")
@click.option("--url", help="A server that runs, with the settings of bench/conversations.")
def conversations(count: int, seed: int, at_once: int, url: str | None) -> None:
    """Hold generated conversations with a server and judge its answers by an oracle.

    A fault is printed with its seed: `--seed N --count 1` holds that conversation again. The
    process ends with 1 if there was one.
    """
    with ExitStack() as stack:
        address = url or stack.enter_context(running_server(SETTINGS)).url
        outcomes = uvloop.run(hold(address, range(seed, seed + count), at_once))
        held = uvloop.run(held_after(address))
    columns = ("mode", "conversations", "NORMAL", "CANCEL", "ERROR", "client left", "faulty")
    reasons = ("NORMAL", "CANCEL", "ERROR", "left")
    rows = [
        (
            str(mode),
            f"{outcomes.conversations[mode]:,}",
            *(f"{outcomes.rounds[mode, reason]:,}" for reason in reasons),
            f"{outcomes.faulty[mode]}",
        )
        for mode in Mode
    ]
    seeds = sorted(outcomes.faults)
    notes = [
        f"slowest answer to START or END: {outcomes.slowest_s:.2f} s, seed {outcomes.slowest_seed}",
        f"held by the server when all were gone: {held or 'nothing'}",
        f"conversations with faults: {len(seeds)}",
        *(f"seed {one}: {'; '.join(outcomes.faults[one])}" for one in seeds[:_SHOWN]),
    ]
    figures = {
        "conversations": sum(outcomes.conversations.values()),
        "faulty": len(seeds),
        "seeds": seeds,
        "slowest_s": outcomes.slowest_s,
        "held": held,
    }
    report("conversations", columns, rows, notes=notes, figures=figures)
    if seeds or held:
        sys.exit(1)


async def hold(url: str, seeds: range, at_once: int) -> Outcomes:
    """Hold the conversations of these seeds, so many at the same time."""
    outcomes, waiting = Outcomes(), iter(seeds)
    with progress() as tracker:
        tracker.step("conversations", len(seeds))
        await asyncio.gather(*(_hold(url, waiting, outcomes, tracker) for _ in range(at_once)))
    return outcomes


async def _hold(url: str, seeds: Iterator[int], outcomes: Outcomes, tracker: Tracker) -> None:
    for seed in seeds:
        one = script(seed)
        try:
            heard = await play(url, one)
            faults = judge(one, heard)
        except (OSError, InvalidHandshake, TimeoutError) as error:
            heard, faults = Heard(), [f"no connection: {error or type(error).__name__}"]
        outcomes.add(one, heard, faults)
        tracker.at(outcomes.conversations.total())


async def held_after(url: str) -> dict[str, float]:
    """What a server that nobody uses any more still holds; nothing, if it is well."""
    address = url.replace("ws", "http", 1)
    async with httpx.AsyncClient(base_url=address, timeout=_SETTLE_S) as client:
        for _ in range(int(_SETTLE_S)):
            families = text_string_to_metric_families((await client.get("/metrics")).text)
            numbers = {
                sample.name: sample.value
                for family in families
                for sample in family.samples
                if sample.name in _HELD
            }
            held = {name: value for name, value in numbers.items() if value}
            if not held:
                break
            await asyncio.sleep(1)
    return held
