"""Verb `capacity`: the largest number of clients that a server keeps up with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from bench.clients import Clients, load_clients
from bench.figures import figures, milliseconds, number, said
from bench.load_pictures import capacity_picture
from bench.machine import report
from bench.outcome import Clock, Outcome
from bench.progress import Tracker, progress
from bench.search import largest
from bench.target import BARS_MS, Target, load_options, server_options, target

CLOCKS = {"step": Clock.STEP, "word": Clock.FIRST, "final": Clock.FINAL, "end": Clock.END}


@dataclass(slots=True)
class Search:
    """Loads that were tried on one server, and which was the largest that held."""

    chosen: Target
    bar_ms: float
    clock: Clock
    tries: int = 1
    """A load that fails is tried so often in all: neighbours on the machine fail it too."""
    outcomes: list[Outcome] = field(default_factory=list)

    def largest(
        self, crowd: Clients, tracker: Tracker, start: int, resolution: int, most: int
    ) -> int:
        def holds(clients: int) -> bool:
            return any(self._holds(crowd, tracker, clients) for _ in range(self.tries))

        return largest(holds, start, resolution, most)

    def held(self, outcome: Outcome) -> bool:
        return outcome.holds(self.bar_ms, self.clock)

    def _holds(self, crowd: Clients, tracker: Tracker, clients: int) -> bool:
        with self.chosen.running() as running:
            load = self.chosen.load(running.url, clients)
            outcome = crowd.put_on(load, f"{clients} clients", running.server)
        self.outcomes.append(outcome)
        held = self.held(outcome)
        tracker.say(
            f"{clients} clients: {'held' if held else 'not held'}, "
            f"p95 {milliseconds(outcome.ms(self.clock, 95))} ms, "
            f"in the last third {milliseconds(outcome.late_ms(self.clock))} ms"
        )
        return held

    def rows(self) -> Sequence[Sequence[str]]:
        return [
            (
                str(one.clients),
                *(milliseconds(one.ms(self.clock, percent)) for percent in (50, 95, 99)),
                milliseconds(one.late_ms(self.clock)),
                number(one.unfairness(self.clock), ".2f"),
                str(one.lost),
                str(len(one.refused)),
                str(len(one.errors)),
                number(one.server_cpu, ".2f"),
                "yes" if self.held(one) else "no",
            )
            for one in sorted(self.outcomes, key=lambda one: one.clients)
        ]


COLUMNS = (
    *("clients", "p50", "p95", "p99", "p95 last third", "worst client"),
    *("lost", "refused", "errors", "CPU", "held"),
)


@click.command()
@click.option("--bar", type=click.FloatRange(min=1), help="p95 of the clock at the most, ms.")
@click.option(
    "--clock",
    type=click.Choice(list(CLOCKS)),
    help="Which latency the bar is for: chunk compute (step), a word's first message (word), "
    "speech end to final (final), END to END (end). Default: step with --model measured, bar 200; "
    "else word, bar 1000; of recordings without word times final, bar 1500.",
)
@click.option("--start", default=16, show_default=True, help="Clients to look at first.")
@click.option("--resolution", default=2, show_default=True, help="The result is so exact.")
@click.option("--most", default=2048, show_default=True, help="More are not tried.")
@click.option("--tries", default=1, show_default=True, help="How often a load may fail.")
@server_options
@load_options
def capacity(
    bar: float | None,
    clock: str | None,
    start: int,
    resolution: int,
    most: int,
    tries: int,
    processes: int | None,
    **options: Any,
) -> None:
    """The largest number of clients without a backlog under a bar, by bisection.

    A load is held if no stream failed or was refused, no final was lost or doubled, and the 95th
    percentile of the clock keeps to the bar in the whole window and in its last third. Each load
    gets a server of its own, unless --url names one; it refuses nobody for its load, unless
    --admission is given. The same clients as those of `load`.

    \b
    python -m bench capacity --model measured --talk speech --start 64
    python -m bench capacity --clock final --bar 1500 --start 8
    """
    if options["url"] is None and options["admission"] is None:
        options["admission"] = False
    chosen = target(**options)
    by = CLOCKS[clock] if clock else default_clock(chosen)
    search = Search(chosen, bar or BARS_MS.get(by, BARS_MS[Clock.FINAL]), by, tries)
    with progress() as tracker, load_clients(tracker, processes) as crowd:
        found = search.largest(crowd, tracker, start, resolution, most)
    report(
        f"capacity: {found} clients, {chosen.talk}",
        COLUMNS,
        search.rows(),
        notes=(f"{by}, ms; bar: p95 at most {search.bar_ms:.0f}", *chosen.notes()),
    )
    report(
        "capacity",
        ("talk", "clock", "bar, ms", "clients"),
        [(chosen.talk, by, f"{search.bar_ms:.0f}", str(found))],
        notes=said(search.outcomes),
        figures={
            "clients": found,
            "clock": by,
            "bar_ms": search.bar_ms,
            "loads": [figures(one) | {"held": search.held(one)} for one in search.outcomes],
        },
        picture=capacity_picture(search.outcomes, by, search.bar_ms, found, chosen.talk),
    )


def default_clock(chosen: Target) -> Clock:
    if chosen.tells_steps:
        return Clock.STEP
    return Clock.FIRST if chosen.source.knows_words else Clock.FINAL
