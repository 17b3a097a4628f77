"""Verb `scale`: on paper, what it takes to serve many who speak at once.

The arithmetic is pure. Every figure that it begins with was measured by a verb, which stands beside
it, or is a choice of who plans; docs/scale.md has both, and this verb's table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from math import ceil

import click

from bench.report import report


def _given(default: float, meaning: str, command: str = "") -> float:
    """A figure that can be given as an option.

    Args:
        meaning: with its unit.
        command: what measures it; empty: a choice.
    """
    given: float = field(default=default, metadata={"meaning": meaning, "command": command})
    return given


@dataclass(frozen=True)
class Measured:
    """What one conversation costs, as it was measured."""

    per_core: float = _given(20, "conversations that a core is given by admission", "rasr capacity")
    loop_ms: float = _given(
        1.76, "of the server's one event loop for a second of each, ms", "python -m bench overhead"
    )
    server_mb: float = _given(
        557, "memory of a server that nobody uses, calibrated, MB", "python -m bench speaker"
    )
    stream_mb: float = _given(
        1.3, "memory of a server for each conversation more, MB", "python -m bench load 1 15"
    )
    up_bytes: float = _given(
        32_112, "to the server for a second of each, bytes", "python -m bench round-cost"
    )
    down_bytes: float = _given(
        693, "from the server for a second of each, bytes", "python -m bench round-cost"
    )
    balancer_ms: float = _given(
        0.43, "of HAProxy for a second of each, ms of a core", "python -m bench round-cost"
    )
    balancer_kib: float = _given(
        7.8, "memory of HAProxy for each, KiB", "python -m bench round-cost"
    )
    round_statements: float = _given(
        3.1, "statements to the database for each round", "python -m bench round-cost"
    )
    idle_statements: float = _given(
        2.2, "statements a second of a replica that nobody uses", "python -m bench round-cost"
    )
    statement_ms: float = _given(
        0.23, "of PostgreSQL for each statement, ms of a core", "python -m bench round-cost"
    )
    beat_s: float = _given(2, "between two times that a replica says where it is, s")
    store_connections: float = _given(4, "connections of a replica to its database, at most")


@dataclass(frozen=True)
class Choices:
    """What who plans decides."""

    share: float = _given(0.6, "share of what replicas hold that is used")
    cores: float = _given(16, "cores of a machine, which runs one replica")
    cell: float = _given(60, "machines of a cell at most, which has a database and balancers")
    network_gbit: float = _given(10, "network of a balancer, Gbit/s, used by half")
    balancer_cores: float = _given(4, "cores of a balancer, used by half")
    round_s: float = _given(60, "length of a round, s")
    price: float = _given(0, "price of a core for an hour; 0: costs are told in core-hours")


@dataclass(frozen=True, slots=True)
class Plan:
    """What so many who speak at once need."""

    measured: Measured
    choices: Choices
    speakers: int

    @property
    def speakers_of_machine(self) -> float:
        """As many as its cores are given, and at most as many as half of an event loop carries."""
        by_cores = self.choices.cores * self.measured.per_core * self.choices.share
        return min(by_cores, 500 / self.measured.loop_ms)

    @property
    def machines(self) -> int:
        """With a replica each."""
        return ceil(self.speakers / self.speakers_of_machine)

    @property
    def cells(self) -> int:
        """Sets of replicas that know nothing of one another."""
        return ceil(self.machines / self.choices.cell)

    @property
    def machines_of_cell(self) -> int:
        """In each."""
        return ceil(self.machines / self.cells)

    @property
    def memory_gb(self) -> float:
        """Of a machine."""
        of_all = self.speakers_of_machine * self.measured.stream_mb
        return (self.measured.server_mb + of_all) / 1000

    @property
    def gbit(self) -> float:
        """A second, to and from all servers."""
        return self.speakers * (self.measured.up_bytes + self.measured.down_bytes) * 8 / 1e9

    @property
    def balancers_of_cell(self) -> int:
        """As many as processor or network ask for, and one more. A balancer's network carries
        everything twice: from clients, and on to replicas; each way counts alone."""
        choices, measured = self.choices, self.measured
        speakers = self.speakers / self.cells
        by_cores = speakers * measured.balancer_ms / 1000 / (choices.balancer_cores / 2)
        by_network = self.gbit / self.cells / (choices.network_gbit / 2)
        return ceil(max(by_cores, by_network)) + 1

    @property
    def balancer_mb(self) -> float:
        """Memory of each for its connections, when one is gone."""
        carried = self.speakers / self.cells / (self.balancers_of_cell - 1)
        return carried * self.measured.balancer_kib * 1024 / 1e6

    @property
    def connections_of_balancer(self) -> int:
        """From clients, when one is gone; it opens as many to replicas."""
        return ceil(self.speakers / self.cells / (self.balancers_of_cell - 1))

    @property
    def rounds_a_second(self) -> float:
        """That begin, in each cell."""
        return self.speakers / self.cells / self.choices.round_s

    @property
    def statements_a_second(self) -> float:
        """To the database of each cell."""
        idle = self.machines_of_cell * self.measured.idle_statements
        return self.rounds_a_second * self.measured.round_statements + idle

    @property
    def beat_rows_a_second(self) -> float:
        """That are read of the table in which each replica says where it is: each reads all."""
        return self.machines_of_cell**2 / self.measured.beat_s

    @property
    def database_connections(self) -> int:
        """Of each cell, at most."""
        return round(self.machines_of_cell * self.measured.store_connections)

    @property
    def database_cores(self) -> float:
        """Of each cell, in use."""
        return self.statements_a_second * self.measured.statement_ms / 1000

    @property
    def cores(self) -> float:
        """Of all machines, balancers and databases; a database has twice what it uses."""
        choices = self.choices
        balancers = self.balancers_of_cell * choices.balancer_cores
        databases = 2 * max(1, ceil(self.database_cores))
        return self.machines * choices.cores + self.cells * (balancers + databases)

    @property
    def cost_of_stream_hour(self) -> float:
        """In core-hours, or in what the price is in."""
        return self.cores / self.speakers * (self.choices.price or 1)


_ROWS: Sequence[tuple[str, Callable[[Plan], str]]] = (
    ("conversations on a machine", lambda plan: f"{plan.speakers_of_machine:,.0f}"),
    ("machines, a replica each", lambda plan: f"{plan.machines:,}"),
    ("memory of a machine in use, GB", lambda plan: f"{plan.memory_gb:.1f}"),
    (
        "cells, machines of each",
        lambda plan: f"{plan.cells:,}, {plan.machines_of_cell:,}",
    ),
    ("balancers of a cell, one of them to spare", lambda plan: f"{plan.balancers_of_cell:,}"),
    ("connections of a balancer", lambda plan: f"{plan.connections_of_balancer:,}"),
    ("memory of a balancer for them, MB", lambda plan: f"{plan.balancer_mb:.0f}"),
    ("network to and from servers, Gbit/s", lambda plan: f"{plan.gbit:,.1f}"),
    ("rounds that begin in a cell a second", lambda plan: f"{plan.rounds_a_second:,.0f}"),
    ("statements to its database a second", lambda plan: f"{plan.statements_a_second:,.0f}"),
    ("rows of other replicas read there a second", lambda plan: f"{plan.beat_rows_a_second:,.0f}"),
    ("connections to it at most", lambda plan: f"{plan.database_connections:,}"),
    ("cores that its database uses", lambda plan: f"{plan.database_cores:.2f}"),
    ("cores of all", lambda plan: f"{plan.cores:,.0f}"),
    ("an hour of one conversation", lambda plan: _cost(plan)),
)


def _cost(plan: Plan) -> str:
    unit = "" if plan.choices.price else " core-hours"
    return f"{plan.cost_of_stream_hour:.3g}{unit}"


def rows(plans: Sequence[Plan]) -> list[tuple[str, ...]]:
    """A row for each figure, with a value for each plan."""
    return [(what, *(value(one) for one in plans)) for what, value in _ROWS]


def markdown(plans: Sequence[Plan]) -> str:
    """The same as a table of a document."""
    head = ("who speak at once", *(f"{one.speakers:,}" for one in plans))
    lines = [head, ("---",) * len(head), *rows(plans)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def givens() -> str:
    """What is measured and what is chosen, as a table of a document."""
    lines = [("what", "value", "option", "from"), ("---",) * 4]
    for kind in (Measured, Choices):
        for one in fields(kind):
            command = one.metadata["command"]
            source = "as the server is made" if kind is Measured else "a choice"
            lines.append(
                (
                    one.metadata["meaning"],
                    f"{getattr(kind, one.name):,}",
                    f"`{_option(one.name)}`",
                    f"`{command}`" if command else source,
                )
            )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


@click.command()
@click.option(
    "--speakers",
    type=click.IntRange(min=1),
    multiple=True,
    default=(10_000, 1_000_000),
    show_default=True,
    help="Who speak at once, in conversations with 40 % speech; again for one more column.",
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print tables of a document.")
def scale(speakers: tuple[int, ...], *, as_markdown: bool, **given: float) -> None:
    """On paper: machines, balancers, database and cost for so many who speak at once.

    Nothing is measured here. What a conversation costs are the figures that other verbs have
    measured; each can be given anew.

    \b
    python -m bench scale --speakers 10000
    python -m bench scale --per-core 31 --price 0.04
    """
    measured = Measured(**{one.name: given[one.name] for one in fields(Measured)})
    choices = Choices(**{one.name: given[one.name] for one in fields(Choices)})
    plans = [Plan(measured, choices, one) for one in speakers]
    if as_markdown:
        click.echo(f"{givens()}\n\n{markdown(plans)}")
        return
    report(
        "scale",
        ("who speak at once", *(f"{one:,}" for one in speakers)),
        rows(plans),
        figures={
            "machines": [one.machines for one in plans],
            "cells": [one.cells for one in plans],
            "cores": [one.cores for one in plans],
            "gbit": [one.gbit for one in plans],
            "cost": [one.cost_of_stream_hour for one in plans],
        },
    )


for _kind in (Choices, Measured):
    for _field in reversed(fields(_kind)):
        _command = _field.metadata["command"]
        scale.params.append(
            click.Option(
                [_option(_field.name)],
                type=click.FloatRange(min=0),
                default=_field.default,
                show_default=True,
                help=_field.metadata["meaning"] + (f" ({_command})" if _command else ""),
            )
        )
