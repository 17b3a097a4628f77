"""Costs learnt from live steps: too high ones fall, and what is merely cheap lowers nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from rasr.audio import SAMPLE_RATE
from rasr.scheduling import EngineStatistics, StepCosts
from rasr.scheduling.costs import AGREEMENT
from rasr.scheduling.learning import ALONE

TRUE = StepCosts(0.32, 2, {1: 0.010, 2: 0.016, 4: 0.025, 8: 0.045, 16: 0.090}, agreeing=2)
"""What steps take on this machine."""
HIGH = TRUE.scaled(4.0)
"""What a calibration beside eight busy processes found."""
READING = StepCosts(
    0.3, 2, {1: 0.02}, by_length={2.0: 0.05, 5.0: 0.06, 12.0: 0.09}, spared={2.0: 0.04, 12.0: 0.08}
)


def decode(
    statistics: EngineStatistics,
    size: int,
    *,
    seconds: float,
    begin_s: float = 0.0,
    took: Callable[[float], float] = lambda true_s: true_s,
    worded: float = 1.0,
    audio: float = 1.0,
    slots: int = 2,
) -> None:
    """Slots decode batches of this size one after the other, for so long.

    Args:
        took: the time of a step on this machine → what it took.
        worded: share of the steps that come back with words.
        audio: of each step, in parts of the usual.
    """
    now = begin_s
    while now < begin_s + seconds:
        took_s = took(TRUE.step_seconds(size))
        now += took_s
        for _ in range(slots):
            statistics.batch_decoded(
                took_s,
                size,
                round(size * 0.32 * audio * SAMPLE_RATE),
                now,
                worded=round(size * worded),
            )


def known(costs: StepCosts = HIGH) -> EngineStatistics:
    statistics = EngineStatistics()
    statistics.calibrated(costs)
    return statistics


def costs(statistics: EngineStatistics) -> StepCosts:
    assert statistics.costs is not None
    return statistics.costs


def test_costs_that_are_too_high_fall_to_what_live_steps_take() -> None:
    statistics = known()
    decode(statistics, 8, seconds=10)
    assert costs(statistics).seconds[8] == pytest.approx(TRUE.seconds[8])
    assert statistics.slowness == pytest.approx(1.25)


def test_a_larger_batch_is_never_dearer_a_stream_than_one_that_was_learnt() -> None:
    statistics = known()
    decode(statistics, 4, seconds=10)
    learnt = costs(statistics).seconds
    assert learnt[16] == pytest.approx(4 * learnt[4])
    assert learnt[2] == pytest.approx(learnt[4])
    # Of a single stream nothing is known but that it takes no longer than four.
    assert learnt[1] == pytest.approx(learnt[4])


def test_what_was_learnt_is_to_be_agreed_upon_by_calibrations() -> None:
    statistics = known(replace(HIGH, agreeing=2))
    assert costs(statistics).is_sure
    decode(statistics, 8, seconds=10)
    assert costs(statistics).agreeing == 0


def test_what_was_put_right_disturbs_no_longer() -> None:
    statistics = known(replace(HIGH, disturbance=4.4))
    assert costs(statistics).is_disturbed
    decode(statistics, 8, seconds=10)
    decode(statistics, 1, seconds=10, begin_s=10)
    assert not costs(statistics).is_disturbed


def test_costs_that_are_right_stay_whatever_the_load_is() -> None:
    statistics = known(TRUE)
    for second, size in enumerate((1, 2, 4, 8, 16, 1, 8)):
        decode(statistics, size, seconds=10, begin_s=10.0 * second)
    assert costs(statistics) == TRUE


def test_a_neighbour_now_and_then_hides_nothing() -> None:
    chance = random.Random(1)
    statistics = known()
    decode(statistics, 8, seconds=60, took=lambda true_s: true_s * chance.choice([1, 1, 1, 4]))
    assert costs(statistics).seconds[8] <= TRUE.seconds[8] * 2


@pytest.mark.parametrize(
    ("how", "given"),
    [
        ("steps without words", {"worded": 0.4}),
        ("steps with little audio", {"audio": 0.5}),
        ("long steps of an engine that is behind", {"audio": 2.0}),
    ],
)
def test_what_is_cheap_for_another_reason_lowers_nothing(how: str, given: dict[str, float]) -> None:
    statistics = known(TRUE)
    decode(statistics, 8, seconds=60, took=lambda true_s: true_s / 4, **given)  # type: ignore[arg-type]
    assert costs(statistics) == TRUE, how


def test_empty_batches_and_those_without_audio_lower_nothing() -> None:
    statistics = known(TRUE)
    for tenth in range(600):
        statistics.batch_decoded(1e-6, 0, 0, tenth / 10)
        statistics.batch_decoded(1e-6, 8, 0, tenth / 10, worded=8)
    assert costs(statistics) == TRUE


def test_a_few_cheap_steps_lower_nothing() -> None:
    statistics = known(TRUE)
    for minute in range(3):
        decode(statistics, 8, seconds=20, begin_s=60.0 * minute)
        decode(statistics, 8, seconds=0.5, begin_s=60.0 * minute + 20, took=lambda s: s / 10)
    assert costs(statistics) == TRUE


def test_steps_of_a_slot_that_is_alone_count_as_longer() -> None:
    statistics = known(TRUE)
    # As quick as a step is that has the machine for itself: no proof of anything.
    decode(statistics, 1, seconds=60, took=lambda true_s: true_s / ALONE * 1.05, slots=1)
    assert costs(statistics).seconds[1] >= TRUE.seconds[1] * 0.8
    low = costs(statistics).seconds[1]
    statistics = known(TRUE)
    decode(statistics, 1, seconds=60, took=lambda true_s: true_s / ALONE * 1.05, slots=2)
    assert costs(statistics).seconds[1] < low


def read(
    statistics: EngineStatistics,
    count: int,
    *,
    length_s: float = 5.0,
    factor: float = 0.25,
    letters: float = 12.0,
    partials: bool = True,
) -> None:
    """Utterances that take so many times what `READING` says, one in each half second."""
    for number in range(count):
        busy_s = READING.batch_seconds(1, length_s, length_s) * factor
        # The slots of the engine are in use all the time.
        statistics.busy_s += 1.0
        statistics.utterance_decoded(
            round(length_s * SAMPLE_RATE),
            busy_s=busy_s,
            letters=round(letters * length_s),
            partials=partials,
            now=number / 2,
        )


def test_an_engine_that_reads_anew_learns_from_whole_utterances() -> None:
    statistics = known(READING)
    read(statistics, 16)
    learnt = costs(statistics)
    assert learnt.by_length == pytest.approx({k: v / 4 for k, v in READING.by_length.items()})
    assert learnt.spared == pytest.approx({k: v / 4 for k, v in READING.spared.items()})


@pytest.mark.parametrize(
    ("how", "given"),
    [
        ("noise", {"letters": 0.0}),
        ("a word in much silence", {"letters": 1.0}),
        ("one word", {"length_s": 1.0}),
        ("nobody wanted partials", {"partials": False}),
        ("as was calibrated", {"factor": 1.0}),
    ],
)
def test_utterances_that_are_cheap_for_another_reason_lower_nothing(
    how: str, given: dict[str, float]
) -> None:
    statistics = known(READING)
    read(statistics, 100, **given)  # type: ignore[arg-type]
    assert costs(statistics) == READING, how


def test_an_engine_of_finals_learns_from_utterances_that_were_read_once() -> None:
    statistics = EngineStatistics(finals_only=True)
    statistics.calibrated(READING)
    read(statistics, 100)
    assert costs(statistics) == READING
    read(statistics, 16, partials=False)
    assert not costs(statistics).agrees_with(READING)


def test_what_is_learnt_falls_by_steps_that_are_worth_it() -> None:
    statistics = known(TRUE)
    decode(statistics, 8, seconds=60, took=lambda true_s: true_s * 0.96)
    assert costs(statistics) == TRUE
    decode(statistics, 8, seconds=60, begin_s=60, took=lambda true_s: true_s * 0.8)
    assert costs(statistics).seconds[8] == pytest.approx(TRUE.seconds[8] * 0.8, rel=AGREEMENT)
