"""Verb `load`: clients that speak at the speed of speech, and what they wait for their text."""

from __future__ import annotations

from typing import Any

import click

from bench.clients import load_clients
from bench.figures import (
    CLOCK_COLUMNS,
    COUNT_COLUMNS,
    NOTES,
    clock_rows,
    count_row,
    figures,
    said,
)
from bench.load_pictures import load_picture
from bench.machine import report
from bench.outcome import Outcome
from bench.progress import progress
from bench.target import Target, load_options, server_options, target


@click.command()
@click.argument("clients", type=click.IntRange(min=1), nargs=-1)
@server_options
@load_options
def load(clients: tuple[int, ...], processes: int | None, **options: Any) -> None:
    """CLIENTS real-time clients (8, or several numbers one after the other) on one server.

    Open loop: each client sends a chunk of 100 ms when its last sample would have been spoken, from
    a phase of its own, and says things of its own. Three clocks, never mixed. Chunk compute: from
    when the chunk was due that completes a decoding step to the message that tells it; with
    --model measured only. User-perceived: from the end of a word to the first message that has it,
    and to the message from which on it stays. Final: from the true end of speech to its final, and
    from END to the answer to it. All are in ms and of the window alone.

    \b
    python -m bench load 1 8 12                        the server as it comes
    python -m bench load 64 --model measured --talk speech
    python -m bench load 40 --url ws://10.0.0.5:8765 --property chinese_16k_common
    """
    chosen = target(**options)
    with_each = list(clients or (8,))
    outcomes = put_on_each(chosen, with_each, processes)
    tell("load", chosen, outcomes)


def put_on_each(chosen: Target, clients: list[int], processes: int | None) -> list[Outcome]:
    outcomes = []
    with progress() as tracker, load_clients(tracker, processes) as crowd:
        for count in clients:
            # A server of its own for each load: what the last one left behind is not measured.
            with chosen.running() as running:
                outcomes.append(
                    crowd.put_on(
                        chosen.load(running.url, count), f"{count} clients", running.server
                    )
                )
    return outcomes


def tell(verb: str, chosen: Target, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        report(
            f"{verb}: {outcome.clients} clients, {chosen.talk}",
            CLOCK_COLUMNS,
            clock_rows(outcome),
        )
    report(
        verb,
        COUNT_COLUMNS,
        [count_row(outcome) for outcome in outcomes],
        notes=(*chosen.notes(), *NOTES, *said(outcomes)),
        figures={"loads": [figures(outcome) for outcome in outcomes]},
        picture=load_picture(
            outcomes, f"{verb}: {chosen.talk}", server=chosen.url or "a server of our own"
        ),
    )
