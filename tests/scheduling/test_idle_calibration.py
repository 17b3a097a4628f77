"""Calibrations in idle moments: while nobody speaks, until they agree, ever more seldom."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from rasr.scheduling import EngineStatistics, Scheduler, StepCosts
from rasr.scheduling.engine_host import Batch, StepResult
from rasr.scheduling.idle_calibration import FIRST_S, IdleCalibration, IdleMoments
from tests.scheduling.commanded import (
    Clock,
    CommandedWorker,
    milliseconds,
    opened,
    samples,
    settle,
    started,
)

TRUE = StepCosts(0.3, 2, {1: 0.020}, agreeing=1)


class Idle:
    """An idle calibration whose measurements find what the test says, second by second."""

    def __init__(self, first: StepCosts | None, *found: StepCosts | None) -> None:
        self.statistics = EngineStatistics()
        if first is not None:
            self.statistics.calibrated(first)
        self.clock = Clock()
        self.found = list(found)
        self.measured_at: list[float] = []
        self.told: list[StepCosts] = []
        self.other = EngineStatistics()
        """Of another engine of the machine."""
        self.moments = IdleMoments([self.statistics, self.other])
        self._idle = IdleCalibration(
            self.statistics, self.moments, self._measure, self._tell, clock=self.clock
        )

    async def _measure(self) -> StepCosts | None:
        self.measured_at.append(self.clock.now - 1000.0)
        self.clock.now += 4.0
        return self.found.pop(0) if self.found else TRUE.scaled(3.0)

    async def _tell(self, costs: StepCosts) -> None:
        self.told.append(costs)

    async def pass_(self, seconds: int) -> None:
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.clock.now += 1.0
            await self._idle.look()


async def test_a_first_calibration_is_repeated_when_nobody_has_spoken_for_some_seconds() -> None:
    idle = Idle(TRUE, TRUE)
    await idle.pass_(600)
    assert idle.measured_at == [FIRST_S]
    assert idle.statistics.costs is not None
    assert idle.statistics.costs.is_sure


async def test_what_was_left_out_at_start_is_measured_at_once() -> None:
    idle = Idle(replace(TRUE, agreeing=0), TRUE, TRUE)
    await idle.pass_(600)
    # One look, and then after the usual wait; a measurement takes four seconds.
    assert idle.measured_at == [1.0, 1.0 + 4.0 + FIRST_S]


async def test_who_speaks_at_once_is_not_measured_in_every_pause() -> None:
    idle = Idle(replace(TRUE, agreeing=0), *[None] * 100)
    measure = idle._measure

    async def spoken_to() -> StepCosts | None:
        idle.statistics.open_tasks = 1
        return await measure()

    idle._idle._measure = spoken_to
    for _ in range(10):
        idle.statistics.open_tasks = 0
        await idle.pass_(2)
        idle.statistics.open_tasks = 1
        await idle.pass_(3)
    assert len(idle.measured_at) == 1


async def test_one_that_was_too_high_falls_and_is_repeated_until_two_agree() -> None:
    idle = Idle(TRUE.scaled(15.0), TRUE, TRUE)
    await idle.pass_(600)
    assert idle.statistics.costs == TRUE.best_with(TRUE)
    assert len(idle.measured_at) == 2


async def test_where_they_never_agree_it_comes_ever_more_seldom() -> None:
    idle = Idle(TRUE)
    await idle.pass_(24 * 3600)
    gaps = [later - earlier for earlier, later in pairwise(idle.measured_at)]
    assert gaps == sorted(gaps)
    assert 25 < len(gaps) < 40
    assert idle.statistics.costs is not None
    assert idle.statistics.costs.seconds == TRUE.seconds


async def test_an_engine_that_was_never_calibrated_is() -> None:
    idle = Idle(None, TRUE)
    await idle.pass_(10)
    assert idle.statistics.costs == TRUE


async def test_one_that_came_to_nothing_comes_more_seldom_unless_somebody_spoke() -> None:
    idle = Idle(TRUE, *[None] * 10)
    await idle.pass_(200)
    assert len(idle.measured_at) == 5
    interrupted = Idle(TRUE, *[None] * 100)
    measure = interrupted._measure

    async def spoken_to() -> StepCosts | None:
        interrupted.statistics.open_tasks = 1
        return await measure()

    interrupted._idle._measure = spoken_to
    for _ in range(10):
        await interrupted.pass_(6)
        interrupted.statistics.open_tasks = 0
    assert len(interrupted.measured_at) >= 5


@pytest.mark.parametrize("sign", ["an open task", "a batch now and then"])
@pytest.mark.parametrize("engine", ["statistics", "other"])
async def test_nothing_is_measured_while_somebody_speaks(sign: str, engine: str) -> None:
    idle = Idle(TRUE)
    spoken_to: EngineStatistics = getattr(idle, engine)
    spoken_to.open_tasks = int(sign == "an open task")
    for _ in range(40):
        await idle.pass_(3)
        spoken_to.batches += sign != "an open task"
    assert idle.measured_at == []


async def test_two_engines_are_not_measured_at_the_same_time() -> None:
    idle = Idle(TRUE, TRUE)
    async with idle.moments.measuring:
        await idle.pass_(60)
    assert idle.measured_at == []
    await idle.pass_(1)
    assert len(idle.measured_at) == 1


async def test_costs_that_live_steps_have_shown_to_be_too_high_are_agreed_upon_anew() -> None:
    idle = Idle(TRUE, TRUE, TRUE.scaled(0.5), TRUE.scaled(0.5))
    await idle.pass_(600)
    assert len(idle.measured_at) == 1
    idle.statistics.costs = StepCosts(0.3, 2, {1: 0.010}, agreeing=0)
    await idle.pass_(600)
    assert len(idle.measured_at) == 3


async def test_what_a_calibration_has_found_is_told_at_once() -> None:
    idle = Idle(TRUE, TRUE)
    await idle.pass_(10)
    assert [costs.agreeing for costs in idle.told] == [2]
    await idle.pass_(600)
    assert len(idle.told) == 1


async def test_what_live_steps_have_shown_is_told_once_a_minute_at_the_most() -> None:
    idle = Idle(replace(TRUE, agreeing=2))
    for cheaper in range(1, 31):
        # Somebody speaks, so nothing is measured.
        idle.statistics.batches += 1
        idle.statistics.costs = replace(TRUE.scaled(1 - cheaper / 100), agreeing=2)
        await idle.pass_(4)
    assert idle.measured_at == []
    assert len(idle.told) == 2


class SlowWorker(CommandedWorker):
    """Its steps end when the test says so, and nobody may have more streams than it has."""

    def __init__(self, max_batch: int = 1) -> None:
        super().__init__(max_batch)
        self.most_open = 0

    def _result(self, step: object) -> StepResult:
        result = super()._result(step)  # type: ignore[arg-type]
        self.most_open = max(self.most_open, len(self.heard))
        return result


def calibrating(batch: Batch) -> bool:
    """It is no batch of somebody who speaks."""
    return any(step.stream < 0 for step in batch.steps)


async def until_it_measures(worker: CommandedWorker, clock: Clock) -> None:
    """Let seconds pass in which nobody speaks."""
    while not worker.busy:
        clock.now += FIRST_S
        await asyncio.sleep(0)


async def kept(worker: CommandedWorker, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    """A scheduler that calibrates in idle moments, and looks at each turn of the loop."""
    monkeypatch.setattr("rasr.scheduling.idle_calibration._LOOK_S", 0.0)
    scheduler = await started(worker, clock=clock)

    async def speech() -> object:
        return milliseconds(*range(1, 1001))

    async def told(costs: StepCosts) -> None: ...

    moments = IdleMoments([scheduler.statistics])
    scheduler.keep_calibrated(speech, told, moments)  # type: ignore[arg-type]
    return scheduler


async def test_who_begins_to_speak_waits_for_one_step_at_the_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker, clock = SlowWorker(), Clock()
    scheduler = await kept(worker, clock, monkeypatch)
    await until_it_measures(worker, clock)
    handle, heard = opened(scheduler)
    handle.accept(samples(1, 2), due=clock.now)
    handle.finish(due=clock.now)
    await worker.go()
    await settle()
    # Behind the step that was in hand comes the speaker, and no other of the calibration.
    assert [calibrating(batch) for batch in worker.batches if batch.steps] == [True, False]
    await worker.go()
    await settle()
    assert heard.lines == ["final 3"]
    # The stream of the calibration was given back, and not kept from anybody.
    assert worker.heard == {}
    assert worker.most_open <= 2
    await scheduler.stop()


async def test_half_of_the_streams_stay_free(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, clock = SlowWorker(max_batch=8), Clock()
    # Of four streams.
    scheduler = await kept(worker, clock, monkeypatch)
    await until_it_measures(worker, clock)
    while worker.busy:
        await worker.go()
    assert {len(batch.steps) for batch in worker.batches if batch.steps} <= {1, 2}
    assert worker.most_open <= 2
    await scheduler.stop()


async def test_a_worker_that_is_lost_ends_a_calibration_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker, clock = SlowWorker(), Clock()
    scheduler = await kept(worker, clock, monkeypatch)
    await until_it_measures(worker, clock)
    await worker.die()
    await settle()
    handle, heard = opened(scheduler)
    handle.accept(samples(4), due=clock.now)
    handle.finish(due=clock.now)
    await worker.go()
    await settle()
    assert heard.lines == ["final 4"]
    assert scheduler.statistics.faults == 0
    await scheduler.stop()
