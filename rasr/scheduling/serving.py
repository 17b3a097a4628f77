"""Serving the slots of one worker: batch after batch of the tasks that have a stream there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from decoder import Capabilities
from rasr.scheduling.batching import Shares, choose
from rasr.scheduling.engine_host import Batch, Step, StepResult
from rasr.scheduling.overload import TOP_LEVEL, StepPolicies
from rasr.scheduling.statistics import EngineStatistics
from rasr.scheduling.supervision import Run, SupervisedWorker
from rasr.scheduling.task import DecodeState, DecodeTask, Priority
from rasr.scheduling.yielding import RecordingSlots

_log = structlog.get_logger("rasr.scheduling")

OUR_FAULT = "the server failed on this utterance"
"""What a client is told of a fault of ours; the log has the rest."""


class Streams(Protocol):
    """Who gives the streams of all workers to decode tasks."""

    def given_back(self, task: DecodeTask) -> None:
        """A task that is about to be over has its stream no longer."""

    def lost(self, tasks: Sequence[DecodeTask]) -> None:
        """Tasks that are not over have lost their streams with a worker."""

    def room(self) -> None:
        """A worker that had been lost has streams again."""

    def level_changed(self) -> None:
        """All tasks take their steps otherwise from now on."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all workers of an engine share."""

    capabilities: Capabilities
    policies: StepPolicies
    statistics: EngineStatistics
    streams: Streams
    recordings: RecordingSlots
    clock: Callable[[], float]


