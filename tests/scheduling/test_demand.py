"""Demand counts sound when it is due."""

from __future__ import annotations

from rasr.scheduling.demand import WINDOW_S, Demand


def test_unbroken_speech_is_a_second_each_second() -> None:
    demand = Demand()
    for tenth in range(WINDOW_S * 10):
        demand.add(100, 1000 + tenth / 10)
    assert demand.per_second(1000 + WINDOW_S) == 1.0


def test_sound_that_came_early_counts_when_it_is_due() -> None:
    demand = Demand()
    for second in range(100):
        demand.add(1000, 500.5 + second)
    # All of it came at once, at 500; real time asks for a second of it each second.
    assert demand.per_second(500) == 0.0
    assert demand.per_second(500 + WINDOW_S) == 1.0
    assert demand.per_second(560) == 1.0


def test_what_is_long_past_is_forgotten() -> None:
    demand = Demand()
    demand.add(60_000, 10.0)
    assert demand.per_second(11.0) == 60 / WINDOW_S
    assert demand.per_second(11.0 + WINDOW_S) == 0.0
