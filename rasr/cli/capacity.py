"""`rasr capacity`: how many people can speak at once on this machine."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from rasr import logs
from rasr.cli.config_options import config_option, configuration, model_option
from rasr.cli.screen import console
from rasr.settings import Settings, final_engine, live_engine

if TYPE_CHECKING:
    from rasr.server.ops.capacity import Capacity


@click.command()
@model_option
@config_option
def capacity(model: tuple[str, ...], config: Path | None) -> None:
    """How many people can speak at once on this machine, with each engine that is served.

    First comes one sentence, then the numbers behind it. Each engine is loaded and decodes speech
    in batches of several sizes, as a server would under load; it takes seconds. `rasr serve`
    measures the same when nobody speaks and remembers it; this command measures anew, and servers
    remember the better of both. Run it while nothing else works on the machine.
    """
    settings = configuration(config, models=model).settings
    logs.set_up("error", sys.stderr)
    from rasr.server.errors import StartError

    try:
        with console(stderr=True).status("Loading and measuring …"):
            found = asyncio.run(_measure(settings))
    except StartError as error:
        raise click.ClickException(str(error)) from error
    for one in found.values():
        _show_rounds(one.engine, [one], settings.capacity.max_load)
        _show_costs(one)
    for served in settings.properties.values():
        final = final_engine(served)
        if final is not None:
            pair = [found[live_engine(served)], found[final]]
            title = f"{pair[0].engine} with finals by {final}"
            _show_rounds(title, pair, settings.capacity.max_load)


async def _measure(settings: Settings) -> dict[str, Capacity]:
    from rasr.server.engines import make_scheduler, plan, start_scheduler
    from rasr.server.ops.capacity import Calibration, capacity_of, memory_folder

    found = {}
    for one in plan(settings).values():
        scheduler = make_scheduler(one, settings.decoding)
        await start_scheduler(one.name, scheduler)
        try:
            folder = memory_folder(os.environ)
            await Calibration(one, settings.decoding, scheduler, folder).begin(fresh=True)
            found[one.name] = capacity_of(one, scheduler)
        finally:
            await scheduler.stop()
    return found


def _show_costs(one: Capacity) -> None:
    screen = console()
    costs = one.costs
    if costs.by_length:
        _show_lengths(one)
    else:
        _show_steps(one)
    if costs.is_disturbed:
        screen.print(
            f"Others used the machine meanwhile: steps took up to {costs.disturbance:.1f} times as "
            "long as they need. Fewer people are carried by these numbers than the machine could; "
            "servers will not remember them."
        )
    else:
        screen.print(
            f"Steps took up to {costs.disturbance:.1f} times as long as they need: the numbers are "
            "as sure as that."
        )
    screen.print()


def _show_steps(one: Capacity) -> None:
    screen, costs = console(), one.costs
    steps = Table(title=f"{one.engine}: a step of {costs.step_s * 1000:.0f} ms of sound")
    for heading in ("streams in a batch", "takes", "of half the sound", "streams in real time"):
        steps.add_column(heading, justify="right")
    for size, seconds in costs.seconds.items():
        steps.add_row(
            str(size),
            f"{seconds * 1000:.1f} ms",
            f"{seconds / costs.step_s * 2:.0%}",
            f"{costs.slots * size * costs.step_s / seconds:.0f}",
        )
    screen.print(steps)
    if len(costs.seconds) > 1 and costs.timely_batch:
        screen.print(f"Largest batch that takes less than half its sound: {costs.timely_batch}.")


def _show_lengths(one: Capacity) -> None:
    how = "once, for its final" if one.finals_only else "anew as it grows"
    lengths = Table(title=f"{one.engine}: reads an utterance {how}")
    for heading in (
        "length",
        "a second of its speech takes",
        "when behind",
        "streams at the limit",
    ):
        lengths.add_column(heading, justify="right")
    for length_s, seconds in one.costs.by_length.items():
        spared = one.costs.per_second_of(length_s)
        lengths.add_row(
            f"{length_s:g} s",
            f"{seconds * 1000:.0f} ms",
            f"{spared * 1000:.0f} ms",
            f"{one.costs.slots / spared:.0f}",
        )
    console().print(lengths)


def _show_rounds(title: str, engines: Sequence[Capacity], max_load: float) -> None:
    """Recognitions at once, each with its speech given to all of these engines."""
    from rasr.server.ops.capacity import SPEECH_RATIOS, admitted, carried, summary

    screen = console()
    screen.print(f"{summary(title, engines, max_load)}.", style="bold")
    screen.print()
    rounds = Table(title=f"{title}: people at once on {engines[0].cores} cores")
    rounds.add_column("share of the time they speak", justify="right")
    rounds.add_column("carried", justify="right")
    if max_load:
        rounds.add_column(f"admitted (load {max_load:.0%})", justify="right")
    for ratio in SPEECH_RATIOS:
        may = [str(admitted(engines, ratio, max_load))] if max_load else []
        rounds.add_row(f"{ratio:.0%}", str(carried(engines, ratio)), *may)
    screen.print(rounds)
    screen.print()
