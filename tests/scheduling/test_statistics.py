"""The numbers of an engine: audio counts when it is due, load is audio against its costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasr.audio import SAMPLE_RATE
from rasr.scheduling import EngineStatistics, StepCosts
from rasr.scheduling.costs import IN_BATCHES
from rasr.scheduling.statistics import DEMAND_WINDOW_S, Demand

COSTS = StepCosts(step_s=0.32, slots=2, seconds={1: 0.010, 4: 0.025, 8: 0.045, 16: 0.165})
STREAMS = 2 * 8 * 0.32 / 0.045
"""Of unbroken speech, that two slots keep up with in timely batches when nothing else runs."""


def test_unbroken_speech_is_a_second_each_second() -> None:
    demand = Demand()
    for tenth in range(DEMAND_WINDOW_S * 10):
        demand.add(SAMPLE_RATE // 10, 1000 + tenth / 10)
    assert demand.per_second(1000 + DEMAND_WINDOW_S) == 1.0


def test_audio_that_came_early_counts_when_it_is_due() -> None:
    demand = Demand()
    for second in range(100):
        demand.add(SAMPLE_RATE, 500.5 + second)
    # All of it came at once, at 500; real time asks for a second of it each second.
    assert demand.per_second(500) == 0.0
    assert demand.per_second(500 + DEMAND_WINDOW_S) == 1.0
    assert demand.per_second(560) == 1.0


def test_what_is_long_past_is_forgotten() -> None:
    demand = Demand()
    demand.add(60 * SAMPLE_RATE, 10.0)
    assert demand.per_second(11.0) == 60 / DEMAND_WINDOW_S
    assert demand.per_second(11.0 + DEMAND_WINDOW_S) == 0.0


def loaded(
    slower: float, seconds: int = 60, statistics: EngineStatistics | None = None
) -> EngineStatistics:
    """An engine that decodes full batches, each so many times slower than calibrated."""
    if statistics is None:
        statistics = EngineStatistics()
        statistics.costs = COSTS
    for tenth in range(seconds * 10):
        statistics.batch_decoded(0.045 * slower, 8, round(8 * 0.32 * SAMPLE_RATE), now=tenth / 10)
    return statistics


def test_load_is_audio_against_what_the_slots_can_do() -> None:
    assert loaded(1.0).share(STREAMS / 2) == pytest.approx(0.5 * IN_BATCHES)


def test_a_machine_that_has_become_slower_is_noticed() -> None:
    statistics = loaded(1.5)
    assert statistics.slowness == pytest.approx(1.5)
    assert statistics.share(STREAMS / 2) == pytest.approx(0.75)


def test_a_machine_that_is_not_busy_promises_nothing() -> None:
    # No words came of these batches: they may have been cheap for what was in them.
    assert loaded(0.5).slowness == IN_BATCHES


@pytest.mark.parametrize(
    ("slower", "slowness"),
    # No further than it was disturbed.
    [(0.5, 0.5), (0.1, IN_BATCHES / 5.0)],
)
def test_a_calibration_that_is_known_to_be_disturbed_is_put_right_at_once(
    slower: float, slowness: float
) -> None:
    statistics = EngineStatistics()
    statistics.costs = replace(COSTS, disturbance=5.0)
    assert loaded(slower, statistics=statistics).slowness == pytest.approx(slowness)


def test_steps_take_what_they_took_when_their_costs_are_known_better() -> None:
    statistics = loaded(1.5)
    statistics.costs = COSTS.scaled(0.5)
    assert statistics.slowness == pytest.approx(3.0)


def test_the_share_of_the_slots_that_is_in_use_is_measured() -> None:
    # Ten batches a second of 45 ms, on two slots.
    assert loaded(1.0).in_use == pytest.approx(10 * 0.045 / 2, rel=0.1)


def test_a_calibration_tells_what_steps_cost_and_what_they_take_just_now() -> None:
    statistics = EngineStatistics()
    statistics.calibrated(COSTS)
    statistics.calibrated(COSTS.scaled(3.0))
    assert statistics.costs == COSTS
    assert statistics.slowness == pytest.approx(3.0)
    statistics.calibrated(COSTS)
    assert statistics.slowness == IN_BATCHES


def test_a_step_with_more_audio_may_take_longer() -> None:
    statistics = EngineStatistics()
    statistics.costs = COSTS
    for tenth in range(600):
        statistics.batch_decoded(0.090, 8, round(8 * 0.64 * SAMPLE_RATE), now=tenth / 10)
    assert statistics.slowness == IN_BATCHES


def test_without_a_calibration_there_is_no_load() -> None:
    statistics = EngineStatistics()
    statistics.batch_decoded(1.0, 1, round(0.3 * SAMPLE_RATE), now=5.0)
    assert statistics.share(100.0) == 0.0


def test_the_length_of_utterances_follows_what_is_said() -> None:
    statistics = EngineStatistics()
    before = statistics.utterance_s
    statistics.utterance_decoded(0)
    assert statistics.utterance_s == before
    for _ in range(100):
        statistics.utterance_decoded(20 * SAMPLE_RATE)
    assert statistics.utterance_s == pytest.approx(20.0, abs=0.1)
    statistics.utterance_decoded(600 * SAMPLE_RATE)
    assert statistics.utterance_s == pytest.approx(600.0)


def test_the_share_counts_the_length_of_utterances_where_they_are_read_anew() -> None:
    statistics = EngineStatistics()
    statistics.costs = StepCosts(0.3, 2, {1: 0.02}, by_length={2.0: 0.05, 20.0: 0.2})
    short = statistics.share(4.0)
    for _ in range(100):
        statistics.utterance_decoded(20 * SAMPLE_RATE)
    assert statistics.share(4.0) > 2 * short
