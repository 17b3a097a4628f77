"""What a step costs, and what follows from the numbers: they only ever fall."""

from __future__ import annotations

from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from rasr.scheduling import StepCosts
from rasr.scheduling.costs import IN_BATCHES, MOST_DISTURBANCE, ONE_BY_ONE

COSTS = StepCosts(step_s=0.32, slots=2, seconds={1: 0.010, 4: 0.025, 8: 0.045, 16: 0.165})


def test_the_timely_batch_is_the_largest_under_half_its_audio() -> None:
    assert COSTS.timely_batch == 8


STREAMS = 2 * 8 * 0.32 / 0.045
"""Of unbroken speech, that two slots keep up with in timely batches when nothing else runs."""


def test_a_second_of_speech_costs_its_share_of_a_timely_batch() -> None:
    assert COSTS.per_second_of() == pytest.approx(2 / STREAMS)


def test_an_engine_without_batches_loses_less_in_service() -> None:
    assert COSTS.in_service == IN_BATCHES
    assert StepCosts(0.2, 2, {1: 0.03}).in_service == ONE_BY_ONE


def test_a_model_too_slow_for_the_machine_has_no_timely_batch_but_a_cost() -> None:
    slow = StepCosts(0.32, 1, {1: 0.4})
    assert slow.timely_batch == 0
    assert slow.per_second_of() == pytest.approx(1.25)


@pytest.mark.parametrize(("batch", "ms"), [(1, 10), (2, 15), (6, 35), (16, 165), (32, 330)])
def test_sizes_between_and_beyond_are_reckoned(batch: int, ms: float) -> None:
    assert COSTS.step_seconds(batch) == pytest.approx(ms / 1000)


READ_ANEW = StepCosts(
    step_s=0.3, slots=2, seconds={1: 0.02}, by_length={2.0: 0.05, 4.0: 0.06, 10.0: 0.12}
)


@pytest.mark.parametrize(
    ("length_s", "seconds"),
    [(1.0, 0.05), (2.0, 0.05), (3.0, 0.055), (7.0, 0.09), (10.0, 0.12), (320.0, 0.48)],
)
def test_a_second_of_a_long_utterance_costs_more_where_it_is_read_anew(
    length_s: float, seconds: float
) -> None:
    assert READ_ANEW.per_second_of(length_s) == pytest.approx(seconds)
    assert READ_ANEW.batch_seconds(3, 0.5, length_s) == pytest.approx(1.5 * seconds)


def test_what_a_machine_carries_is_what_it_does_at_its_limit() -> None:
    costs = replace(READ_ANEW, spared={2.0: 0.03, 10.0: 0.07})
    assert costs.per_second_of(2.0) == pytest.approx(0.03)
    assert costs.batch_seconds(1, 1.0, 2.0) == pytest.approx(0.05)
    assert costs.batch_seconds(1, 1.0, 2.0, is_spared=True) == pytest.approx(0.03)


def test_other_engines_take_the_same_for_all_lengths() -> None:
    assert COSTS.per_second_of(1.0) == COSTS.per_second_of(30.0) == COSTS.per_second_of()
    assert COSTS.batch_seconds(4, 0.32, 30.0) == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("step_s", nan, "step_s is nan"),
        ("step_s", 0.0, "step_s is 0"),
        ("slots", 0, "slots is 0"),
        ("seconds", {}, "seconds is empty"),
        ("seconds", {1: -0.01}, r"seconds\[1\] is -0.01"),
        ("seconds", {1: inf}, r"seconds\[1\] is inf"),
        ("seconds", {1: 1e-12}, r"seconds\[1\] is 1e-12; allowed: from 1e-05 to 10000"),
        ("seconds", {0: 0.01}, "a key of seconds is 0"),
        ("seconds", {4: 0.02, 1: 0.01}, "do not ascend"),
        ("disturbance", nan, "disturbance is nan"),
        ("disturbance", 0.2, "disturbance is 0.2; allowed: from 1"),
        ("by_length", {nan: 0.01}, "a key of by_length is nan"),
        ("by_length", {2.0: 0.0}, r"by_length\[2\] is 0"),
        ("spared", {2.0: nan}, r"spared\[2\] is nan"),
        ("agreeing", -1, "agreeing is -1"),
    ],
)
def test_numbers_that_nobody_can_have_measured_are_refused(
    field: str, value: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        replace(COSTS, **{field: value})


def test_of_two_calibrations_the_lower_costs_count() -> None:
    one = StepCosts(0.32, 2, {1: 0.010, 4: 0.080})
    other = StepCosts(0.32, 2, {1: 0.040, 4: 0.025})
    assert one.best_with(other).seconds == other.best_with(one).seconds == {1: 0.010, 4: 0.025}


def test_sizes_of_which_nothing_is_said_follow_one_that_has_become_much_lower() -> None:
    high = StepCosts(0.32, 2, {1: 0.040, 2: 0.090, 4: 0.100, 8: 0.180, 16: 0.660})
    assert high.lowered({4: 0.050}).seconds == {1: 0.040, 2: 0.050, 4: 0.050, 8: 0.100, 16: 0.200}


def test_sizes_stay_where_one_has_become_a_little_lower() -> None:
    # A batch of 16 is really dearer here than two of 8: a measurement is not overruled.
    assert COSTS.lowered({8: 0.044}).seconds == {**COSTS.seconds, 8: 0.044}
    assert COSTS.lowered({8: 0.050}) == COSTS


def test_lengths_that_only_one_has_measured_fall_as_the_others_do() -> None:
    partial = replace(READ_ANEW, by_length={2.0: 0.025, 4.0: 0.045})
    # At least a quarter lower in both: the third is a quarter lower too.
    assert READ_ANEW.best_with(partial).by_length == pytest.approx(
        {2.0: 0.025, 4.0: 0.045, 10.0: 0.09}
    )


def found(s: float, agreeing: int = 1) -> StepCosts:
    return StepCosts(0.3, 2, {1: s}, agreeing=agreeing)


def test_costs_are_sure_when_two_calibrations_agree() -> None:
    assert not found(0.020).is_sure
    assert found(0.020).best_with(found(0.0215)).is_sure


def test_a_much_lower_calibration_begins_the_count_anew() -> None:
    best = found(0.040, agreeing=2).best_with(found(0.020))
    assert (best.agreeing, best.is_sure) == (1, False)


def test_a_much_higher_calibration_does_not_count() -> None:
    best = found(0.020).best_with(found(0.040))
    assert (best.seconds[1], best.agreeing) == (0.020, 1)


def test_costs_of_a_disturbed_calibration_say_so_until_a_better_one_comes() -> None:
    disturbed = replace(found(0.080, agreeing=0), disturbance=MOST_DISTURBANCE + 0.1)
    assert disturbed.is_disturbed
    assert not disturbed.best_with(found(0.020)).is_disturbed
