"""Overload: up while steps are late, down after a calm, and never for one late step."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.scheduling.overload import (
    CALM_WINDOWS,
    LEVELS,
    TOP_LEVEL,
    OverloadLevel,
    OverloadMonitor,
    StepPolicy,
)
from tests.scheduling.commanded import MS, known

STEP_S = 0.32


def climbed(monitor: OverloadMonitor, late_s: float, begin_s: float, seconds: int) -> int:
    """The level after so many seconds of steps that are so late, ten a second."""
    for tenth in range(seconds * 10 + 1):
        monitor.observe(late_s, begin_s + tenth / 10)
    return monitor.level


def test_a_backlog_climbs_to_the_top_and_no_higher() -> None:
    assert (
        climbed(OverloadMonitor(STEP_S), late_s=0.5, begin_s=0, seconds=TOP_LEVEL + 5) == TOP_LEVEL
    )


def test_a_machine_at_its_limit_that_keeps_up_is_left_alone() -> None:
    assert climbed(OverloadMonitor(STEP_S), late_s=0.08, begin_s=0, seconds=60) == 0


def test_one_late_step_among_many_is_no_overload() -> None:
    monitor = OverloadMonitor(STEP_S)
    monitor.observe(1.5, 0.0)
    assert climbed(monitor, late_s=0.0, begin_s=0.05, seconds=3) == 0


def test_a_calm_climbs_down_one_level_at_a_time() -> None:
    monitor = OverloadMonitor(STEP_S)
    climbed(monitor, late_s=0.5, begin_s=0, seconds=TOP_LEVEL)
    begin_s = TOP_LEVEL + 0.05
    assert climbed(monitor, 0.0, begin_s, CALM_WINDOWS) == TOP_LEVEL - 1
    assert climbed(monitor, 0.0, begin_s + CALM_WINDOWS + 0.1, CALM_WINDOWS + 1) == TOP_LEVEL - 2


def test_in_between_it_stays_where_it_is() -> None:
    monitor = OverloadMonitor(STEP_S)
    assert climbed(monitor, late_s=0.5, begin_s=0, seconds=1) == 1
    assert climbed(monitor, late_s=0.5 * STEP_S, begin_s=1.05, seconds=30) == 1


def test_when_nobody_speaks_for_long_it_is_down() -> None:
    monitor = OverloadMonitor(STEP_S)
    climbed(monitor, late_s=0.5, begin_s=0, seconds=TOP_LEVEL)
    monitor.observe(0.0, 1000.0)
    assert monitor.level == 0


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0, 5)), max_size=200))
def test_it_tells_each_change_and_moves_a_level_for_a_window(
    steps: list[tuple[float, float]],
) -> None:
    monitor = OverloadMonitor(STEP_S)
    now = 0.0
    for late_s, gap_s in steps:
        now += gap_s
        before = monitor.level
        changed = monitor.observe(late_s, now)
        assert changed == (monitor.level != before)
        assert 0 <= monitor.level <= min(TOP_LEVEL, before + 1)


CAPABILITIES = known(max_batch=16, first=450 * MS, every=320 * MS)


def policy(level: OverloadLevel) -> StepPolicy:
    return StepPolicy.of(CAPABILITIES, step_ms=400, partial_ms=200, partials=True, level=level)


def test_a_level_merges_two_chunks_but_not_the_first() -> None:
    usual, merged = (policy(level) for level in LEVELS[:2])
    assert [usual.next_step_at(ms * MS) // MS for ms in (0, 450, 770)] == [450, 770, 1090]
    assert [merged.next_step_at(ms * MS) // MS for ms in (0, 450, 1090)] == [450, 1090, 1730]
    assert (usual.step_samples, merged.step_samples) == (320 * MS, 640 * MS)


def test_each_level_has_fewer_partials_than_the_one_below() -> None:
    partials = [policy(level).partial for level in LEVELS]
    assert partials == [200 * MS, 400 * MS, 800 * MS]


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_read_anew_is_told_with_each_step(level: OverloadLevel) -> None:
    capabilities = replace(CAPABILITIES, rereads=True, first_step_samples=4800, step_samples=4800)
    policy = StepPolicy.of(capabilities, step_ms=400, partial_ms=200, partials=True, level=level)
    assert policy.partial is not None
    assert policy.partial <= policy.next_step_at(4800) - 4800


def test_what_is_read_anew_is_read_less_often_on_each_level() -> None:
    capabilities = replace(CAPABILITIES, rereads=True, first_step_samples=4800, step_samples=4800)
    steps = [
        StepPolicy.of(
            capabilities, step_ms=400, partial_ms=200, partials=True, level=level
        ).step_samples
        for level in LEVELS
    ]
    assert steps == [4800, 6000, 7200]
