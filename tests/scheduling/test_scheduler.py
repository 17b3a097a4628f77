"""Order, fairness, failure and replay, on lanes that a test commands."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pytest

from decoder import Capabilities, EngineUnavailable, Hypothesis
from rasr.scheduling import Scheduler, SchedulerRules, Ticket
from rasr.scheduling.steps import Batch, StepResult

RATE = 1000
"""Samples a second: one sample is one millisecond."""


class CommandedLane:
    """Runs a batch when the test says so. A job's text is the sum of all its samples."""

    def __init__(self, max_batch: int = 1, calls: int = 1) -> None:
        self.calls = calls
        self.capabilities = Capabilities(
            "commanded", ("english",), RATE, True, True, False, max_batch
        )
        self.batches: list[Batch] = []
        self.called: list[int] = []
        """The call of each."""
        self.starts = 0
        self.heard: dict[int, list[int]] = {}
        self.killed = asyncio.Event()
        self.dead = False
        self._running: deque[asyncio.Future[None]] = deque()

    async def start(self) -> Capabilities:
        self.starts += 1
        self.dead = False
        self.heard = {}
        return self.capabilities

    def run(self, batch: Batch, call: int) -> Awaitable[list[StepResult]]:
        if self.dead:
            # As an executor does whose process died while nothing was in hand.
            raise BrokenProcessPool
        self.batches.append(batch)
        self.called.append(call)
        return self._run(batch)

    async def _run(self, batch: Batch) -> list[StepResult]:
        for job in batch.discard:
            self.heard.pop(job, None)
        if batch.steps:
            self._running.append(asyncio.get_running_loop().create_future())
            await self._running[-1]
        return [self._result(batch, number) for number in range(len(batch.steps))]

    def _result(self, batch: Batch, number: int) -> StepResult:
        step = batch.steps[number]
        if step.opens:
            assert step.job not in self.heard
            self.heard[step.job] = []
        self.heard[step.job] += step.samples.tolist()
        text = str(sum(self.heard[step.job]))
        if step.samples.tolist() == [-1]:
            return StepResult(step.job, None, failure="not decodable")
        wanted = step.wants_hypothesis or step.finishes
        hypothesis = Hypothesis((), text, 0.5) if wanted else None
        return StepResult(step.job, hypothesis, final=step.finishes)

    @property
    def busy(self) -> bool:
        return bool(self._running)

    async def go(self) -> Batch:
        """Let the oldest batch in hand end, and what follows from it happen."""
        await settle()
        batch = [batch for batch in self.batches if batch.steps][-len(self._running)]
        self._running.popleft().set_result(None)
        await settle()
        return batch

    async def die(self) -> None:
        await settle()
        while self._running:
            self._running.popleft().set_exception(BrokenProcessPool())
        await settle()

    def kill(self) -> None:
        self.killed.set()

    def stop(self) -> None:
        pass


class Heard:
    """A sink that writes down what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        self.lines.append(f"{'final' if final else 'partial'} {hypothesis.text}")

    def failed(self, sentence: str) -> None:
        self.lines.append(f"failed: {sentence}")


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


class Clock:
    """Stands still until a test says otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def started(
    *lanes: CommandedLane, streams: int = 4, clock: Clock | None = None, **rules: float
) -> Scheduler:
    # Steps of one sample, unless a test says otherwise: whatever comes is decoded at once.
    rules = {"step_ms": 1, "restart_delay_s": 0.0} | rules
    scheduler = Scheduler(
        lanes,
        SchedulerRules(streams, **rules),  # type: ignore[arg-type]
        clock or time.monotonic,
    )
    await scheduler.start()
    return scheduler


def ticket(
    scheduler: Scheduler, *, partials: bool = False, session: object = None
) -> tuple[Ticket, Heard]:
    """An utterance of a session of its own, unless one is given."""
    heard = Heard()
    session = heard if session is None else session
    return scheduler.open(heard, session=session, partials=partials), heard


