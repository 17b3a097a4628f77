"""Measuring what steps cost, on the workers that will do the work.

All slots of all workers are busy at the same time, as they are under load: threads share caches and
memory, and a step beside another one takes longer than alone.

Others on the machine only ever make a step longer. So each size is measured several times, spread
out over the calibration, and of each step (the same audio every time) the best time counts. How
much the times differ, and how much of the time the processors worked for us, says how far the
result is to be trusted (`StepCosts.disturbance`).

Of an engine that reads an utterance anew, whole utterances of several lengths are measured, from
the first step to the final. If it only makes finals, each utterance is read once.

A calibration stops between two steps when it is told so, as in an idle moment when somebody speaks.
What has been measured by then counts. A short one (`Plan.most_s`) is enough to begin with.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from statistics import fmean
from typing import Protocol

import numpy as np

from decoder.engine import SAMPLE_RATE, Samples
from rasr.scheduling.costs import LEAST_STEP_S, StepCosts
from rasr.scheduling.engine_host import Batch, Step, StepResult
from rasr.scheduling.overload import StepPolicy

_WARM_STEPS = 2
_TIMED_STEPS = 4
_TIMED_S = 2.0
"""Of audio at the least: some words cost an engine more than others."""
_TURNS = 2
"""Each size is decoded so often, with the same audio: what differs then is the machine."""
_NEGLIGIBLE_S = 0.001
"""Differences of less say nothing about who else uses the machine."""
_LEAST_PROCESSOR_S = 0.2
"""Less processor time is mostly that of handing steps over, and its clock of 10 ms is coarse."""
_SIZES = (1, 2, 4, 8, 16, 32, 64)
_UTTERANCES_S = (2.0, 5.0, 12.0)
"""Lengths that are measured: what lies between is reckoned, and the curve is not straight."""


class BatchRunner(Protocol):
    """What is asked of a worker; `rasr.scheduling.worker.Worker` is one."""

    @property
    def slots(self) -> int:
        """Batches that may be run at the same time."""

    def run(self, batch: Batch, slot: int) -> Awaitable[list[StepResult]]:
        """Run one batch.

        Raises:
            WorkerDied: all its streams are lost.
        """


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, and how long that may take."""

    policy: StepPolicy
    max_batch: int
    """The largest batch that the engine takes."""
    streams: int
    """Utterances that one worker may have open for it."""
    speech: Samples
    """What is decoded, again and again; shape (n,), int16, at 16 kHz. Engines that search need real
    speech: noise costs them less or more."""
    spared: StepPolicy | None = None
    """Of an engine that reads an utterance anew: the policy of its first overload level; None for
    other engines."""
    finals_only: bool = False
    """Nobody wants its partials, so that one that reads anew reads once, at the end."""
    most_s: float | None = None
    """After so long it ends, once the least has been measured: a batch of one, and the shortest
    utterance. The rest is reckoned. None: no bound."""
    repeats: bool = True
    """Measure each size twice. Without that little tells how sure the result is, and it counts as
    agreeing with nothing."""
    most_step_s: float | None = None
    """Nothing is measured whose steps take longer: somebody who begins to speak waits for one."""
    goes_on: Callable[[], bool] = lambda: True
    """Asked between steps; when it says no, it ends."""
    processor_s: Callable[[], float | None] = lambda: None
    """Processor time of everything that works on it, in seconds; None where that is not known."""
    clock: Callable[[], float] = time.perf_counter
    """In seconds."""


async def calibrate(workers: Sequence[BatchRunner], plan: Plan) -> StepCosts | None:
    """Time steps of every batch size up to the largest that can come about.

    Args:
        workers: started, of the same engine, and idle.

    Returns:
        The costs of what was measured; None if it was stopped before the smallest size was.

    Raises:
        WorkerDied: a worker died.
    """
    return await _Calibration(workers, plan).costs()


