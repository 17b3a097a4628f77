"""Verb `overload`: more clients than a server carries. Those it admits must not feel it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from math import ceil
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import click
from click.core import ParameterSource

from bench.capacity import CLOCKS, Search, default_clock
from bench.clients import Clients, load_clients
from bench.figures import figures, milliseconds, number, said
from bench.load_pictures import overload_picture
from bench.machine import report
from bench.outcome import Clock, Outcome
from bench.percentiles import ratio
from bench.progress import Tracker, progress
from bench.target import BARS_MS, Target, load_options, server_options, target

FACTORS = (1.0, 1.25, 2.0)
RATIO_BAR = 1.5
_ASK_S = 5.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What came of so many times the capacity."""

    factor: float
    outcome: Outcome

    @property
    def admitted(self) -> int:
        return self.outcome.streams - len(self.outcome.refused)

    @property
    def nothing_lost(self) -> bool:
        """Every admitted stream got all its finals and its end."""
        one = self.outcome
        return not (one.errors or one.lost or one.doubled) and one.ended == self.admitted


def slowdown(stage: Stage, full: Stage, clock: Clock) -> float:
    """p95 of those that were admitted over that at full capacity."""
    return ratio(stage.outcome.ms(clock, 95), full.outcome.ms(clock, 95))


@click.command()
@click.option(
    "--capacity",
    "clients",
    metavar="N|ask|find",
    default="find",
    show_default=True,
    help="Clients at full capacity: a number; what the server's /readyz says of max_rounds; or "
    "the most of which none is refused and that are held, found as by `capacity`.",
)
@click.option(
    "--clock", type=click.Choice(list(CLOCKS)), help="Which latency is compared; as of `capacity`."
)
@server_options
@load_options
def overload(clients: str, clock: str | None, processes: int | None, **options: Any) -> None:
    """1, 1.25 and 2 times the capacity of a server, one load after the other.

    The bars: those that are admitted have at most 1.5 times the p95 latency of full capacity, all
    others are refused (SIS.0312 at START, or HTTP 429 or 503 at the handshake), and nothing is
    lost: every admitted stream gets all its finals and its END. A client that is refused does not
    come again, and each speaks in one stream for all the time, so --turn is refused.

    \b
    python -m bench overload --capacity 12
    python -m bench overload --model measured --talk speech
    """
    source = click.get_current_context().get_parameter_source("turn")
    if source is ParameterSource.COMMANDLINE:
        raise click.UsageError("--turn is not for overload: each client speaks in one stream")
    chosen = replace(target(**options), turn_s=None)
    expected = CLOCKS[clock] if clock else default_clock(chosen)
    with progress() as tracker, load_clients(tracker, processes) as crowd:
        full = _capacity(clients, chosen, expected, crowd, tracker)
        stages = []
        for factor in FACTORS:
            count = ceil(factor * full)
            with chosen.running() as running:
                load = chosen.load(running.url, count)
                what = f"{factor:g} times capacity: {count} clients"
                stages.append(Stage(factor, crowd.put_on(load, what, running.server)))
    # Of an engine that says none of the words there is no user-perceived latency.
    by = expected if clock or stages[0].outcome.waits[expected] else stages[0].outcome.clock
    report(
        "overload",
        (
            *("times capacity", "clients", "admitted", "refused", "errors", "ended", "lost"),
            *("p50", "p95", "p99", "of full", "CPU", "bars met"),
        ),
        [_row(stage, stages[0], by) for stage in stages],
        notes=(
            f"capacity: {full} clients; p50, p95, p99: {by} of those admitted, ms",
            f"of full: p95 over that at full capacity, at most {RATIO_BAR}",
            *chosen.notes(),
            *said([stage.outcome for stage in stages]),
        ),
        figures={
            "capacity": full,
            "clock": by,
            "stages": [
                figures(stage.outcome)
                | {
                    "factor": stage.factor,
                    "admitted": stage.admitted,
                    "slowdown": slowdown(stage, stages[0], by),
                    "met": met(stage, stages[0], by),
                }
                for stage in stages
            ],
        },
        picture=overload_picture(
            [(stage.factor, stage.outcome) for stage in stages], by, RATIO_BAR
        ),
    )


def met(stage: Stage, full: Stage, clock: Clock) -> bool:
    refuses = stage.factor <= 1 or bool(stage.outcome.refused)
    return stage.nothing_lost and refuses and slowdown(stage, full, clock) <= RATIO_BAR


def _row(stage: Stage, full: Stage, clock: Clock) -> tuple[str, ...]:
    one = stage.outcome
    return (
        f"{stage.factor:g}",
        str(one.clients),
        str(stage.admitted),
        str(len(one.refused)),
        str(len(one.errors)),
        str(one.ended),
        str(one.lost),
        *(milliseconds(one.ms(clock, percent)) for percent in (50, 95, 99)),
        number(slowdown(stage, full, clock), ".2f"),
        number(one.server_cpu, ".2f"),
        "yes" if met(stage, full, clock) else "no",
    )


def _capacity(
    said_clients: str, chosen: Target, clock: Clock, crowd: Clients, tracker: Tracker
) -> int:
    """
    Raises:
        click.ClickException: the server does not say it, or does not carry one client.
    """
    match said_clients:
        case "find":
            search = Search(chosen, BARS_MS.get(clock, BARS_MS[Clock.FINAL]), clock)
            found = search.largest(crowd, tracker, start=16, resolution=2, most=2048)
            if not found:
                raise click.ClickException("the server does not carry one client under the bar")
            return found
        case "ask":
            with chosen.running() as running:
                return asked(running.url)
        case _ if said_clients.isdecimal() and int(said_clients) > 0:
            return int(said_clients)
        case _:
            raise click.BadParameter(
                f"{said_clients!r} is no capacity; allowed: a number from 1, 'ask' or 'find'",
                param_hint="--capacity",
            )


def asked(url: str) -> int:
    """What /readyz says of the rounds that may be open at once.

    Raises:
        click.ClickException: it says nothing of the kind.
    """
    address = f"http{url.removeprefix('ws').rstrip('/')}/readyz"
    try:
        with urlopen(address, timeout=_ASK_S) as answer:
            body = json.load(answer)
    except (URLError, ValueError) as error:
        raise click.ClickException(
            f"{address} does not say a capacity ({error}); give --capacity a number or 'find'"
        ) from error
    rounds = body.get("max_rounds")
    if not isinstance(rounds, int) or rounds < 1:
        raise click.ClickException(
            f"{address} says max_rounds {rounds!r}; give --capacity a number or 'find'"
        )
    return rounds
