"""Whether steps begin in time: measured over the last seconds, known only where there were some."""

from __future__ import annotations

import pytest

from rasr.scheduling.lateness import ON_TIME, WINDOW_S, LatenessMeter

STEP_S = 0.4


def metered(*late: float, every_s: float = 0.1) -> tuple[LatenessMeter, float]:
    meter = LatenessMeter()
    now = 100.0
    for one in late:
        now += every_s
        meter.observe(one * STEP_S, 0.0, STEP_S, now)
    return meter, now


def test_of_an_engine_without_steps_nothing_is_known() -> None:
    assert LatenessMeter().on_time(0.0) is None


def test_a_few_steps_say_nothing() -> None:
    meter, now = metered(*[0.0] * 5)
    assert meter.on_time(now) is None


@pytest.mark.parametrize(("late", "on_time"), [(0.0, True), (ON_TIME, True), (0.3, False)])
def test_steps_that_begin_within_a_quarter_of_their_audio_are_on_time(
    late: float, on_time: bool
) -> None:
    meter, now = metered(*[late] * 20)
    assert meter.on_time(now) is on_time


def test_one_late_step_in_twenty_is_nobody_who_waits() -> None:
    meter, now = metered(*[0.0] * 19, 5.0)
    assert meter.on_time(now)


def test_some_who_wait_are_not_outweighed_by_the_others() -> None:
    meter, now = metered(*[0.0, 0.0, 0.0, 0.0, 1.0] * 4)
    assert meter.on_time(now) is False


def test_what_is_past_is_forgotten() -> None:
    meter, now = metered(*[1.0] * 20)
    assert meter.on_time(now) is False
    assert meter.on_time(now + WINDOW_S + 1) is None


def test_an_engine_that_is_slower_than_speech_is_late_although_nothing_queues() -> None:
    meter = LatenessMeter()
    for tenth in range(20):
        # Each step begins as soon as it is ready, behind the one before, with audio of a while ago.
        meter.observe(0.0, STEP_S * (1 + ON_TIME * 1.1), STEP_S, tenth / 10)
    assert meter.on_time(2.0) is False