class SlotServer:
    """Holds the streams of one worker for decode tasks, and runs their steps.

    Each slot takes a batch of its own from the tasks that are ready (`rasr.scheduling.batching`),
    at once and without waiting for more: a lone speaker has the lowest latency, and under load
    batches form by themselves. While a batch is decoded the results of the one before it are told,
    so that a worker does not wait for its listeners.
    """

    def __init__(self, worker: SupervisedWorker, shared: Shared) -> None:
        self._worker = worker
        self._max_batch = shared.capabilities.max_batch
        self._policies = shared.policies
        self._statistics = shared.statistics
        self._streams = shared.streams
        self._recordings = shared.recordings
        self._clock = shared.clock
        self._tasks: dict[int, DecodeTask] = {}
        """Stream → task."""
        self._ready: dict[int, DecodeTask] = {}
        """Those of them that wait for a slot."""
        self._discard: list[int] = []
        """Streams that the worker still has and nobody wants."""
        self._idle_slots = 0
        self._wake = asyncio.Event()
        self._shares = Shares()

    @property
    def up(self) -> bool:
        """True while the worker takes batches."""
        return self._worker.up

    @property
    def tasks(self) -> Iterable[DecodeTask]:
        """The tasks that have a stream here."""
        return self._tasks.values()

    @property
    def ready(self) -> Iterable[DecodeTask]:
        """Those of them that wait for a slot."""
        return self._ready.values()

    def __len__(self) -> int:
        """Streams that are taken."""
        return len(self._tasks)

    # For the scheduler and the tasks' owners

    def take(self, task: DecodeTask) -> None:
        """A task with work gets a stream here."""
        task.holder = self
        self._tasks[task.stream] = task
        self.make_ready(task)

    def make_ready(self, task: DecodeTask) -> None:
        """A task has work for its next step."""
        task.make_ready(self._clock())
        self._ready[task.stream] = task
        self._wake.set()

    def release(self, task: DecodeTask) -> None:
        """A task is about to be over, whatever its state is: its stream is given back."""
        self._tasks.pop(task.stream, None)
        self._ready.pop(task.stream, None)
        task.holder = None
        # A stream in the hands of a slot is given back when that slot has returned: another one
        # must not close it meanwhile. After its last step the worker has closed it already.
        if task.opened and task.state is not DecodeState.DECODING:
            self._close(task.stream)
        self._streams.given_back(task)

    async def serve(self, slot: int) -> None:
        """Decode batch after batch. Does not return."""
        results: list[StepResult] = []
        while True:
            batch = self._next_batch(slot)
            begun = self._clock()
            # Handed over before the results of the last one are told: listeners take their time.
            run = None if batch is None else self._worker.begin(batch, slot)
            for result in results:
                self._tell(result)
            results = []
            if batch is None or run is None:
                await self._rest()
            else:
                results = await self._decoded(batch, run, begun)

    def serving_failed(self, slot: int, error: Exception) -> None:
        """A fault of ours has ended the serving of a slot.

        What the slot had in hand fails. Nobody knows what the worker still holds of it, so the
        worker is replaced and the other utterances are decoded anew.
        """
        for task in list(self._tasks.values()):
            if task.state is DecodeState.DECODING and task.slot == slot:
                self._give_up(task, OUR_FAULT)
        self._worker.give_up(error)

    # Batches

    async def _rest(self) -> None:
        """Wait until there may be something to do."""
        self._idle_slots += 1
        self._wake.clear()
        try:
            # What was told may have made work for this very slot.
            if not (self._worker.up and (self._reachable() or self._discard)):
                await self._recordings.news(self._wake, waiting=bool(self._ready))
        finally:
            self._idle_slots -= 1

    def _reachable(self) -> Collection[DecodeTask]:
        return self._recordings.reachable(self._ready.values(), self._clock())

    def _next_batch(self, slot: int) -> Batch | None:
        if not self._worker.up or not ((ready := self._reachable()) or self._discard):
            return None
        now = self._clock()
        try:
            chosen = choose(
                ready,
                self._shares,
                slot=slot,
                idle_slots=self._idle_slots,
                max_batch=self._max_batch,
                now=now,
            )
            self._observe(chosen, now)
        except Exception:
            # Whatever they have that cannot be chosen from, it would come back with each attempt.
            self._fault("choosing", list(self._ready.values()))
            return None
        steps = [step for task in chosen if (step := self._take_step(task, slot, now)) is not None]
        discard, self._discard = tuple(self._discard), []
        return Batch(tuple(steps), discard)

    def _take_step(self, task: DecodeTask, slot: int, now: float) -> Step | None:
        del self._ready[task.stream]
        self._statistics.queued_s += now - task.ready_since
        try:
            return task.take_step(slot)
        except Exception:
            self._close(task.stream)
            self._fault("taking a step", [task])
            return None

    def _observe(self, chosen: Iterable[DecodeTask], now: float) -> None:
        """Live steps that come late raise the overload level; others wait by intention."""
        late_s = []
        for task in chosen:
            queued_s = now - max(task.ready_since, task.due)
            if task.priority is Priority.LIVE:
                late_s.append(queued_s)
            if task.priority is not Priority.BATCH:
                step_s = self._policies.step_s
                self._statistics.lateness.observe(queued_s, now - task.due, step_s, now)
        if self._policies.observe(late_s, now):
            _log.warning("overload_level", level=self._policies.level, of=TOP_LEVEL)
            self._streams.level_changed()

    async def _decoded(self, batch: Batch, run: Run, begun: float) -> list[StepResult]:
        """The results of a batch, with the tasks on their way to their next steps."""
        with self._recordings.in_use([self._tasks.get(step.stream) for step in batch.steps]):
            results = await self._worker.finished(run)
        if results is None:
            return []
        now = self._clock()
        busy_s = now - begun
        self._statistics.batch_decoded(
            busy_s,
            len(batch.steps),
            sum(len(step.samples) for step in batch.steps),
            now,
            worded=sum(_letters(result) > 0 for result in results),
            is_spared=self._policies.level > 0,
        )
        for result in results:
            self._settle(result, busy_s / len(results))
        return results

    def _settle(self, result: StepResult, busy_s: float) -> None:
        """A task whose step is done may have the next one ready."""
        task = self._tasks.get(result.stream)
        if task is None:
            # Its task ended while the step was under way.
            if not result.last:
                self._close(result.stream)
            return
        try:
            task.busy_s += busy_s
            task.step_decoded(heard=result.hypothesis is not None, last=result.last)
            if task.has_work:
                self.make_ready(task)
        except Exception:
            if not result.last:
                self._close(result.stream)
            self._fault("settling", [task])

    def _tell(self, result: StepResult) -> None:
        task = self._tasks.get(result.stream)
        if task is None:
            return
        if result.fault is not None:
            _log.error("engine_fault", worker=self._worker.number, fault=result.fault)
        try:
            if result.refused_hot_words:
                task.listener.hot_words_refused(result.refused_hot_words)
                if task.is_over:
                    return
            if result.failure is not None:
                self._give_up(task, result.failure)
            elif result.hypothesis is not None:
                if result.final:
                    _count(task, result, self._statistics, self._clock(), self._policies)
                    self.release(task)
                    task.finish()
                task.listener.hypothesis(result.hypothesis, final=result.final)
        except Exception:
            self._fault("telling", [task])

    def _close(self, stream: int) -> None:
        self._discard.append(stream)
        self._wake.set()

    # Failure

    def _give_up(self, task: DecodeTask, sentence: str) -> None:
        if task.holder is not None:
            self.release(task)
        fail(task, sentence, self._statistics)

    def _fault(self, doing: str, tasks: Iterable[DecodeTask]) -> None:
        """An error of ours, which is being handled, costs these tasks and no other."""
        self._statistics.faults += 1
        _log.exception("serving_fault", worker=self._worker.number, doing=doing)
        for task in tasks:
            if not task.is_over:
                self._give_up(task, OUR_FAULT)

    def worker_lost(self) -> None:
        """The tasks begin anew, wherever a worker has a stream free."""
        tasks, self._tasks = list(self._tasks.values()), {}
        self._ready.clear()
        self._discard.clear()
        self._streams.lost(tasks)

    def worker_replaced(self) -> None:
        """There is room again."""
        self._streams.room()


def _count(
    task: DecodeTask,
    result: StepResult,
    statistics: EngineStatistics,
    now: float,
    policies: StepPolicies,
) -> None:
    """Count a task whose final is there."""
    statistics.utterance_decoded(
        task.decoded_samples,
        busy_s=task.busy_s,
        letters=_letters(result),
        partials=task.policy.partial is not None,
        is_spared=policies.level > 0,
        now=now,
    )


def _letters(result: StepResult) -> int:
    """Of the words that came with a result."""
    return 0 if result.hypothesis is None else len(result.hypothesis.text)


def fail(task: DecodeTask, sentence: str, statistics: EngineStatistics) -> None:
    """End a task that holds no stream any more, and tell its listener why."""
    task.fail()
    try:
        task.listener.failed(sentence)
    except Exception:
        statistics.faults += 1
        _log.exception("serving_fault", doing="telling a failure")
