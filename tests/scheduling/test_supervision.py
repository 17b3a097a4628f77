"""Faults of our own and lost workers: loud, counted, and at the cost of as little as can be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from structlog.testing import capture_logs

from decoder import DecoderError, EngineUnavailable, HotWord, Hypothesis
from rasr.scheduling import Scheduler, WorkerDied
from rasr.scheduling import serving as room
from rasr.scheduling.engine_host import Batch, StepResult
from rasr.scheduling.serving import SlotServer
from rasr.scheduling.task import DecodeTask
from rasr.settings import DecodingSettings
from rasr.tasks import EndedUnasked
from tests.runtime.virtual_loop import run
from tests.scheduling.commanded import (
    Clock,
    CommandedWorker,
    Heard,
    opened,
    samples,
    settle,
    started,
)

OUR_FAULT = "failed: the server failed on this utterance"


class Fault(Exception):
    """An error that nobody expects."""


async def until(condition: Callable[[], bool]) -> None:
    """Let everything run until it is so."""
    loop = asyncio.get_running_loop()
    while not condition():
        turn = loop.create_future()
        loop.call_soon(turn.set_result, None)
        await turn


async def decodes(scheduler: Scheduler, worker: CommandedWorker) -> None:
    """Another utterance is served."""
    one, heard = opened(scheduler)
    one.accept(samples(1, 2), due=0.0)
    one.finish(due=0.0)
    await settle()
    while worker.busy:
        await worker.go()
    assert heard.lines == ["final 3"]


def fails_once(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, concerns: Callable[..., bool]
) -> None:
    """The first call that `concerns` is true of raises instead of doing anything."""
    works = getattr(owner, name)
    raised = False

    def once(*args: object, **kwargs: object) -> object:
        nonlocal raised
        if not raised and concerns(*args):
            raised = True
            raise Fault
        return works(*args, **kwargs)

    monkeypatch.setattr(owner, name, once)


# Faults of our own


async def test_a_fault_in_choosing_costs_what_was_to_be_chosen_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = CommandedWorker(max_batch=4)
    scheduler = await started(worker)
    before, before_heard = opened(scheduler)
    before.accept(samples(5), due=0.0)
    before.finish(due=0.0)
    await settle()
    fails_once(monkeypatch, room, "choose", lambda ready, *_: True)
    one, heard = opened(scheduler)
    one.accept(samples(1), due=0.0)
    with capture_logs() as logs:
        await worker.go()
    assert heard.lines == [OUR_FAULT]
    # The results of the batch before are told all the same.
    assert before_heard.lines == ["final 5"]
    assert [(line["event"], line["doing"]) for line in logs] == [("serving_fault", "choosing")]
    assert logs[0]["exc_info"] is True
    assert (scheduler.statistics.faults, scheduler.statistics.open_tasks) == (1, 0)
    await decodes(scheduler, worker)
    await scheduler.stop()


@pytest.mark.parametrize("name", ["take_step", "step_decoded"])
async def test_a_fault_with_one_task_costs_that_task(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    worker = CommandedWorker(max_batch=4)
    scheduler = await started(worker)
    bad, bad_heard = opened(scheduler)
    good, good_heard = opened(scheduler)
    fails_once(monkeypatch, DecodeTask, name, lambda task, *_: task.listener is bad_heard)
    for one in (bad, good):
        one.accept(samples(1), due=0.0)
    await worker.go()
    good.finish(due=1.0)
    await worker.go()
    assert bad_heard.lines == [OUR_FAULT]
    assert good_heard.lines == ["final 1"]
    # The worker has no stream of it any more.
    assert worker.heard == {}
    assert (scheduler.statistics.faults, scheduler.statistics.open_tasks) == (1, 0)
    await decodes(scheduler, worker)
    await scheduler.stop()


class Raising(Heard):
    """A listener that raises when it is told one kind of thing."""

    def __init__(self, *kinds: str) -> None:
        super().__init__()
        self.kinds = kinds

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        if ("final" if final else "partial") in self.kinds:
            raise Fault
        super().hypothesis(hypothesis, final=final)

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        if "refused" in self.kinds:
            raise Fault
        super().hot_words_refused(words)

    def failed(self, sentence: str) -> None:
        super().failed(sentence)
        if "failed" in self.kinds:
            raise Fault


@pytest.mark.parametrize(
    ("kinds", "lines", "faults"),
    [
        (("partial",), ["refused: word", OUR_FAULT], 1),
        (("partial", "failed"), ["refused: word", OUR_FAULT], 2),
        (("refused",), [OUR_FAULT], 1),
        (("final",), ["refused: word", "partial 1"], 1),
    ],
)
async def test_a_listener_that_raises_costs_its_own_utterance(
    kinds: Sequence[str], lines: list[str], faults: int
) -> None:
    worker = CommandedWorker(max_batch=4)
    scheduler = await started(worker, partial_ms=20)
    bad_heard = Raising(*kinds)
    bad = scheduler.open(bad_heard, owner="bad", partials=True, hot_words=(HotWord("word"),))
    good, good_heard = opened(scheduler, partials=True)
    for one in (bad, good):
        one.accept(samples(1), due=0.0)
    await worker.go()
    for one in (bad, good):
        one.finish(due=1.0)
    await worker.go()
    assert bad_heard.lines == lines
    assert good_heard.lines == ["partial 1", "final 1"]
    assert (scheduler.statistics.faults, scheduler.statistics.open_tasks) == (faults, 0)
    # The worker has no stream of it any more.
    assert worker.heard == {}
    await decodes(scheduler, worker)
    await scheduler.stop()


async def test_a_listener_may_abandon_when_its_hot_words_are_refused() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)

    class Abandoning(Heard):
        def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
            one.abandon()

    heard = Abandoning()
    one = scheduler.open(heard, owner="one", partials=False, hot_words=(HotWord("word"),))
    one.accept(samples(1), due=0.0)
    one.finish(due=0.0)
    await worker.go()
    assert heard.lines == []
    assert (scheduler.statistics.faults, scheduler.statistics.open_tasks) == (0, 0)
    await scheduler.stop()


async def test_a_worker_that_loses_results_is_replaced_and_what_it_had_is_replayed() -> None:
    class Forgetful(CommandedWorker):
        async def _run(self, batch: Batch) -> list[StepResult]:
            results = await super()._run(batch)
            return results if self.starts > 1 else results[:-1]

    worker = Forgetful(max_batch=2)
    scheduler = await started(worker)
    one, heard = opened(scheduler)
    one.accept(samples(1, 2), due=0.0)
    one.finish(due=0.0)
    with capture_logs() as logs:
        await worker.go()
    assert logs[0]["event"] == "worker_failed"
    assert "1 steps came back as 0 results" in str(logs[0]["exc_info"])
    assert (worker.starts, scheduler.statistics.faults) == (2, 1)
    await worker.go()
    assert heard.lines == ["final 3"]
    await scheduler.stop()


async def test_a_fault_in_serving_itself_costs_what_was_in_hand_and_serving_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    bad, bad_heard = opened(scheduler)
    good, good_heard = opened(scheduler)
    bad.accept(samples(1), due=0.0)
    good.accept(samples(2), due=1.0)
    fails_once(monkeypatch, SlotServer, "_settle", lambda *_: True)
    with capture_logs() as logs:
        await worker.go()
        good.finish(due=1.0)
        await worker.go()
        await worker.go()
    assert [line["event"] for line in logs] == [
        "serving_failed",
        "worker_failed",
        "worker_replaced",
    ]
    assert bad_heard.lines == [OUR_FAULT]
    assert good_heard.lines == ["final 2"]
    assert scheduler.statistics.open_tasks == 0
    await decodes(scheduler, worker)
    await scheduler.stop()


async def test_a_fault_in_replaying_costs_that_utterance(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    bad, bad_heard = opened(scheduler)
    good, good_heard = opened(scheduler)
    fails_once(monkeypatch, DecodeTask, "restart", lambda task, *_: task.listener is bad_heard)
    for one in (bad, good):
        one.accept(samples(1), due=0.0)
        one.finish(due=0.0)
    await worker.die()
    await worker.go()
    assert bad_heard.lines == [OUR_FAULT]
    assert good_heard.lines == ["final 1"]
    assert scheduler.statistics.open_tasks == 0
    await decodes(scheduler, worker)
    await scheduler.stop()


@pytest.mark.parametrize("error", [Fault("a bug"), EngineUnavailable("no memory")])
async def test_whatever_a_start_fails_with_ends_it_and_leaves_no_worker(error: Exception) -> None:
    workers = CommandedWorker(), CommandedWorker()
    workers[1].failures.append(error)
    with pytest.raises(type(error), match=str(error)):
        await started(*workers)
    assert all(worker.stops for worker in workers)


async def test_serving_that_is_cancelled_from_within_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    rests, asked = SlotServer._rest, 0

    async def cancelled_once(server: SlotServer) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            gone = asyncio.get_running_loop().create_future()
            gone.cancel()
            await gone
        await rests(server)

    monkeypatch.setattr(SlotServer, "_rest", cancelled_once)
    with capture_logs() as logs:
        await decodes(scheduler, worker)
        await decodes(scheduler, worker)
    assert logs[0]["event"] == "serving_failed"
    assert isinstance(logs[0]["exc_info"], EndedUnasked)
    assert scheduler.statistics.faults
    await scheduler.stop()


# Lost workers


async def test_a_batch_that_is_cancelled_with_its_worker_is_replayed() -> None:
    worker = CommandedWorker(slots=2)
    scheduler = await started(worker)
    one, heard = opened(scheduler)
    one.accept(samples(1), due=0.0)
    one.finish(due=0.0)
    await settle()
    # As threads do with what has not begun when their engine is loaded anew.
    worker._running.popleft().cancel()
    await settle()
    assert (worker.starts, scheduler.statistics.restarts) == (2, 1)
    await worker.go()
    assert heard.lines == ["final 1"]
    await decodes(scheduler, worker)
    await scheduler.stop()


async def test_a_worker_that_dies_idle_is_replaced_before_there_is_work() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    worker.told()
    assert scheduler.workers_up == 0
    await settle()
    assert (worker.starts, scheduler.workers_up) == (2, 1)
    await decodes(scheduler, worker)
    await scheduler.stop()


async def test_a_death_that_is_noticed_twice_is_one_death() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    one, heard = opened(scheduler)
    one.accept(samples(1), due=0.0)
    one.finish(due=0.0)
    await settle()
    notice = worker.told
    await worker.die()
    notice()
    await settle()
    assert (worker.starts, scheduler.statistics.restarts) == (2, 1)
    await worker.go()
    assert heard.lines == ["final 1"]
    await scheduler.stop()


@pytest.mark.parametrize(
    ("error", "faults"),
    [(DecoderError("no memory"), 0), (OSError("no descriptor"), 0), (Fault("a bug"), 1)],
)
async def test_a_replacement_that_does_not_come_up_is_tried_again(
    error: Exception, faults: int
) -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    worker.failures.append(error)
    with capture_logs() as logs:
        worker.told()
        await settle()
    assert [line["event"] for line in logs] == [
        "worker_died",
        "worker_not_started",
        "worker_replaced",
    ]
    assert (worker.starts, worker.stops) == (3, 1)
    assert (scheduler.statistics.faults, scheduler.workers_up) == (faults, 1)
    await decodes(scheduler, worker)
    await scheduler.stop()


def test_a_replacement_that_hangs_while_loading_is_given_up_and_tried_again() -> None:
    async def test() -> None:
        worker = CommandedWorker()
        # The clock stands still, so the first start took no time at all.
        scheduler = await started(worker, clock=Clock(), step_timeout_s=10.0)
        worker.loading = asyncio.Event()
        worker.told()
        await asyncio.sleep(9.0)
        assert (worker.starts, worker.stops) == (2, 0)
        await asyncio.sleep(2.0)
        assert (worker.starts, worker.stops, scheduler.workers_up) == (3, 1, 0)
        worker.loading.set()
        await settle()
        assert scheduler.workers_up == 1
        await decodes(scheduler, worker)
        await scheduler.stop()

    run(test())


async def test_what_comes_while_no_worker_is_up_waits_for_the_replacement() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    worker.loading = asyncio.Event()
    worker.told()
    one, heard = opened(scheduler)
    one.accept(samples(1), due=0.0)
    one.finish(due=0.0)
    await settle()
    assert (worker.batches, scheduler.statistics.waiting_tasks) == ([], 1)
    worker.loading.set()
    await worker.go()
    assert heard.lines == ["final 1"]
    await scheduler.stop()


async def test_a_listener_that_abandons_another_utterance_when_a_worker_is_given_up() -> None:
    worker = CommandedWorker(max_batch=2)
    scheduler = await started(worker)

    class Abandoning(Heard):
        def failed(self, sentence: str) -> None:
            super().failed(sentence)
            other.abandon()

    heard = Abandoning()
    one = scheduler.open(heard, owner="one", partials=False)
    other, other_heard = opened(scheduler)
    for handle in (one, other):
        handle.accept(samples(1), due=0.0)
        await settle()
    for _ in range(3):
        await worker.die()
    assert len(heard.lines) == 1
    assert other_heard.lines == []
    assert scheduler.statistics.open_tasks == 0
    assert scheduler.statistics.faults == 0
    await decodes(scheduler, worker)
    await scheduler.stop()


async def test_a_batch_that_hangs_in_a_life_that_is_over_keeps_no_slot() -> None:
    worker = CommandedWorker(slots=2)
    scheduler = await started(worker)
    slow, slow_heard = opened(scheduler)
    lost, lost_heard = opened(scheduler)
    for one in (slow, lost):
        one.accept(samples(1), due=0.0)
        one.finish(due=0.0)
        await settle()
    stuck, late = worker._running
    worker._running.clear()
    late.set_exception(WorkerDied())
    await settle()
    # A thread cannot be killed: it is stuck when the engine has been replaced already.
    assert (worker.starts, scheduler.statistics.restarts) == (2, 1)
    assert stuck.cancelled()
    # Both slots serve again.
    assert len(worker._running) == 2
    for _ in range(2):
        await worker.go()
    assert (slow_heard.lines, lost_heard.lines) == (["final 1"], ["final 1"])
    await scheduler.stop()


async def test_the_scheduler_stops_while_a_replacement_loads() -> None:
    worker = CommandedWorker()
    scheduler = await started(worker)
    worker.loading = asyncio.Event()
    worker.told()
    await settle()
    await scheduler.stop()
    assert (worker.stops, scheduler.workers_up) == (1, 0)


@pytest.mark.parametrize("how", ["hangs", "dies"])
def test_a_worker_that_is_lost_while_it_is_measured_is_told(how: str) -> None:
    async def test() -> None:
        worker = CommandedWorker()
        scheduler = Scheduler([worker], DecodingSettings(load_timeout_s=50.0), streams_per_worker=1)
        await scheduler.start()
        measuring = asyncio.ensure_future(scheduler.calibrate(samples(1), short=True))
        if how == "dies":
            await worker.die()
        with pytest.raises(EngineUnavailable, match="measured"):
            await measuring
        await scheduler.stop()

    run(test())


async def test_a_worker_each_of_whose_slots_hangs_does_not_count_as_up() -> None:
    worker = CommandedWorker(slots=2)
    scheduler = await started(worker, step_timeout_s=0.001)
    assert scheduler.workers_up == 1
    for _ in range(2):
        one, _ = opened(scheduler)
        one.accept(samples(1), due=0.0)
        one.finish(due=0.0)
    await until(lambda: scheduler.workers_up == 0)
    # A thread cannot be killed; but it may come back.
    await worker.go()
    assert scheduler.workers_up == 1
    await worker.go()
    await scheduler.stop()
