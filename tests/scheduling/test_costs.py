"""What a table of step times says: the timely batch, streams, and the load that sound makes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasr.scheduling import EngineLoad, StepCosts
from rasr.scheduling.costs import IN_BATCHES, ONE_BY_ONE

COSTS = StepCosts(step_s=0.32, calls=2, seconds={1: 0.010, 4: 0.025, 8: 0.045, 16: 0.165})


def test_the_timely_batch_is_the_largest_under_half_its_sound() -> None:
    assert COSTS.timely_batch == 8


STREAMS = 2 * 8 * 0.32 / 0.045
"""Of unbroken speech, that two calls keep up with in timely batches when nothing else runs."""


def test_a_second_of_speech_costs_its_share_of_a_timely_batch() -> None:
    assert COSTS.per_second == pytest.approx(2 / STREAMS)


def test_an_engine_without_batches_loses_less_in_service() -> None:
    assert COSTS.in_service == IN_BATCHES
    assert StepCosts(0.2, 2, {1: 0.03}).in_service == ONE_BY_ONE


def test_a_model_too_slow_for_the_machine_has_no_timely_batch_but_a_cost() -> None:
    slow = StepCosts(0.32, 1, {1: 0.4})
    assert slow.timely_batch == 0
    assert slow.per_second == pytest.approx(1.25)


@pytest.mark.parametrize(("batch", "ms"), [(1, 10), (2, 15), (6, 35), (16, 165), (32, 330)])
def test_sizes_between_and_beyond_are_reckoned(batch: int, ms: float) -> None:
    assert COSTS.step_seconds(batch) == pytest.approx(ms / 1000)


def loaded(slower: float, seconds: int = 60) -> EngineLoad:
    """An engine that decodes full batches, each so many times slower than calibrated."""
    load = EngineLoad()
    load.costs = COSTS
    for tenth in range(seconds * 10):
        load.decoded(0.045 * slower, batch=8, sound_s=8 * 0.32, now=tenth / 10)
    return load


def test_load_is_sound_against_what_the_calls_can_do() -> None:
    assert loaded(1.0).share(STREAMS / 2) == pytest.approx(0.5 * IN_BATCHES)


def test_a_machine_that_has_become_slower_is_noticed() -> None:
    load = loaded(1.5)
    assert load.slowness == pytest.approx(1.5)
    assert load.share(STREAMS / 2) == pytest.approx(0.75)


def test_faster_steps_than_calibrated_promise_nothing() -> None:
    assert loaded(0.5).slowness == IN_BATCHES


def test_a_disturbed_calibration_is_put_right_by_what_steps_take() -> None:
    load = loaded(0.5)
    load.costs = replace(COSTS, disturbance=2.5)
    assert load.slowness == pytest.approx(IN_BATCHES / 2.5)


def test_a_step_with_more_sound_may_take_longer() -> None:
    load = EngineLoad()
    load.costs = COSTS
    for tenth in range(600):
        load.decoded(0.090, batch=8, sound_s=8 * 0.64, now=tenth / 10)
    assert load.slowness == IN_BATCHES


def test_without_a_calibration_there_is_no_load() -> None:
    load = EngineLoad()
    load.decoded(1.0, batch=1, sound_s=0.3, now=5.0)
    assert load.share(100.0) == 0.0
