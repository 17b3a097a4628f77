"""The overload ladder: up while steps are late, down after a calm, and never for one late step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from decoder import Capabilities
from rasr.scheduling.job import Cadence
from rasr.scheduling.ladder import CALM_WINDOWS, RUNGS, TOP_RUNG, Ladder, Rung

STEP_S = 0.32


def climbed(ladder: Ladder, late_s: float, begin_s: float, seconds: int) -> int:
    """The rung after so many seconds of steps that are so late, ten a second."""
    for tenth in range(seconds * 10 + 1):
        ladder.observe(late_s, begin_s + tenth / 10)
    return ladder.rung


def test_a_backlog_climbs_to_the_top_and_no_higher() -> None:
    assert climbed(Ladder(STEP_S), late_s=0.5, begin_s=0, seconds=TOP_RUNG + 5) == TOP_RUNG


def test_a_machine_at_its_limit_that_keeps_up_is_left_alone() -> None:
    assert climbed(Ladder(STEP_S), late_s=0.08, begin_s=0, seconds=60) == 0


def test_one_late_step_among_many_is_no_overload() -> None:
    ladder = Ladder(STEP_S)
    ladder.observe(1.5, 0.0)
    assert climbed(ladder, late_s=0.0, begin_s=0.05, seconds=3) == 0


def test_a_calm_climbs_down_one_rung_at_a_time() -> None:
    ladder = Ladder(STEP_S)
    climbed(ladder, late_s=0.5, begin_s=0, seconds=TOP_RUNG)
    begin_s = TOP_RUNG + 0.05
    assert climbed(ladder, 0.0, begin_s, CALM_WINDOWS) == TOP_RUNG - 1
    assert climbed(ladder, 0.0, begin_s + CALM_WINDOWS + 0.1, CALM_WINDOWS + 1) == TOP_RUNG - 2


def test_in_between_it_stays_where_it_is() -> None:
    ladder = Ladder(STEP_S)
    assert climbed(ladder, late_s=0.5, begin_s=0, seconds=1) == 1
    assert climbed(ladder, late_s=0.5 * STEP_S, begin_s=1.05, seconds=30) == 1


def test_when_nobody_speaks_for_long_it_is_down() -> None:
    ladder = Ladder(STEP_S)
    climbed(ladder, late_s=0.5, begin_s=0, seconds=TOP_RUNG)
    ladder.observe(0.0, 1000.0)
    assert ladder.rung == 0


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0, 5)), max_size=200))
def test_it_tells_each_change_and_moves_a_rung_for_a_window(
    steps: list[tuple[float, float]],
) -> None:
    ladder = Ladder(STEP_S)
    now = 0.0
    for late_s, gap_s in steps:
        now += gap_s
        before = ladder.rung
        changed = ladder.observe(late_s, now)
        assert changed == (ladder.rung != before)
        assert 0 <= ladder.rung <= min(TOP_RUNG, before + 1)


CAPABILITIES = Capabilities("chunky", ("english",), 1000, True, True, False, 16, 450, 320)


def cadence(rung: Rung) -> Cadence:
    return Cadence.of(CAPABILITIES, step_ms=400, partial_ms=200, partials=True, rung=rung)


def test_a_rung_merges_two_chunks_but_not_the_first() -> None:
    usual, merged = (cadence(rung) for rung in RUNGS[:2])
    assert [usual.next_step_at(taken) for taken in (0, 450, 770)] == [450, 770, 1090]
    assert [merged.next_step_at(taken) for taken in (0, 450, 1090)] == [450, 1090, 1730]
    assert (usual.step_samples, merged.step_samples) == (320, 640)


def test_each_rung_has_fewer_partials_than_the_one_below() -> None:
    partials = [cadence(rung).partial for rung in RUNGS]
    assert partials == [200, 400, 800]
