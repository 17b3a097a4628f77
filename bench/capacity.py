"""Verbs `capacity` and `overload`: how many clients a server carries, and what more do to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, nan
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import click
from click.core import ParameterSource

from bench.latency import ratio
from bench.load_client import LoadGenerator, load_generator
from bench.load_result import Clock, LoadResult, figures, largest, notes
from bench.report import Tracker, milliseconds, number, progress, report, verdict
from bench.target import Target, load_options, server_options, target

_CLOCKS = {"step": Clock.STEP, "word": Clock.FIRST, "final": Clock.FINAL, "end": Clock.END}
_LIMITS_MS = {Clock.STEP: 200.0, Clock.FIRST: 1000.0}
_LIMIT_MS = 1500.0
"""Of all other clocks."""
_FACTORS = (1.0, 1.25, 2.0)
_MOST_SLOWDOWN = 1.5
_ASK_S = 5.0


@dataclass(slots=True)
class Search:
    """Loads that were tried on one server, and which was the largest that held."""

    chosen: Target
    limits_ms: Mapping[Clock, float]
    tries: int = 1
    """A load that fails is tried so often in all: neighbours on the machine fail it too."""
    results: list[LoadResult] = field(default_factory=list)
    found: int = 0
    """The largest that held; 0 if none did."""

    def find(
        self, generator: LoadGenerator, tracker: Tracker, start: int, resolution: int, most: int
    ) -> int:
        """Put loads on servers until the largest is known; see `load_result.largest`."""

        def holds(clients: int) -> bool:
            return any(self._holds(generator, tracker, clients) for _ in range(self.tries))

        self.found = largest(holds, start, resolution, most)
        return self.found

    def held(self, result: LoadResult) -> bool:
        """Whether a load keeps to the limits of this search."""
        return result.holds(self.limits_ms)

    def rows(self) -> Sequence[Sequence[str]]:
        """Return rows of `_COLUMNS`, one for each load and clock, by the number of clients."""
        return [
            (
                str(one.clients),
                clock,
                *(milliseconds(one.ms(clock, percent)) for percent in (50, 95, 99)),
                milliseconds(one.late_ms(clock)),
                f"{limit_ms:.0f}",
                number(one.unfairness(clock), ".2f"),
                str(one.lost),
                str(len(one.refused)),
                str(len(one.errors)),
                number(one.server_cpu, ".2f"),
                number(one.server_bytes / 2**20, ".0f", " MB"),
                "yes" if self.held(one) else "no",
            )
            for one in sorted(self.results, key=lambda one: one.clients)
            for clock, limit_ms in self.limits_ms.items()
        ]

    def figures(self) -> dict[str, object]:
        """Return what the JSON says."""
        return {
            "clients": self.found,
            "limits_ms": dict(self.limits_ms),
            "loads": [figures(one) | {"held": self.held(one)} for one in self.results],
        }

    def _holds(self, generator: LoadGenerator, tracker: Tracker, clients: int) -> bool:
        # A server of its own for each load: what the last one left behind is not measured.
        with self.chosen.running() as (url, server):
            result = generator.put_on(self.chosen.load(url, clients), f"{clients} clients", server)
        self.results.append(result)
        held = self.held(result)
        each = "; ".join(
            f"{clock} p95 {milliseconds(result.ms(clock, 95))} ms, "
            f"in the last third {milliseconds(result.late_ms(clock))} ms"
            for clock in self.limits_ms
        )
        tracker.say(f"{clients} clients: {'held' if held else 'not held'}, {each}")
        return held


_COLUMNS = (
    *("clients", "clock, ms", "p50", "p95", "p99", "p95 last third", "limit", "worst client"),
    *("lost", "refused", "errors", "CPU", "memory", "held"),
)


def _limits(
    _context: click.Context, _parameter: click.Parameter, given: Sequence[str]
) -> dict[Clock, float]:
    """Read the values of --limit.

    Raises:
        click.BadParameter: one is not as it must be.
    """
    limits = {}
    for one in given:
        name, _, ms = one.partition("=")
        if name not in _CLOCKS or not ms.isdecimal() or not int(ms):
            raise click.BadParameter(
                f"{one!r}; allowed: {', '.join(_CLOCKS)}, then = and ms from 1, as final=1000"
            )
        limits[_CLOCKS[name]] = float(ms)
    return limits


def _default_clock(chosen: Target) -> Clock:
    if chosen.tells_steps:
        return Clock.STEP
    return Clock.FIRST if chosen.corpus.knows_words else Clock.FINAL


@click.command()
@click.option(
    "--limit",
    "limits_ms",
    multiple=True,
    metavar="CLOCK=MS",
    callback=_limits,
    help="p95 of a latency at the most: chunk compute (step), a word's first message (word), "
    "speech end to final (final; vad_tail, 500 ms, is within), END to END (end). Repeat for "
    "several. Default: step=200 with --model measured; else word=1000; of recordings without word "
    "times final=1500.",
)
@click.option(
    "--versus",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Settings of another server of our own: its capacity is found in the same run.",
)
@click.option(
    "--required",
    type=click.FloatRange(min=0),
    help="With --versus: how many times as many clients as that one.",
)
@click.option("--start", default=16, show_default=True, help="Clients to look at first.")
@click.option("--resolution", default=2, show_default=True, help="The result is so exact.")
@click.option("--most", default=2048, show_default=True, help="More are not tried.")
@click.option("--tries", default=1, show_default=True, help="How often a load may fail.")
@server_options
@load_options
def capacity(
    limits_ms: dict[Clock, float],
    versus: Path | None,
    required: float | None,
    start: int,
    resolution: int,
    most: int,
    tries: int,
    processes: int | None,
    **options: Any,
) -> None:
    """The largest number of clients without a backlog within limits, by bisection.

    A load is held if no stream failed or was refused, no final was lost or doubled, and the 95th
    percentile of each clock keeps to its limit in the whole window and in its last third. Each load
    gets a server of its own, unless --url names one; it refuses nobody for its load, unless
    --admission is given. The same clients as those of `load`.

    \b
    python -m bench capacity --model measured --talk speech --start 64
    python -m bench capacity --limit word=1000 --limit final=1000 --versus other.toml --required 3
    """
    if options["url"] is None and options["admission"] is None:
        options["admission"] = False
    if versus is not None and (options["url"] is not None or options["model"] is not None):
        raise click.UsageError("--versus compares servers of our own: leave out --url and --model")
    if required is not None and versus is None:
        raise click.UsageError("--required goes with --versus")
    chosen = target(**options)
    by = _default_clock(chosen)
    limits_ms = limits_ms or {by: _LIMITS_MS.get(by, _LIMIT_MS)}
    searches = {"": Search(chosen, limits_ms, tries)}
    if versus is not None:
        searches[versus.name] = Search(target(**options | {"config": versus}), limits_ms, tries)
    with progress() as tracker, load_generator(tracker, processes) as generator:
        for search in searches.values():
            search.find(generator, tracker, start, resolution, most)
    for name, search in searches.items():
        report(
            f"capacity{name and f' of {name}'}: {search.found} clients, {chosen.talk}",
            _COLUMNS,
            search.rows(),
            notes=chosen.notes(),
        )
    found, *others = (search.found for search in searches.values())
    times = [ratio(found, other) for other in others]
    report(
        "capacity",
        ("talk", "p95 at the most, ms", "clients", "versus", "ratio", "required", "met"),
        [
            (
                chosen.talk,
                ", ".join(f"{clock} {ms:.0f}" for clock, ms in limits_ms.items()),
                str(found),
                *(map(str, others) if others else ("–",)),
                *((number(one, ".2f") for one in times) if times else ("–",)),
                number(nan if required is None else required, ".1f"),
                *((verdict(one, least=required) for one in times) if times else ("–",)),
            )
        ],
        notes=notes([one for search in searches.values() for one in search.results]),
        figures=searches[""].figures()
        | {"versus": [one.figures() for name, one in searches.items() if name]},
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """What came of so many times the capacity."""

    factor: float
    result: LoadResult

    @property
    def admitted(self) -> int:
        """Streams that were not refused."""
        return self.result.streams - len(self.result.refused)

    @property
    def nothing_lost(self) -> bool:
        """Whether every admitted stream got all its finals and its end."""
        one = self.result
        return not (one.errors or one.lost or one.doubled) and one.ended == self.admitted


def slowdown(stage: Stage, full: Stage, clock: Clock) -> float:
    """Return p95 of those that were admitted over that at full capacity."""
    return ratio(stage.result.ms(clock, 95), full.result.ms(clock, 95))


def met(stage: Stage, full: Stage, clock: Clock) -> bool:
    """Whether a stage lost nothing, refused what is too much, and served the others well."""
    refuses = stage.factor <= 1 or bool(stage.result.refused)
    return stage.nothing_lost and refuses and slowdown(stage, full, clock) <= _MOST_SLOWDOWN


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
    "--clock", type=click.Choice(list(_CLOCKS)), help="Which latency is compared; as of `capacity`."
)
@server_options
@load_options
def overload(clients: str, clock: str | None, processes: int | None, **options: Any) -> None:
    """1, 1.25 and 2 times the capacity of a server, one load after the other.

    Wanted: those that are admitted have at most 1.5 times the p95 latency of full capacity, all
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
    expected = _CLOCKS[clock] if clock else _default_clock(chosen)
    with progress() as tracker, load_generator(tracker, processes) as generator:
        capacity_clients = _capacity(clients, chosen, expected, generator, tracker)
        stages = []
        for factor in _FACTORS:
            count = ceil(factor * capacity_clients)
            what = f"{factor:g} times capacity: {count} clients"
            with chosen.running() as (url, server):
                stages.append(
                    Stage(factor, generator.put_on(chosen.load(url, count), what, server))
                )
    full = stages[0]
    # Of an engine that says none of the words there is no user-perceived latency.
    by = expected if clock or full.result.latencies[expected] else full.result.clock
    report(
        "overload",
        (
            *("times capacity", "clients", "admitted", "refused", "errors", "ended", "lost"),
            *("p50", "p95", "p99", "of full", "CPU", "met"),
        ),
        [_stage_row(stage, full, by) for stage in stages],
        notes=(
            f"capacity: {capacity_clients} clients; p50, p95, p99: {by} of those admitted, ms",
            f"of full: p95 over that at full capacity, at most {_MOST_SLOWDOWN}",
            *chosen.notes(),
            *notes([stage.result for stage in stages]),
        ),
        figures={
            "capacity": capacity_clients,
            "clock": by,
            "most_slowdown": _MOST_SLOWDOWN,
            "stages": [
                figures(stage.result)
                | {
                    "factor": stage.factor,
                    "admitted": stage.admitted,
                    "slowdown": slowdown(stage, full, by),
                    "met": met(stage, full, by),
                }
                for stage in stages
            ],
        },
    )