def samples(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.array(values, np.int16)


async def test_an_utterance_is_decoded_whole_and_its_final_comes_once() -> None:
    lane = CommandedLane()
    scheduler = await started(lane)
    one, heard = ticket(scheduler)
    one.accept(samples(1, 2), due=0.0)
    await lane.go()
    one.accept(samples(3), due=1.0)
    one.finish(due=1.0)
    batch = await lane.go()
    assert batch.steps[0].finishes
    assert heard.lines == ["final 6"]
    assert scheduler.counters.open_jobs == 0
    await scheduler.stop()


async def test_an_utterance_without_sound_gets_an_empty_final() -> None:
    lane = CommandedLane()
    scheduler = await started(lane)
    one, heard = ticket(scheduler)
    one.finish(due=0.0)
    await lane.go()
    assert heard.lines == ["final 0"]
    await scheduler.stop()


async def test_the_sound_that_is_due_first_is_decoded_first() -> None:
    lane = CommandedLane()
    scheduler = await started(lane)
    late, early, first = (ticket(scheduler)[0] for _ in range(3))
    first.accept(samples(1), due=0.0)
    await settle()
    late.accept(samples(2), due=30.0)
    early.accept(samples(3), due=20.0)
    order = [(await lane.go()).steps[0].samples.tolist() for _ in range(3)]
    assert order == [[1], [3], [2]]
    await scheduler.stop()


async def test_a_flood_does_not_delay_who_speaks_at_the_speed_of_speech() -> None:
    lane = CommandedLane()
    scheduler = await started(lane, step_ms=100)
    flood, _ = ticket(scheduler)
    for second in range(10):
        flood.accept(samples(*[7] * 1000), due=100.0 + second)
    await settle()
    speaker, _ = ticket(scheduler)
    speaker.accept(samples(*[1] * 100), due=100.5)
    taken = [(await lane.go()).steps[0].samples[0] for _ in range(3)]
    # The flood's first second was due before; its other nine seconds wait.
    assert taken == [7, 1, 7]
    await scheduler.stop()


async def test_an_end_that_is_due_is_decoded_before_older_sound() -> None:
    clock = Clock()
    lane = CommandedLane()
    scheduler = await started(lane, clock=clock)
    busy, speaking, ending, flood = (ticket(scheduler)[0] for _ in range(4))
    busy.accept(samples(1), due=clock.now)
    await settle()
    speaking.accept(samples(2), due=clock.now - 5)
    ending.accept(samples(3), due=clock.now - 1)
    ending.finish(due=clock.now)
    # A recording sent faster than speech: its end would have been spoken in a minute.
    flood.accept(samples(4), due=clock.now + 59)
    flood.finish(due=clock.now + 60)
    order = [(await lane.go()).steps[0].samples.tolist() for _ in range(4)]
    assert order == [[1], [3], [2], [4]]
    await scheduler.stop()


async def late_steps(scheduler: Scheduler, lane: CommandedLane, clock: Clock, late_s: float) -> int:
    """The rung after ten steps, one each half second, that waited so long."""
    for _ in range(10):
        one, _ = ticket(scheduler, partials=True)
        blocked, _ = ticket(scheduler, partials=True)
        one.accept(samples(*range(200)), due=clock.now)
        blocked.accept(samples(*range(200)), due=clock.now)
        await settle()
        clock.now += late_s
        await lane.go()
        clock.now += 0.5
        await lane.go()
        one.abandon()
        blocked.abandon()
    return scheduler.rung


async def test_under_overload_two_steps_become_one_and_partials_are_fewer() -> None:
    clock = Clock()
    lane = CommandedLane()
    scheduler = await started(lane, clock=clock, step_ms=200)
    heard_one, heard = ticket(scheduler, partials=True)
    assert await late_steps(scheduler, lane, clock, late_s=1.0) > 0
    for _ in range(4):
        heard_one.accept(samples(*range(200)), due=clock.now)
        await settle()
        if lane.busy:
            await lane.go()
    # The first step at once; of the next three one pair, and the rest waits for its pair.
    taken = [len(step.samples) for batch in lane.batches for step in batch.steps][-2:]
    assert taken == [200, 400]
    assert heard_one.backlog_samples == 200
    assert len(heard.lines) <= 2
    await scheduler.stop()


async def test_steps_in_time_keep_the_ladder_down() -> None:
    clock = Clock()
    lane = CommandedLane()
    scheduler = await started(lane, clock=clock, step_ms=200)
    assert await late_steps(scheduler, lane, clock, late_s=0.01) == 0
    await scheduler.stop()


async def test_sound_that_came_early_is_not_late_however_long_it_waits() -> None:
    clock = Clock()
    lane = CommandedLane()
    scheduler = await started(lane, clock=clock, step_ms=200)
    flood, _ = ticket(scheduler, partials=True)
    for second in range(20):
        flood.accept(samples(*range(1000)), due=clock.now + 100 + second)
    for _ in range(20):
        await settle()
        clock.now += 2.0
        await lane.go()
    assert scheduler.rung == 0
    await scheduler.stop()


async def test_utterances_wait_in_order_of_their_sound_while_all_streams_are_taken() -> None:
    lane = CommandedLane()
    scheduler = await started(lane, streams=1)
    first, heard = ticket(scheduler)
    first.accept(samples(1), due=0.0)
    await lane.go()
    later, later_heard = ticket(scheduler)
    sooner, sooner_heard = ticket(scheduler)
    later.accept(samples(5), due=9.0)
    sooner.accept(samples(4), due=8.0)
    later.finish(due=9.0)
    sooner.finish(due=8.0)
    await settle()
    assert not lane.busy
    assert scheduler.counters.waiting_jobs == 2
    first.finish(due=1.0)
    for _ in range(3):
        await lane.go()
    assert (heard.lines, sooner_heard.lines, later_heard.lines) == (
        ["final 1"],
        ["final 4"],
        ["final 5"],
    )
    assert [batch.steps[0].job for batch in lane.batches] == [1, 1, 3, 2]
    await scheduler.stop()


async def test_one_session_cannot_take_every_stream() -> None:
    lane = CommandedLane()
    scheduler = await started(lane, streams=2)
    greedy = object()
    for number in range(3):
        ticket(scheduler, session=greedy)[0].accept(samples(7), due=float(number))
    speaker, _ = ticket(scheduler)
    speaker.accept(samples(1), due=9.0)
    assert [(await lane.go()).steps[0].samples[0] for _ in range(2)] == [7, 1]
    assert scheduler.counters.waiting_jobs == 2
    await scheduler.stop()


async def test_new_utterances_go_to_the_lane_with_most_room() -> None:
    lanes = CommandedLane(), CommandedLane()
    scheduler = await started(*lanes)
    for value in (1, 2, 3, 4):
        ticket(scheduler)[0].accept(samples(value), due=0.0)
    for lane in lanes:
        await lane.go()
        await lane.go()
        assert len(lane.heard) == 2
    await scheduler.stop()


async def test_streams_that_are_ready_are_decoded_as_one_batch() -> None:
    lane = CommandedLane(max_batch=3)
    scheduler = await started(lane, streams=8)
    tickets = [ticket(scheduler)[0] for _ in range(6)]
    for number, one in enumerate(tickets):
        one.accept(samples(number), due=float(number))
        await settle()
    sizes = [len((await lane.go()).steps) for _ in range(3)]
    # The first began at once, alone: nobody waits for a batch to fill.
    assert sizes == [1, 3, 2]
    await scheduler.stop()


async def test_calls_of_one_lane_share_what_is_ready() -> None:
    lane = CommandedLane(max_batch=16, calls=2)
    scheduler = await started(lane, streams=8)
    tickets = [ticket(scheduler)[0] for _ in range(7)]
    tickets[0].accept(samples(9), due=0.0)
    await settle()
    for one in tickets[1:]:
        one.accept(samples(1), due=1.0)
    await settle()
    # The first went to one call alone; the other call takes all the rest and waits for nobody.
    assert [len(batch.steps) for batch in lane.batches] == [1, 6]
    assert lane.called == [0, 1]
    await scheduler.stop()


async def test_new_streams_are_shared_among_calls_that_have_nothing_to_do() -> None:
    lane = CommandedLane(max_batch=16, calls=2)
    scheduler = await started(lane, streams=8)
    await settle()
    tickets = [ticket(scheduler)[0] for _ in range(7)]
    for one in tickets:
        one.accept(samples(1), due=2.0)
    await settle()
    assert [len(batch.steps) for batch in lane.batches] == [4, 3]
    await scheduler.stop()


async def two_calls_at_work() -> tuple[CommandedLane, Scheduler, list[Ticket]]:
    """The first call had stream 0 and is at work on 3; the other had 2 and is at work on 1."""
    lane = CommandedLane(max_batch=2, calls=2)
    scheduler = await started(lane, streams=8)
    tickets = [ticket(scheduler)[0] for _ in range(4)]
    tickets[0].accept(samples(1), due=1.0)
    await settle()
    for one in tickets[1:]:
        one.accept(samples(1), due=1.0)
    await settle()
    await lane.go()
    await lane.go()
    tickets[1].accept(samples(1), due=1.0)
    await settle()
    assert [streams(batch) for batch in lane.batches] == [[0], [1, 2], [3], [1]]
    assert lane.called == [0, 1, 0, 1]
    return lane, scheduler, tickets


def streams(batch: Batch) -> list[int]:
    return sorted(step.job - 1 for step in batch.steps)


@pytest.mark.parametrize(("due", "taken"), [(1.95, [0]), (1.85, [0, 2])])
async def test_a_call_leaves_the_streams_of_another_unless_they_lag_behind_its_own(
    due: float, taken: list[int]
) -> None:
    lane, scheduler, tickets = await two_calls_at_work()
    tickets[0].accept(samples(1), due=2.0)
    tickets[2].accept(samples(1), due=due)
    await lane.go()
    assert (lane.called[-1], streams(lane.batches[-1])) == (0, taken)
    await scheduler.stop()


async def test_a_call_without_streams_of_its_own_takes_those_of_another() -> None:
    lane, scheduler, tickets = await two_calls_at_work()
    tickets[2].accept(samples(1), due=2.0)
    await lane.go()
    assert (lane.called[-1], streams(lane.batches[-1])) == (0, [2])
    await scheduler.stop()


async def test_a_stream_is_in_one_call_at_a_time() -> None:
    lane = CommandedLane(max_batch=16, calls=2)
    scheduler = await started(lane)
    one, heard = ticket(scheduler)
    one.accept(samples(1), due=0.0)
    await settle()
    one.accept(samples(2), due=1.0)
    one.finish(due=1.0)
    await settle()
    assert len(lane.batches) == 1
    await lane.go()
    await lane.go()
    assert heard.lines == ["final 3"]
    await scheduler.stop()


async def test_a_stream_in_a_call_is_given_back_only_when_that_call_has_returned() -> None:
    lane = CommandedLane(max_batch=16, calls=2)
    scheduler = await started(lane)
    one, heard = ticket(scheduler)
    other, _ = ticket(scheduler)
    one.accept(samples(1), due=0.0)
    await settle()
    other.accept(samples(2), due=1.0)
    await settle()
    one.abandon()
    await lane.go()
    assert [batch.discard for batch in lane.batches] == [(), (), (1,)]
    assert not heard.lines
    assert 1 not in lane.heard
    await scheduler.stop()


async def test_a_stream_abandoned_while_another_call_is_free_is_not_closed_under_its_feet() -> None:
    lane = CommandedLane(max_batch=16, calls=2)
    scheduler = await started(lane)
    one, _ = ticket(scheduler)
    one.accept(samples(1), due=0.0)
    await settle()
    one.abandon()
    await settle()
    assert [batch.discard for batch in lane.batches] == [()]
    await lane.go()
    assert [batch.discard for batch in lane.batches] == [(), (1,)]
    await scheduler.stop()


async def test_the_next_batch_begins_before_the_results_of_the_last_are_told() -> None:
    lane = CommandedLane()
    scheduler = await started(lane)
    one, heard = ticket(scheduler)
    other, _ = ticket(scheduler)
    batches_when_told = []
    tell = heard.hypothesis

    def hypothesis(words: Hypothesis, *, final: bool) -> None:
        batches_when_told.append(len(lane.batches))
        tell(words, final=final)

    heard.hypothesis = hypothesis  # type: ignore[method-assign]
    one.accept(samples(1), due=0.0)
    one.finish(due=0.0)
    other.accept(samples(2), due=1.0)
    await lane.go()
    assert batches_when_told == [2]
    await scheduler.stop()


async def test_a_step_waits_for_the_sound_that_the_engine_works_on_at_once() -> None:
    lane = CommandedLane()
    lane.capabilities = replace(lane.capabilities, first_step_samples=450, step_samples=320)
    scheduler = await started(lane, step_ms=400, partial_ms=200)
    one, _ = ticket(scheduler, partials=True)
    taken = []
    for number in range(120):
        one.accept(samples(*[1] * 10), due=float(number))
        await settle()
        if lane.busy:
            await lane.go()
            taken.append(10 * (number + 1))
    assert taken == [450, 770, 1090]
    await scheduler.stop()


async def test_the_counters_tell_the_size_of_batches_and_how_long_steps_waited() -> None:
    lane = CommandedLane(max_batch=4)
    scheduler = await started(lane, streams=8)
    tickets = [ticket(scheduler)[0] for _ in range(5)]
    for one in tickets:
        one.accept(samples(1), due=0.0)
    assert scheduler.oldest_ready_s() > 0
    await lane.go()
    await lane.go()
    counters = scheduler.counters
    assert (counters.batches, counters.steps, scheduler.calls) == (2, 5, 1)
    assert counters.queued_s > 0
    assert counters.busy_s > 0
    assert scheduler.oldest_ready_s() == 0
    await scheduler.stop()


async def test_partials_come_at_most_every_so_much_sound() -> None:
    lane = CommandedLane()
    scheduler = await started(lane, partial_ms=200, step_ms=100)
    one, heard = ticket(scheduler, partials=True)
    for number in range(10):
        one.accept(samples(*[1] * 100), due=float(number))
    one.finish(due=10.0)
    for _ in range(10):
        await lane.go()
    assert heard.lines == ["partial 200", "partial 400", "partial 600", "partial 800", "final 1000"]
    await scheduler.stop()


async def test_the_first_partial_comes_with_the_engines_first_step() -> None:
    lane = CommandedLane()
    lane.capabilities = replace(lane.capabilities, first_step_samples=450, step_samples=320)
    scheduler = await started(lane, partial_ms=200, step_ms=400)
    one, heard = ticket(scheduler, partials=True)
    # An onset that reached back, then chunks: their borders are none of the engine's.
    one.accept(samples(*[1] * 400), due=0.4)
    one.accept(samples(*[1] * 100), due=0.5)
    await lane.go()
    assert heard.lines == ["partial 500"]
    for number in range(3):
        one.accept(samples(*[1] * 100), due=0.6 + number / 10)
    await lane.go()
    assert heard.lines == ["partial 500", "partial 800"]
    await scheduler.stop()


async def test_a_step_waits_until_it_is_worth_its_overhead() -> None:
    lane = CommandedLane()
    scheduler = await started(lane, step_ms=400, partial_ms=200)
    watched, _ = ticket(scheduler, partials=True)
    unwatched, _ = ticket(scheduler)
    for one in (watched, unwatched):
        one.accept(samples(*[1] * 199), due=0.0)
    await settle()
    assert not lane.batches
    for one in (watched, unwatched):
        one.accept(samples(1), due=0.2)
    await lane.go()
    assert len(lane.batches) == 1
    unwatched.finish(due=0.3)
    batch = await lane.go()
    assert len(batch.steps[0].samples) == 200
    await scheduler.stop()


async def test_a_dead_worker_is_replaced_and_its_utterances_are_replayed() -> None:
    lane = CommandedLane()
    scheduler = await started(lane)
    one, heard = ticket(scheduler)
    one.accept(samples(1, 2), due=0.0)
    await lane.go()
    one.accept(samples(4), due=1.0)
    await lane.die()
    assert lane.starts == 2
    one.accept(samples(8), due=2.0)
    one.finish(due=2.0)
    for _ in range(3):
        await lane.go()
    assert heard.lines == ["final 15"]
    assert scheduler.counters.restarts == 1
    await scheduler.stop()


async def test_a_worker_that_died_while_idle_is_replaced_when_it_is_given_work() -> None:
    lane = CommandedLane()
    scheduler = await started(lane)
    lane.dead = True
    one, heard = ticket(scheduler)
    one.accept(samples(1, 2), due=0.0)
    one.finish(due=0.0)
    await settle()
    assert lane.starts == 2
    await lane.go()
    assert heard.lines == ["final 3"]
    await scheduler.stop()


async def test_a_replay_uses_another_lane_that_has_room() -> None:
    lanes = CommandedLane(), CommandedLane()
    scheduler = await started(*lanes)
    one, heard = ticket(scheduler)
    one.accept(samples(1, 2), due=0.0)
    one.finish(due=0.0)
    await settle()
    (busy,) = [lane for lane in lanes if lane.busy]
    (other,) = [lane for lane in lanes if not lane.busy]
    await busy.die()
    await other.go()
    assert heard.lines == ["final 3"]
    await scheduler.stop()


async def test_a_replay_does_not_repeat_partials() -> None:
    lane = CommandedLane()
    scheduler = await started(lane, partial_ms=100, step_ms=100)
    one, heard = ticket(scheduler, partials=True)
    for number in range(3):
        one.accept(samples(*[1] * 100), due=float(number))
    for _ in range(2):
        await lane.go()
    await lane.die()
    for _ in range(3):
        await lane.go()
    assert heard.lines == ["partial 100", "partial 200", "partial 300"]
    await scheduler.stop()


async def test_an_utterance_that_kills_every_worker_is_given_up() -> None:
    lane = CommandedLane()
    scheduler = await started(lane, most_tries=3)
    poison, heard = ticket(scheduler)
    poison.accept(samples(1), due=0.0)
    for _ in range(3):
        await lane.die()
    assert heard.lines == [
        "failed: the recognition of this utterance failed 3 times; the server has given it up"
    ]
    bystander, fine = ticket(scheduler)
    bystander.finish(due=0.0)
    await lane.go()
    assert fine.lines == ["final 0"]
    await scheduler.stop()


async def test_a_decode_that_fails_fails_its_own_utterance_only() -> None:
    lane = CommandedLane(max_batch=4)
    scheduler = await started(lane)
    bad, bad_heard = ticket(scheduler)
    good, good_heard = ticket(scheduler)
    bad.accept(samples(-1), due=0.0)
    good.accept(samples(5), due=0.0)
    good.finish(due=0.0)
    await lane.go()
    assert bad_heard.lines == ["failed: not decodable"]
    assert good_heard.lines == ["final 5"]
    assert scheduler.counters.open_jobs == 0
    await scheduler.stop()


async def test_an_abandoned_utterance_gives_its_stream_back_and_says_nothing() -> None:
    lane = CommandedLane()
    scheduler = await started(lane, streams=1)
    one, heard = ticket(scheduler)
    one.accept(samples(1), due=0.0)
    await settle()
    one.abandon()
    await lane.go()
    two, two_heard = ticket(scheduler)
    two.finish(due=0.0)
    await lane.go()
    assert heard.lines == []
    assert two_heard.lines == ["final 0"]
    assert 1 in [job for batch in lane.batches for job in batch.discard]
    assert scheduler.counters.open_jobs == 0
    await scheduler.stop()


async def test_the_backlog_is_what_is_not_decoded_yet() -> None:
    lane = CommandedLane()
    scheduler = await started(lane)
    one, _ = ticket(scheduler)
    one.accept(samples(1, 2, 3), due=0.0)
    assert one.backlog_samples == 3
    await settle()
    assert one.backlog_samples == 3
    await lane.go()
    assert one.backlog_samples == 0
    await scheduler.stop()


async def test_a_worker_that_hangs_is_killed() -> None:
    lane = CommandedLane()
    scheduler = await started(lane, step_timeout_s=0.001)
    one, _ = ticket(scheduler)
    one.accept(samples(1), due=0.0)
    await lane.killed.wait()
    await lane.die()
    assert lane.starts == 2
    await scheduler.stop()


async def test_an_engine_that_is_not_there_is_told_at_start() -> None:
    class Missing(CommandedLane):
        async def start(self) -> Capabilities:
            raise EngineUnavailable("install it with: pip install engine")

    with pytest.raises(EngineUnavailable, match="pip install engine"):
        await started(CommandedLane(), Missing())
