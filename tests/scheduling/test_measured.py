"""What a scheduler measures while it serves: what steps cost, and how late they begin."""

from __future__ import annotations

import pytest

from rasr.scheduling import Priority, Scheduler, StepCosts
from tests.scheduling.commanded import (
    Clock,
    CommandedWorker,
    milliseconds,
    opened,
    samples,
    settle,
    started,
)

HIGH = StepCosts(step_s=0.02, slots=1, seconds={1: 0.8})
"""Of steps of 20 ms, that really take 0.2 s by the clock."""
READ_ANEW = StepCosts(0.02, 1, {1: 0.8}, by_length={2.0: 1.0, 10.0: 1.0})


async def serving(
    costs: StepCosts | None = None,
) -> tuple[CommandedWorker, Clock, Scheduler]:
    worker, clock = CommandedWorker(), Clock()
    scheduler = await started(worker, clock=clock, partial_ms=20)
    scheduler.statistics.costs = costs
    return worker, clock, scheduler


async def learnt(costs: StepCosts, *, value: int, partials: bool, utterance_ms: int) -> StepCosts:
    """The costs after a minute of speech, a step or a whole utterance each 0.2 s."""
    worker, clock, scheduler = await serving(costs)
    for _ in range(300):
        handle, _ = opened(scheduler, partials=partials)
        # A text of many letters, or one without any.
        handle.accept(milliseconds(*[value] * utterance_ms), due=clock.now)
        handle.finish(due=clock.now)
        await settle()
        clock.now += 0.2
        await worker.go()
    await scheduler.stop()
    assert scheduler.statistics.costs is not None
    return scheduler.statistics.costs


async def test_steps_that_came_with_words_bring_costs_down() -> None:
    costs = await learnt(HIGH, value=1, partials=True, utterance_ms=20)
    assert costs.seconds[1] == pytest.approx(0.2)


async def test_whole_utterances_bring_costs_down_where_they_are_read_anew() -> None:
    costs = await learnt(READ_ANEW, value=30000, partials=True, utterance_ms=2000)
    assert costs.by_length[2.0] == pytest.approx(0.1)


async def test_utterances_of_which_no_partials_were_wanted_are_read_less_often() -> None:
    costs = await learnt(READ_ANEW, value=30000, partials=False, utterance_ms=2000)
    assert costs == READ_ANEW


@pytest.mark.parametrize(
    ("priority", "late_s", "on_time"),
    [
        (Priority.LIVE, 0.0, True),
        (Priority.LIVE, 0.05, False),
        (Priority.SECOND_PASS, 0.05, False),
        (Priority.BATCH, 0.05, None),
    ],
)
async def test_how_late_steps_begin_is_measured(
    priority: Priority, late_s: float, on_time: bool | None
) -> None:
    worker, clock, scheduler = await serving()
    for _ in range(20):
        handle, _ = opened(scheduler, priority=priority)
        # It is there, and nobody takes it before the time has passed.
        handle.accept(samples(1), due=clock.now)
        handle.finish(due=clock.now)
        clock.now += late_s
        await worker.go()
    assert scheduler.statistics.lateness.on_time(clock.now) is on_time
    await scheduler.stop()


async def test_a_step_is_late_too_that_waited_for_the_one_before_it() -> None:
    worker, clock, scheduler = await serving()
    handle, _ = opened(scheduler, partials=True)
    for _ in range(60):
        handle.accept(samples(1), due=clock.now)
    for _ in range(20):
        await settle()
        # The step before is decoded until now: the next one begins as soon as it is ready.
        clock.now += 0.15
        await worker.go()
    assert scheduler.statistics.lateness.on_time(clock.now) is False
    await scheduler.stop()
