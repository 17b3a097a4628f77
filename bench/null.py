"""Verb `null`: what the harness itself adds to every latency, and what it costs."""

from __future__ import annotations

import click

from bench.load import put_on_each, tell
from bench.target import TALKS, Target, load_options


@click.command()
@click.argument("clients", type=click.IntRange(min=1), nargs=-1)
@load_options
def null(
    clients: tuple[int, ...],
    processes: int | None,
    talk: str,
    turn: float,
    window_s: float,
    warm_s: float,
    seed: int,
) -> None:
    """The load of `load` on a server that does nothing: the floor under all other numbers.

    It answers each step of sound at once, with words that tell the time. Its latency is what the
    clients, the wire and Python add; its CPU is what a server pays for messages alone. Differences
    between servers that are smaller than this floor say nothing. CLIENTS: 8, 64 and 128.
    """
    chosen = Target(
        tells_steps=True,
        talk=TALKS[talk],
        warm_s=warm_s,
        window_s=window_s,
        turn_s=(turn * 2 / 3, turn * 4 / 3) if turn else None,
        seed=seed,
        is_null=True,
    )
    tell("null", chosen, put_on_each(chosen, list(clients or (8, 64, 128)), processes))
