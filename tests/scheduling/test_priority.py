"""Live speech first, then second passes, then recordings; and nobody waits for ever."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.scheduling import Priority, Scheduler
from rasr.scheduling.batching import STEPS_AHEAD, Shares, choose
from rasr.scheduling.streams import WaitingQueue
from rasr.scheduling.task import DecodeTask
from tests.scheduling.commanded import Clock, CommandedWorker, opened, samples, settle, started
from tests.scheduling.commanded import values as values_of
from tests.scheduling.test_batching import NOW, task

LIVE, SECOND_PASS, BATCH = Priority


def of(priority: Priority, number: int, due: float = NOW - 1) -> DecodeTask:
    """A task of this priority that is ready."""
    made = task(number, due)
    made.priority = priority
    return made


def chosen(ready: list[DecodeTask], shares: Shares, max_batch: int) -> list[DecodeTask]:
    return choose(ready, shares, slot=0, idle_slots=0, max_batch=max_batch, now=NOW)


def test_a_batch_is_of_the_highest_priority_that_is_ready() -> None:
    ready = [of(BATCH, 1, NOW - 9), of(SECOND_PASS, 2, NOW - 5), of(LIVE, 3), of(LIVE, 4)]
    assert {one.stream for one in chosen(ready, Shares(), 16)} == {3, 4}
    assert {one.stream for one in chosen(ready[:2], Shares(), 16)} == {2}
    assert {one.stream for one in chosen(ready[:1], Shares(), 16)} == {1}


@pytest.mark.parametrize("max_batch", [1, 4, 8, 9, 15, 16, 64])
def test_under_unbroken_live_speech_each_lower_priority_gets_a_bounded_share(
    max_batch: int,
) -> None:
    shares, taken = Shares(), Counter[Priority]()
    for _ in range(9000 // max_batch):
        ready = [of(priority, number) for number, priority in enumerate((*Priority,) * max_batch)]
        taken.update(one.priority for one in chosen(ready, shares, max_batch))
    for lower in (SECOND_PASS, BATCH):
        assert taken.total() / 20 < taken[lower] <= taken.total() / 8 + 1


@given(
    st.lists(st.sampled_from(Priority), min_size=1, max_size=40),
    st.integers(1, 16),
    st.integers(0, 60),
)
def test_a_batch_is_never_too_large_and_holds_nobody_twice(
    priorities: list[Priority], max_batch: int, before: int
) -> None:
    shares = Shares()
    shares.owed(before, {SECOND_PASS, BATCH}, 1)
    batch = chosen([of(one, number) for number, one in enumerate(priorities)], shares, max_batch)
    assert 1 <= len(batch) <= max_batch
    assert len({one.stream for one in batch}) == len(batch)


@given(
    st.lists(st.integers(1, 16), min_size=1, max_size=100),
    st.integers(1, 4),
)
def test_whoever_waits_has_a_turn_before_long(turns: list[int], most: int) -> None:
    shares = Shares()
    since = dict.fromkeys((SECOND_PASS, BATCH), 0)
    for number in turns:
        given = shares.owed(number, set(since), most)
        assert len(given) <= most
        for priority in since:
            since[priority] = 0 if priority in given else since[priority] + number
            # Its own turns, and those that came while another one had its turn.
            assert since[priority] < 2 * STEPS_AHEAD + 2 * 16


def test_who_has_no_work_saves_up_nothing() -> None:
    shares = Shares()
    shares.owed(STEPS_AHEAD - 1, {BATCH}, 1)
    shares.owed(1, set(), 1)
    assert shares.owed(1, {BATCH}, 1) == []


def test_what_could_not_be_given_is_not_saved_up() -> None:
    shares = Shares()
    for _ in range(10):
        assert shares.owed(8 * STEPS_AHEAD, {BATCH}, 1) == [BATCH]
    # As if only that last turn had gone before.
    given = [len(shares.owed(1, {BATCH}, 1)) for _ in range(STEPS_AHEAD)]
    assert given == [1] + [0] * (STEPS_AHEAD - 1)


async def order(scheduler: Scheduler, worker: CommandedWorker, steps: int) -> list[int]:
    """The values of the next steps of one stream each."""
    return [values_of((await worker.go()).steps[0])[0] for _ in range(steps)]


async def test_live_speech_goes_before_a_recording_that_is_due_sooner() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker, streams=8)
    for priority in (BATCH, BATCH, LIVE, SECOND_PASS):
        opened(scheduler, priority=priority)[0].accept(
            samples(1 + priority), due=float(9 - priority)
        )
    assert await order(scheduler, worker, 4) == [1, 2, 3, 3]
    await scheduler.stop()


async def test_a_recording_goes_on_while_people_speak_without_a_pause() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    recording, heard = opened(scheduler, priority=BATCH)
    speaker, _ = opened(scheduler)
    other, _ = opened(scheduler)
    speaker.accept(samples(1), due=0.0)
    recording.accept(samples(7), due=0.0)
    recording.finish(due=0.0)
    for turn in range(STEPS_AHEAD + 2):
        # While one is decoded the other is ready.
        (other, speaker)[turn % 2].accept(samples(1), due=0.0)
        await worker.go()
    assert heard.lines == ["final 7"]
    await scheduler.stop()


async def test_lower_priorities_hold_at_most_half_of_the_streams() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker, streams=4)
    for _ in range(4):
        opened(scheduler, priority=BATCH)[0].accept(samples(7), due=0.0)
    await settle()
    assert (scheduler.streams_in_use, scheduler.statistics.waiting_tasks) == (2, 2)
    speaker, heard = opened(scheduler)
    speaker.accept(samples(1), due=9.0)
    speaker.finish(due=9.0)
    await worker.go()
    await worker.go()
    assert heard.lines == ["final 1"]
    await scheduler.stop()


def test_a_stream_that_everybody_wants_is_shared_in_the_same_way() -> None:
    queue = WaitingQueue(streams=1, slots=1)
    for number in range(4 * STEPS_AHEAD):
        queue.add(of(LIVE, number))
    queue.add(of(BATCH, -1, NOW - 9))
    order = []
    while (taken := queue.take()) is not None:
        queue.give_back(taken)
        order.append(taken.stream)
    assert order.index(-1) == STEPS_AHEAD - 1
    assert len(order) == 4 * STEPS_AHEAD + 1


@pytest.mark.parametrize(("priority", "demand"), [(BATCH, False), (SECOND_PASS, True)])
async def test_lower_priorities_are_no_overload_and_recordings_no_demand(
    priority: Priority, demand: bool
) -> None:
    clock = Clock()
    worker = CommandedWorker()
    scheduler = await started(worker, clock=clock, step_ms=200)
    recordings = [opened(scheduler, priority=priority)[0] for _ in range(2)]
    for _ in range(10):
        for one in recordings:
            one.accept(samples(*range(1, 201)), due=clock.now)
        await settle()
        clock.now += 1.0
        await worker.go()
        await worker.go()
    assert scheduler.overload_level == 0
    assert (scheduler.statistics.demand.per_second(clock.now) > 0) is demand
    assert scheduler.oldest_ready_s() == 0.0
    await scheduler.stop()