def _stage_row(stage: Stage, full: Stage, clock: Clock) -> tuple[str, ...]:
    one = stage.result
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
    wanted: str, chosen: Target, clock: Clock, generator: LoadGenerator, tracker: Tracker
) -> int:
    """Return how many clients are full capacity.

    Raises:
        click.ClickException: the server does not say it, or does not carry one client.
    """
    match wanted:
        case "find":
            search = Search(chosen, {clock: _LIMITS_MS.get(clock, _LIMIT_MS)})
            found = search.find(generator, tracker, start=16, resolution=2, most=2048)
            if not found:
                raise click.ClickException("the server does not carry one client within the limit")
            return found
        case "ask":
            with chosen.running() as (url, _):
                return _asked(url)
        case _ if wanted.isdecimal() and int(wanted) > 0:
            return int(wanted)
        case _:
            raise click.BadParameter(
                f"{wanted!r} is no capacity; allowed: a number from 1, 'ask' or 'find'",
                param_hint="--capacity",
            )


def _asked(url: str) -> int:
    """What /readyz says of how many may speak at once.

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
    most = body.get("max_rounds")
    if not isinstance(most, int) or most < 1:
        raise click.ClickException(
            f"{address} says max_rounds {most!r}; give --capacity a number or 'find'"
        )
    return most
