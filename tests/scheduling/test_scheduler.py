"""Order, fairness, failure and replay, on workers that a test commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from decoder import Capabilities, EngineUnavailable, Hypothesis
from rasr.scheduling import DecodeHandle, Scheduler
from rasr.scheduling.engine_host import Batch
from tests.scheduling.commanded import (
    MS,
    STEP_MS,
    Clock,
    CommandedWorker,
    Heard,
    known,
    milliseconds,
    opened,
    samples,
    settle,
    started,
    values,
)


async def test_an_utterance_is_decoded_whole_and_its_final_comes_once() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    one, heard = opened(scheduler)
    one.accept(samples(1, 2), due=0.0)
    await worker.go()
    one.accept(samples(3), due=1.0)
    one.finish(due=1.0)
    batch = await worker.go()
    assert batch.steps[0].finishes
    assert heard.lines == ["final 6"]
    assert scheduler.statistics.open_tasks == 0
    await scheduler.stop()


async def test_an_utterance_without_audio_gets_an_empty_final() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    one, heard = opened(scheduler)
    one.finish(due=0.0)
    await worker.go()
    assert heard.lines == ["final 0"]
    await scheduler.stop()


async def test_the_audio_that_is_due_first_is_decoded_first() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    late, early, first = (opened(scheduler)[0] for _ in range(3))
    first.accept(samples(1), due=0.0)
    await settle()
    late.accept(samples(2), due=30.0)
    early.accept(samples(3), due=20.0)
    order = [values((await worker.go()).steps[0]) for _ in range(3)]
    assert order == [[1], [3], [2]]
    await scheduler.stop()


async def test_a_flood_does_not_delay_who_speaks_at_the_speed_of_speech() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker, step_ms=100)
    flood, _ = opened(scheduler)
    for second in range(10):
        flood.accept(samples(*[7] * 1000), due=100.0 + second)
    await settle()
    speaker, _ = opened(scheduler)
    speaker.accept(samples(*[1] * 100), due=100.5)
    taken = [(await worker.go()).steps[0].samples[0] for _ in range(3)]
    # The flood's first second was due before; its other nine seconds wait.
    assert taken == [7, 1, 7]
    await scheduler.stop()


async def test_an_end_that_is_due_is_decoded_before_older_audio() -> None:
    clock = Clock()
    worker = CommandedWorker()
    scheduler = await started(worker, clock=clock)
    busy, speaking, ending, flood = (opened(scheduler)[0] for _ in range(4))
    busy.accept(samples(1), due=clock.now)
    await settle()
    speaking.accept(samples(2), due=clock.now - 5)
    ending.accept(samples(3), due=clock.now - 1)
    ending.finish(due=clock.now)
    # A recording sent faster than speech: its end would have been spoken in a minute.
    flood.accept(samples(4), due=clock.now + 59)
    flood.finish(due=clock.now + 60)
    order = [values((await worker.go()).steps[0]) for _ in range(4)]
    assert order == [[1], [3], [2], [4]]
    await scheduler.stop()


async def late_steps(
    scheduler: Scheduler, worker: CommandedWorker, clock: Clock, late_s: float
) -> int:
    """The overload level after ten steps, one each half second, that waited so long."""
    for _ in range(10):
        one, _ = opened(scheduler, partials=True)
        blocked, _ = opened(scheduler, partials=True)
        one.accept(samples(*range(200)), due=clock.now)
        blocked.accept(samples(*range(200)), due=clock.now)
        await settle()
        clock.now += late_s
        await worker.go()
        clock.now += 0.5
        await worker.go()
        one.abandon()
        blocked.abandon()
    return scheduler.overload_level


async def test_under_overload_two_steps_become_one_and_partials_are_fewer() -> None:
    clock = Clock()
    worker = CommandedWorker()
    scheduler = await started(worker, clock=clock, step_ms=200)
    heard_one, heard = opened(scheduler, partials=True)
    assert await late_steps(scheduler, worker, clock, late_s=1.0) > 0
    for _ in range(4):
        heard_one.accept(samples(*range(200)), due=clock.now)
        await settle()
        if worker.busy:
            await worker.go()
    # The first step at once; of the next three one pair, and the rest waits for its pair.
    taken = [len(step.samples) // MS for batch in worker.batches for step in batch.steps][-2:]
    assert taken == [200, 400]
    assert heard_one.backlog_samples == 200 * MS
    assert len(heard.lines) <= 2
    await scheduler.stop()


async def test_steps_in_time_keep_the_overload_level_down() -> None:
    clock = Clock()
    worker = CommandedWorker()
    scheduler = await started(worker, clock=clock, step_ms=200)
    assert await late_steps(scheduler, worker, clock, late_s=0.01) == 0
    await scheduler.stop()


async def test_audio_that_came_early_is_not_late_however_long_it_waits() -> None:
    clock = Clock()
    worker = CommandedWorker()
    scheduler = await started(worker, clock=clock, step_ms=200)
    flood, _ = opened(scheduler, partials=True)
    for second in range(20):
        flood.accept(samples(*range(1000)), due=clock.now + 100 + second)
    for _ in range(20):
        await settle()
        clock.now += 2.0
        await worker.go()
    assert scheduler.overload_level == 0
    await scheduler.stop()


async def test_utterances_wait_in_order_of_their_audio_while_all_streams_are_taken() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker, streams=1)
    first, heard = opened(scheduler)
    first.accept(samples(1), due=0.0)
    await worker.go()
    later, later_heard = opened(scheduler)
    sooner, sooner_heard = opened(scheduler)
    later.accept(samples(5), due=9.0)
    sooner.accept(samples(4), due=8.0)
    later.finish(due=9.0)
    sooner.finish(due=8.0)
    await settle()
    assert not worker.busy
    assert scheduler.statistics.waiting_tasks == 2
    first.finish(due=1.0)
    for _ in range(3):
        await worker.go()
    assert (heard.lines, sooner_heard.lines, later_heard.lines) == (
        ["final 1"],
        ["final 4"],
        ["final 5"],
    )
    assert [batch.steps[0].stream for batch in worker.batches] == [1, 1, 3, 2]
    await scheduler.stop()


async def test_one_owner_cannot_take_every_stream() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker, streams=2)
    greedy = object()
    for number in range(3):
        opened(scheduler, owner=greedy)[0].accept(samples(7), due=float(number))
    speaker, _ = opened(scheduler)
    speaker.accept(samples(1), due=9.0)
    assert [(await worker.go()).steps[0].samples[0] for _ in range(2)] == [7, 1]
    assert scheduler.statistics.waiting_tasks == 2
    await scheduler.stop()


async def test_new_utterances_go_to_the_worker_with_most_room() -> None:
    workers = CommandedWorker(), CommandedWorker()
    scheduler = await started(*workers)
    for value in (1, 2, 3, 4):
        opened(scheduler)[0].accept(samples(value), due=0.0)
    for worker in workers:
        await worker.go()
        await worker.go()
        assert len(worker.heard) == 2
    await scheduler.stop()


async def test_streams_that_are_ready_are_decoded_as_one_batch() -> None:
    worker = CommandedWorker(max_batch=3)
    scheduler = await started(worker, streams=8)
    handles = [opened(scheduler)[0] for _ in range(6)]
    for number, one in enumerate(handles):
        one.accept(samples(number), due=float(number))
        await settle()
    sizes = [len((await worker.go()).steps) for _ in range(3)]
    # The first began at once, alone: nobody waits for a batch to fill.
    assert sizes == [1, 3, 2]
    await scheduler.stop()


async def test_slots_of_one_worker_share_what_is_ready() -> None:
    worker = CommandedWorker(max_batch=16, slots=2)
    scheduler = await started(worker, streams=8)
    handles = [opened(scheduler)[0] for _ in range(7)]
    handles[0].accept(samples(9), due=0.0)
    await settle()
    for one in handles[1:]:
        one.accept(samples(1), due=1.0)
    await settle()
    # The first went to one slot alone; the other slot takes all the rest and waits for nobody.
    assert [len(batch.steps) for batch in worker.batches] == [1, 6]
    assert worker.served == [0, 1]
    await scheduler.stop()


async def test_new_streams_are_shared_among_slots_that_have_nothing_to_do() -> None:
    worker = CommandedWorker(max_batch=16, slots=2)
    scheduler = await started(worker, streams=8)
    await settle()
    handles = [opened(scheduler)[0] for _ in range(7)]
    for one in handles:
        one.accept(samples(1), due=2.0)
    await settle()
    assert [len(batch.steps) for batch in worker.batches] == [4, 3]
    await scheduler.stop()


async def two_slots_at_work() -> tuple[CommandedWorker, Scheduler, list[DecodeHandle]]:
    """The first slot had stream 0 and is at work on 3; the other had 2 and is at work on 1."""
    worker = CommandedWorker(max_batch=2, slots=2)
    scheduler = await started(worker, streams=8)
    handles = [opened(scheduler)[0] for _ in range(4)]
    handles[0].accept(samples(1), due=1.0)
    await settle()
    for one in handles[1:]:
        one.accept(samples(1), due=1.0)
    await settle()
    await worker.go()
    await worker.go()
    handles[1].accept(samples(1), due=1.0)
    await settle()
    assert [streams(batch) for batch in worker.batches] == [[0], [1, 2], [3], [1]]
    assert worker.served == [0, 1, 0, 1]
    return worker, scheduler, handles


def streams(batch: Batch) -> list[int]:
    return sorted(step.stream - 1 for step in batch.steps)


@pytest.mark.parametrize(("due", "taken"), [(1.95, [0]), (1.85, [0, 2])])
async def test_a_slot_leaves_the_streams_of_another_unless_they_lag_behind_its_own(
    due: float, taken: list[int]
) -> None:
    worker, scheduler, handles = await two_slots_at_work()
    handles[0].accept(samples(1), due=2.0)
    handles[2].accept(samples(1), due=due)
    await worker.go()
    assert (worker.served[-1], streams(worker.batches[-1])) == (0, taken)
    await scheduler.stop()


async def test_a_slot_without_streams_of_its_own_takes_those_of_another() -> None:
    worker, scheduler, handles = await two_slots_at_work()
    handles[2].accept(samples(1), due=2.0)
    await worker.go()
    assert (worker.served[-1], streams(worker.batches[-1])) == (0, [2])
    await scheduler.stop()


async def test_a_stream_is_in_one_slot_at_a_time() -> None:
    worker = CommandedWorker(max_batch=16, slots=2)
    scheduler = await started(worker)
    one, heard = opened(scheduler)
    one.accept(samples(1), due=0.0)
    await settle()
    one.accept(samples(2), due=1.0)
    one.finish(due=1.0)
    await settle()
    assert len(worker.batches) == 1
    await worker.go()
    await worker.go()
    assert heard.lines == ["final 3"]
    await scheduler.stop()


async def test_a_stream_in_a_slot_is_given_back_only_when_that_slot_has_returned() -> None:
    worker = CommandedWorker(max_batch=16, slots=2)
    scheduler = await started(worker)
    one, heard = opened(scheduler)
    other, _ = opened(scheduler)
    one.accept(samples(1), due=0.0)
    await settle()
    other.accept(samples(2), due=1.0)
    await settle()
    one.abandon()
    await worker.go()
    assert [batch.discard for batch in worker.batches] == [(), (), (1,)]
    assert not heard.lines
    assert 1 not in worker.heard
    await scheduler.stop()


async def test_a_stream_abandoned_while_another_slot_is_free_is_not_closed_under_its_feet() -> None:
    worker = CommandedWorker(max_batch=16, slots=2)
    scheduler = await started(worker)
    one, _ = opened(scheduler)
    one.accept(samples(1), due=0.0)
    await settle()
    one.abandon()
    await settle()
    assert [batch.discard for batch in worker.batches] == [()]
    await worker.go()
    assert [batch.discard for batch in worker.batches] == [(), (1,)]
    await scheduler.stop()


async def test_the_next_batch_begins_before_the_results_of_the_last_are_told() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    batches_when_told = []

    class Counting(Heard):
        def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
            batches_when_told.append(len(worker.batches))

    one = scheduler.open(Counting(), owner="one", partials=False)
    other, _ = opened(scheduler)
    one.accept(samples(1), due=0.0)
    one.finish(due=0.0)
    other.accept(samples(2), due=1.0)
    await worker.go()
    assert batches_when_told == [2]
    await scheduler.stop()


async def test_a_step_waits_for_the_audio_that_the_engine_works_on_at_once() -> None:
    worker = CommandedWorker()
    worker.capabilities = known(first=450 * MS, every=320 * MS)
    scheduler = await started(worker, step_ms=400, partial_ms=200)
    one, _ = opened(scheduler, partials=True)
    taken = []
    for number in range(120):
        one.accept(milliseconds(*[1] * 10), due=float(number))
        await settle()
        if worker.busy:
            await worker.go()
            taken.append(10 * (number + 1))
    assert taken == [450, 770, 1090]
    await scheduler.stop()


async def test_the_statistics_tell_the_size_of_batches_and_how_long_steps_waited() -> None:
    worker = CommandedWorker(max_batch=4)
    scheduler = await started(worker, streams=8)
    handles = [opened(scheduler)[0] for _ in range(5)]
    for one in handles:
        one.accept(samples(1), due=0.0)
    assert scheduler.oldest_ready_s() > 0
    await worker.go()
    await worker.go()
    statistics = scheduler.statistics
    assert (statistics.batches, statistics.steps, scheduler.slots) == (2, 5, 1)
    assert statistics.queued_s > 0
    assert statistics.busy_s > 0
    assert scheduler.oldest_ready_s() == 0
    await scheduler.stop()


async def test_partials_come_at_most_every_so_much_audio() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker, partial_ms=200, step_ms=100)
    one, heard = opened(scheduler, partials=True)
    for number in range(10):
        one.accept(samples(*[1] * 100), due=float(number))
    one.finish(due=10.0)
    for _ in range(10):
        await worker.go()
    assert heard.lines == ["partial 200", "partial 400", "partial 600", "partial 800", "final 1000"]
    await scheduler.stop()


async def test_the_first_partial_comes_with_the_engines_first_step() -> None:
    worker = CommandedWorker()
    worker.capabilities = known(first=450 * MS, every=320 * MS)
    scheduler = await started(worker, partial_ms=200, step_ms=400)
    one, heard = opened(scheduler, partials=True)
    # An onset that reached back, then chunks: their borders are none of the engine's.
    one.accept(samples(*[1] * 400), due=0.4)
    one.accept(samples(*[1] * 100), due=0.5)
    await worker.go()
    assert heard.lines == ["partial 500"]
    for number in range(3):
        one.accept(samples(*[1] * 100), due=0.6 + number / 10)
    await worker.go()
    assert heard.lines == ["partial 500", "partial 800"]
    await scheduler.stop()


async def test_partials_are_not_asked_of_an_engine_that_has_none() -> None:
    worker = CommandedWorker()
    worker.capabilities = known(partials=False)
    scheduler = await started(worker, step_ms=400, partial_ms=200)
    one, heard = opened(scheduler, partials=True)
    one.accept(samples(*[1] * 200), due=0.0)
    await settle()
    # Steps are as long as those of somebody who wants no partials.
    assert not worker.batches
    one.accept(samples(*[1] * 200), due=0.2)
    await worker.go()
    one.finish(due=0.3)
    await worker.go()
    assert heard.lines == ["final 400"]
    await scheduler.stop()


async def test_owners_are_told_apart_by_equality() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    for number in range(2):
        opened(scheduler, owner=("session", 7))[0].accept(samples(1), due=float(number))
    await settle()
    assert (scheduler.streams_in_use, scheduler.statistics.waiting_tasks) == (1, 1)
    await scheduler.stop()


async def test_audio_that_comes_when_the_utterance_is_over_is_nobodys() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    one, heard = opened(scheduler)
    one.accept(samples(-1), due=0.0)
    await worker.go()
    one.accept(samples(1), due=1.0)
    one.finish(due=1.0)
    one.abandon()
    await settle()
    assert (heard.lines, one.backlog_samples) == (["failed: not decodable"], 0)
    assert scheduler.statistics.open_tasks == 0
    await scheduler.stop()


async def test_a_step_waits_until_it_is_worth_its_overhead() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker, step_ms=400, partial_ms=200)
    watched, _ = opened(scheduler, partials=True)
    unwatched, _ = opened(scheduler)
    for one in (watched, unwatched):
        one.accept(samples(*[1] * 199), due=0.0)
    await settle()
    assert not worker.batches
    for one in (watched, unwatched):
        one.accept(milliseconds(1), due=0.2)
    await worker.go()
    assert len(worker.batches) == 1
    unwatched.finish(due=0.3)
    batch = await worker.go()
    assert len(batch.steps[0].samples) == 200 * MS
    await scheduler.stop()


async def test_a_dead_worker_is_replaced_and_its_utterances_are_replayed() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    one, heard = opened(scheduler)
    one.accept(samples(1, 2), due=0.0)
    await worker.go()
    one.accept(samples(4), due=1.0)
    await worker.die()
    assert worker.starts == 2
    one.accept(samples(8), due=2.0)
    one.finish(due=2.0)
    for _ in range(3):
        await worker.go()
    assert heard.lines == ["final 15"]
    assert scheduler.statistics.restarts == 1
    await scheduler.stop()


async def test_a_worker_that_died_while_idle_is_replaced_when_it_is_given_work() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    worker.dead = True
    one, heard = opened(scheduler)
    one.accept(samples(1, 2), due=0.0)
    one.finish(due=0.0)
    await settle()
    assert worker.starts == 2
    await worker.go()
    assert heard.lines == ["final 3"]
    await scheduler.stop()


async def test_a_replay_uses_another_worker_that_has_room() -> None:
    workers = CommandedWorker(), CommandedWorker()
    scheduler = await started(*workers)
    one, heard = opened(scheduler)
    one.accept(samples(1, 2), due=0.0)
    one.finish(due=0.0)
    await settle()
    (busy,) = [worker for worker in workers if worker.busy]
    (other,) = [worker for worker in workers if not worker.busy]
    await busy.die()
    await other.go()
    assert heard.lines == ["final 3"]
    await scheduler.stop()


async def test_a_replay_does_not_repeat_partials() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker, partial_ms=100, step_ms=100)
    one, heard = opened(scheduler, partials=True)
    for number in range(3):
        one.accept(samples(*[1] * 100), due=float(number))
    for _ in range(2):
        await worker.go()
    await worker.die()
    for _ in range(3):
        await worker.go()
    assert heard.lines == ["partial 100", "partial 200", "partial 300"]
    await scheduler.stop()


async def test_an_utterance_that_kills_every_worker_is_given_up() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    poison, heard = opened(scheduler)
    poison.accept(samples(1), due=0.0)
    for _ in range(3):
        await worker.die()
    assert heard.lines == [
        "failed: the recognition of this utterance failed 3 times; the server has given it up"
    ]
    bystander, fine = opened(scheduler)
    bystander.finish(due=0.0)
    await worker.go()
    assert fine.lines == ["final 0"]
    await scheduler.stop()


async def test_a_decode_that_fails_fails_its_own_utterance_only() -> None:
    worker = CommandedWorker(max_batch=4)
    scheduler = await started(worker)
    bad, bad_heard = opened(scheduler)
    good, good_heard = opened(scheduler)
    bad.accept(samples(-1), due=0.0)
    good.accept(samples(5), due=0.0)
    good.finish(due=0.0)
    await worker.go()
    assert bad_heard.lines == ["failed: not decodable"]
    assert good_heard.lines == ["final 5"]
    assert scheduler.statistics.open_tasks == 0
    await scheduler.stop()


async def test_an_abandoned_utterance_gives_its_stream_back_and_says_nothing() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker, streams=1)
    one, heard = opened(scheduler)
    one.accept(samples(1), due=0.0)
    await settle()
    one.abandon()
    await worker.go()
    two, two_heard = opened(scheduler)
    two.finish(due=0.0)
    await worker.go()
    assert heard.lines == []
    assert two_heard.lines == ["final 0"]
    assert 1 in [stream for batch in worker.batches for stream in batch.discard]
    assert scheduler.statistics.open_tasks == 0
    await scheduler.stop()


async def test_the_backlog_is_what_is_not_decoded_yet() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    one, _ = opened(scheduler)
    one.accept(samples(1, 2, 3), due=0.0)
    assert one.backlog_samples == STEP_MS * MS
    await settle()
    assert one.backlog_samples == STEP_MS * MS
    await worker.go()
    assert one.backlog_samples == 0
    await scheduler.stop()


async def test_a_worker_that_hangs_is_killed() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker, step_timeout_s=0.001)
    one, _ = opened(scheduler)
    one.accept(samples(1), due=0.0)
    await worker.killed.wait()
    await worker.die()
    assert worker.starts == 2
    await scheduler.stop()


async def test_an_engine_that_is_not_there_is_told_at_start() -> None:
    class Missing(CommandedWorker):
        async def start(self, died: Callable[[], None]) -> Capabilities:
            raise EngineUnavailable("install it with: pip install engine")

    with pytest.raises(EngineUnavailable, match="pip install engine"):
        await started(CommandedWorker(), Missing())