@dataclass(slots=True)
class _Repeats:
    """What was timed of one batch size."""

    each: list[list[float]] = field(default_factory=list)
    """For each slot and repeat the time of each step, in seconds."""
    means: list[list[float]] = field(default_factory=list)
    """For each repeat the time of each step, the mean over the slots: these were busy together."""

    def add(self, times: list[list[float]]) -> None:
        self.each += times
        self.means.append([fmean(steps) for steps in zip(*times, strict=True)])

    @property
    def cost_s(self) -> float:
        """Of a step: the best repeat of each."""
        return max(fmean(min(steps) for steps in zip(*self.means, strict=True)), LEAST_STEP_S)

    @property
    def shortest_s(self) -> float:
        return fmean(min(steps) for steps in zip(*self.each, strict=True)) + _NEGLIGIBLE_S

    @property
    def middle_s(self) -> float:
        ranked = [sorted(steps) for steps in zip(*self.each, strict=True)]
        return fmean(steps[len(steps) // 2] for steps in ranked) + _NEGLIGIBLE_S


class _Calibration:
    """One calibration. No decode task has a stream with one of its numbers."""

    def __init__(self, workers: Sequence[BatchRunner], plan: Plan) -> None:
        self._workers = workers
        self._plan = plan
        self._numbers: Iterator[int] = itertools.count(-1, -1)
        self._begun = plan.clock()
        self._busy_s = 0.0
        """Time that slots took for steps, those that are not counted included."""
        self._repeats: dict[int, _Repeats] = {}
        # Of an engine that reads anew: as usual, and on its first overload level.
        self._curves: list[dict[float, float]] = [{}, {}]
        self._policies: list[StepPolicy | None] = []
        if plan.spared is not None:
            self._policies = [None] if plan.finals_only else [plan.policy, plan.spared]

    async def costs(self) -> StepCosts | None:
        processor_s = self._plan.processor_s()
        # Repeats of a size lie as far from each other as can be: whole turns, and the utterances.
        # What others do for some tenths of a second then spoils one repeat and not all.
        await self._time_sizes()
        await self._time_lengths()
        for _ in range(_TURNS - 1 if self._plan.repeats else 0):
            await self._time_sizes()
        if not self._has_least:
            return None
        used_s = self._plan.processor_s()
        costs = StepCosts(
            self._plan.policy.step_samples / SAMPLE_RATE,
            sum(worker.slots for worker in self._workers),
            {size: self._repeats[size].cost_s for size in sorted(self._repeats)},
            disturbance=max(
                1.0,
                sum(one.middle_s for one in self._repeats.values())
                / sum(one.shortest_s for one in self._repeats.values()),
                self._starvation(processor_s, used_s),
            ),
            by_length=self._curves[0],
            spared=self._curves[len(self._policies) - 1] if self._policies else {},
        )
        return costs if costs.is_disturbed or not self._plan.repeats else replace(costs, agreeing=1)

    def _starvation(self, before: float | None, after: float | None) -> float:
        """Time that steps took over the processor time in it; 1.0 where that is not known."""
        if before is None or after is None or after - before < _LEAST_PROCESSOR_S:
            return 1.0
        return self._busy_s / (after - before)

    @property
    def _has_least(self) -> bool:
        """The least has been measured from which costs can be told."""
        return bool(self._repeats) and all(
            curve for _, curve in zip(self._policies, self._curves, strict=False)
        )

    def _goes_on(self, needed: bool) -> bool:
        """Whether the next step may be made; what is `needed` is made even when time is up."""
        plan = self._plan
        in_time = plan.most_s is None or plan.clock() - self._begun < plan.most_s
        return plan.goes_on() and (needed or in_time)

    @property
    def _slots(self) -> list[tuple[BatchRunner, int]]:
        return [(worker, slot) for worker in self._workers for slot in range(worker.slots)]

    async def _time_sizes(self) -> None:
        plan = self._plan
        step = plan.policy.step_samples
        timed_steps = max(_TIMED_STEPS, ceil(_TIMED_S * SAMPLE_RATE / step))
        lengths = [plan.policy.next_step_at(0), *[step] * (_WARM_STEPS - 1 + timed_steps)]
        # Of one worker: its streams are shared among its slots.
        most = min(plan.max_batch, max(1, plan.streams // self._workers[0].slots))
        # Of one stream more, at the most.
        each_s = 0.0
        for size in sorted({min(size, most) for size in _SIZES}):
            if self._too_long(each_s * size):
                return
            times = await asyncio.gather(
                *(
                    self._time_steps(
                        worker,
                        slot,
                        [next(self._numbers) for _ in range(size)],
                        lengths,
                        needed=not self._repeats,
                    )
                    for worker, slot in self._slots
                )
            )
            known = [one for one in times if one is not None]
            if len(known) < len(times):
                return
            repeats = self._repeats.setdefault(size, _Repeats())
            repeats.add(known)
            each_s = repeats.cost_s / size

    async def _time_lengths(self) -> None:
        """What a second of speech costs in utterances of several lengths, in seconds."""
        for length_s in _UTTERANCES_S:
            for policy, curve in zip(self._policies, self._curves, strict=False):
                times = await asyncio.gather(
                    *(
                        self._time_utterance(
                            worker,
                            slot,
                            next(self._numbers),
                            policy,
                            length_s,
                            needed=not curve,
                        )
                        for worker, slot in self._slots
                    )
                )
                known = [one for one in times if one is not None]
                if len(known) < len(times):
                    return
                curve[length_s] = max(min(known) / length_s, LEAST_STEP_S)

    async def _time_utterance(
        self,
        worker: BatchRunner,
        slot: int,
        stream: int,
        policy: StepPolicy | None,
        length_s: float,
        *,
        needed: bool,
    ) -> float | None:
        """How long all steps of one utterance took together, in seconds; without a policy, its one.

        None if it was stopped.
        """
        length = int(length_s * SAMPLE_RATE)
        at = 0
        spent = 0.0
        while at < length:
            if not self._goes_on(needed):
                break
            end = length if policy is None else min(policy.next_step_at(at), length)
            samples = self._plan.speech.take(np.arange(at, end), mode="wrap")
            step = Step(
                stream, samples, opens=not at, finishes=end == length, wants_hypothesis=True
            )
            at = end
            took_s = await self._run(worker, Batch((step,)), slot)
            spent += took_s
            if self._too_long(took_s):
                break
        if at == length:
            return spent
        if at:
            await worker.run(Batch((), (stream,)), slot)
        return None

    async def _time_steps(
        self,
        worker: BatchRunner,
        slot: int,
        streams: Sequence[int],
        lengths: Sequence[int],
        *,
        needed: bool,
    ) -> list[float] | None:
        """How long each timed step of one batch took, in seconds; None if it was stopped."""
        taken = []
        at = 0
        for number, length in enumerate(lengths):
            if not self._goes_on(needed):
                break
            samples = self._plan.speech.take(np.arange(at, at + length), mode="wrap")
            at += length
            batch = Batch(
                tuple(
                    Step(stream, samples, opens=not number, finishes=False, wants_hypothesis=True)
                    for stream in streams
                )
            )
            took_s = await self._run(worker, batch, slot)
            if self._too_long(took_s):
                break
            if number >= _WARM_STEPS:
                taken.append(took_s)
        if at:
            await worker.run(Batch((), tuple(streams)), slot)
        return taken if len(taken) == len(lengths) - _WARM_STEPS else None

    def _too_long(self, took_s: float) -> bool:
        return self._plan.most_step_s is not None and took_s > self._plan.most_step_s

    async def _run(self, worker: BatchRunner, batch: Batch, slot: int) -> float:
        """Run a batch; how long it took, in seconds."""
        begun = self._plan.clock()
        await worker.run(batch, slot)
        took_s = self._plan.clock() - begun
        self._busy_s += took_s
        return took_s
