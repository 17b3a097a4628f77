"""Arithmetic of many who speak at once, and the document that shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import main
from bench.scale import Choices, Measured, Plan
from rasr.server.replicas import BEAT_S
from rasr.store.database import CONNECTIONS

DOCUMENT = Path(__file__).parents[2] / "docs/scale.md"
MEASURED = Measured(
    per_core=20,
    loop_ms=2,
    server_mb=500,
    stream_mb=1,
    up_bytes=32_000,
    down_bytes=500,
    balancer_ms=0.5,
    balancer_kib=40,
    round_statements=3,
    idle_statements=1,
    statement_ms=0.25,
)
CHOICES = Choices(
    share=0.5, cores=10, cell=50, network_gbit=10, balancer_cores=4, round_s=60, price=0
)


def test_the_document_shows_what_the_verb_prints() -> None:
    printed = CliRunner().invoke(main, ["scale", "--markdown"])
    assert printed.exit_code == 0, printed.output
    for table in printed.output.strip().split("\n\n"):
        assert table in DOCUMENT.read_text("utf-8")


def test_what_the_server_is_made_like_is_what_is_reckoned_with() -> None:
    assert (Measured().beat_s, Measured().store_connections) == (BEAT_S, CONNECTIONS)


def test_a_cell_of_one_thousand() -> None:
    plan = Plan(MEASURED, CHOICES, 1000)
    assert plan.speakers_of_machine == 10 * 20 * 0.5
    assert (plan.machines, plan.cells, plan.machines_of_cell) == (10, 1, 10)
    assert plan.memory_gb == 0.6
    assert plan.gbit == pytest.approx(1000 * 32_500 * 8 / 1e9)
    # Processor: 0.5 of a core, of 2 that may be used; and one to spare.
    assert (plan.balancers_of_cell, plan.connections_of_balancer) == (2, 1000)
    assert plan.balancer_mb == pytest.approx(1000 * 40 * 1024 / 1e6)
    assert plan.statements_a_second == pytest.approx(1000 / 60 * 3 + 10 * 1)
    assert plan.cores == 10 * 10 + 2 * 4 + 2
    assert plan.cost_of_stream_hour == pytest.approx(110 / 1000)


def test_cells_are_filled_evenly_and_ask_for_their_own() -> None:
    plan = Plan(MEASURED, CHOICES, 11_000)
    assert (plan.machines, plan.cells, plan.machines_of_cell) == (110, 3, 37)
    assert plan.rounds_a_second == pytest.approx(11_000 / 3 / 60)
    # Each reads all, every two seconds.
    assert plan.beat_rows_a_second == 37 * 37 / 2
    assert plan.database_connections == 37 * 4
    assert plan.cores == 110 * 10 + 3 * (plan.balancers_of_cell * 4 + 2)


def test_the_network_of_balancers_may_be_what_is_short() -> None:
    slow = replace(CHOICES, network_gbit=0.1)
    assert Plan(MEASURED, slow, 1000).balancers_of_cell == 6 + 1


def test_an_event_loop_bounds_a_machine_of_many_cores() -> None:
    assert Plan(MEASURED, replace(CHOICES, cores=1000), 1000).speakers_of_machine == 250


def test_a_price_makes_costs_of_core_hours() -> None:
    plan = Plan(MEASURED, CHOICES, 1000)
    priced = Plan(MEASURED, replace(CHOICES, price=0.04), 1000)
    assert priced.cost_of_stream_hour == pytest.approx(plan.cost_of_stream_hour * 0.04)


def test_figures_are_given_as_options() -> None:
    printed = CliRunner().invoke(
        main, ["scale", "--speakers", "1000", "--per-core", "40", "--markdown"]
    )
    assert "| who speak at once | 1,000 |" in printed.output
    assert "| conversations on a machine | 284 |" in printed.output
