"""Recordings have every slot while nobody speaks, and half of them while somebody does."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from rasr.scheduling import Priority, Scheduler
from rasr.scheduling.yielding import LINGER_S, RecordingSlots
from tests.scheduling.commanded import Clock, CommandedWorker, opened, samples, settle, started
from tests.scheduling.commanded import values as values_of
from tests.scheduling.test_priority import of

SPEECH, RECORDING = of(Priority.LIVE, 1), of(Priority.BATCH, 2)


def may_take(recordings: RecordingSlots, now: float) -> bool:
    """Whether one more slot may have a recording."""
    return list(recordings.reachable([RECORDING], now)) == [RECORDING]


@pytest.mark.parametrize(("slots", "beside_speech"), [(1, 1), (2, 1), (3, 1), (4, 2), (16, 8)])
@pytest.mark.parametrize("speaks", [False, True])
def test_half_of_the_slots_are_left_to_who_speaks(
    slots: int, beside_speech: int, speaks: bool
) -> None:
    recordings = RecordingSlots(slots, lambda: speaks)
    with ExitStack() as taken:
        for _ in range(beside_speech if speaks else slots):
            assert may_take(recordings, 10.0)
            taken.enter_context(recordings.in_use([RECORDING]))
            with recordings.in_use([SPEECH, RECORDING]), recordings.in_use([]):
                pass
        assert not may_take(recordings, 10.0)
    assert may_take(recordings, 10.0)


def test_a_breath_is_no_end_of_speech() -> None:
    spoken = iter((True, False, False))
    recordings = RecordingSlots(2, lambda: next(spoken))
    with recordings.in_use([RECORDING]):
        assert not may_take(recordings, 10.0)
        assert not may_take(recordings, 10.0 + LINGER_S - 0.1)
        assert may_take(recordings, 10.0 + LINGER_S)


def test_recordings_that_have_a_slot_have_no_turns_in_the_batches_of_others() -> None:
    recordings = RecordingSlots(2, lambda: True)
    both = [SPEECH, RECORDING]
    assert list(recordings.reachable(both, 0.0)) == both
    with recordings.in_use([RECORDING]):
        assert list(recordings.reachable(both, 0.0)) == [SPEECH]


def record(scheduler: Scheduler, value: int) -> None:
    """A recording with an utterance of a single step, which is ready."""
    recording, _ = opened(scheduler, priority=Priority.BATCH)
    recording.accept(samples(value), due=0.0)
    recording.finish(due=0.0)


async def test_recordings_take_the_whole_machine_and_step_back_when_somebody_speaks() -> None:
    clock = Clock()
    worker = CommandedWorker(slots=2)
    scheduler = await started(worker, streams=16, clock=clock)
    for value in (11, 12, 13, 14, 15):
        record(scheduler, value)
    await settle()
    assert in_hand(worker, 2) == [11, 12]
    speaker, heard = opened(scheduler)
    speaker.accept(samples(1), due=clock.now)
    # The first reading that ends makes room for him.
    assert values_of((await worker.go()).steps[0]) == [11]
    assert in_hand(worker, 2) == [12, 1]
    assert values_of((await worker.go()).steps[0]) == [12]
    # He has a slot, and the recordings have the other one.
    assert in_hand(worker, 2) == [1, 13]
    assert values_of((await worker.go()).steps[0]) == [1]
    # He takes a breath: his slot waits for him.
    assert in_hand(worker, 1) == [13]
    speaker.accept(samples(2), due=clock.now)
    await settle()
    assert in_hand(worker, 2) == [13, 2]
    speaker.finish(due=clock.now)
    for _ in range(4):
        await worker.go()
    assert heard.lines == ["final 3"]
    clock.now += LINGER_S
    record(scheduler, 16)
    await settle()
    assert in_hand(worker, 2) == [15, 16]
    await scheduler.stop()


def in_hand(worker: CommandedWorker, count: int) -> list[int]:
    """The values of the steps of the newest batches, which have one each."""
    newest = [batch for batch in worker.batches if batch.steps][-count:]
    return [values_of(step)[0] for batch in newest for step in batch.steps if len(values_of(step))]


async def test_whoever_speaks_gets_the_worker_without_recordings() -> None:
    busy, free = CommandedWorker(), CommandedWorker()
    scheduler = await started(busy, free)
    record(scheduler, 11)
    await settle()
    # The recording is on one of them; a second utterance of speech would be on the other.
    spoken = [opened(scheduler)[0] for _ in range(2)]
    for one in spoken:
        one.accept(samples(1), due=0.0)
        await settle()
    assert [in_hand(worker, 1) for worker in (busy, free)] == [[11], [1]]
    assert [len(server) for server in scheduler._known_pool.servers] == [1, 2]
    await scheduler.stop()
