"""What a step costs at each batch size: measured on the workers that will do the work.

All slots of all workers are busy at the same time, as they are under load: threads share caches and
memory, and a step beside another one takes longer than alone.

An engine that reads the growing utterance anew has no cost of a step: what a second of speech costs
depends on how long its utterance is. There whole utterances of several lengths are measured, from
the first step to the final. If it only makes finals, each utterance is read once.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import fmean

import numpy as np

from decoder.engine import SAMPLE_RATE, Samples
from rasr.scheduling.engine_host import Batch, Step
from rasr.scheduling.overload import StepPolicy
from rasr.scheduling.worker import Worker

IN_BATCHES, ONE_BY_ONE = 1.25, 1.1
"""Steps of a server at its limit take so much longer than calibrated ones: the event loop wants its
part of the cores and ends of utterances take more than their audio; where streams are decoded in
batches, these are of what is ready (measured with 90 streams of a model of 20 million parameters on
two cores: 1.2 to 1.3)."""
_TIMELY = 0.5
"""Of the audio of a step. A stream whose chunk comes just after a batch began waits for that batch
and then for its own: with more than half, its text would come later than its next chunk."""
_WARM_STEPS = 2
_TIMED_STEPS = 4
_TIMED_S = 2.0
"""Of audio at the least: some words cost an engine more than others."""
_TURNS = 2
"""Each size is decoded so often, with the same audio: what differs then is the machine."""
_NEGLIGIBLE_S = 0.001
"""Differences of less say nothing about who else uses the machine."""
_SIZES = (1, 2, 4, 8, 16, 32, 64)
TYPICAL_UTTERANCE_S = 4.0
"""Sentences of a conversation and of dictation are mostly of 2 to 8 s."""
_UTTERANCES_S = (2.0, 5.0, 12.0)
"""Lengths that are measured: what lies between is reckoned, and the curve is not straight."""


@dataclass(frozen=True, slots=True)
class StepCosts:
    """The costs of one engine on one machine, with all its slots busy at once."""

    step_s: float
    """Audio that a stream gets in one step, seconds."""
    slots: int
    """Batches decoded at the same time."""
    seconds: Mapping[int, float]
    """Batch size → time that one such step takes, seconds. Not empty; keys ascend."""
    disturbance: float = 1.0
    """Median over shortest time of the same step: up to 1.3 where nothing else used the machine."""
    by_length: Mapping[float, float] = field(default_factory=dict)
    """Of an engine that reads anew: length of an utterance in seconds → time of a slot for a second
    of its speech, all readings that it makes of one counted. Keys ascend; empty for other engines.
    """
    spared: Mapping[float, float] = field(default_factory=dict)
    """As `by_length` while the engine is behind and reads an utterance less often: on the first
    overload level, on which a machine at its limit is."""

    def step_seconds(self, batch: int) -> float:
        """Time of a step with so many streams: measured, or between two that were."""
        sizes = list(self.seconds)
        if batch in self.seconds:
            return self.seconds[batch]
        place = bisect_left(sizes, batch)
        if place == len(sizes):
            return self.seconds[sizes[-1]] * batch / sizes[-1]
        if place == 0:
            return self.seconds[sizes[0]] * batch / sizes[0]
        low, high = sizes[place - 1], sizes[place]
        share = (batch - low) / (high - low)
        return self.seconds[low] + share * (self.seconds[high] - self.seconds[low])

    @property
    def timely_batch(self) -> int:
        """The largest measured batch whose step takes less than half the audio in it; 0: none."""
        timely = [size for size, s in self.seconds.items() if s <= _TIMELY * self.step_s]
        return max(timely, default=0)

    @property
    def in_service(self) -> float:
        """How much longer than calibrated steps take at the limit."""
        return IN_BATCHES if len(self.seconds) > 1 else ONE_BY_ONE

    @property
    def per_second(self) -> float:
        """Time of one slot for a second of one stream's speech, in batches that form under load and
        in utterances of the usual length."""
        return self.per_second_of(TYPICAL_UTTERANCE_S)

    def per_second_of(self, utterance_s: float) -> float:
        """As `per_second`, for utterances of so many seconds."""
        if self.by_length:
            return _at(self.spared or self.by_length, utterance_s)
        size = self.timely_batch or min(self.seconds)
        return self.seconds[size] / size / self.step_s

    def batch_seconds(
        self, steps: int, step_s: float, utterance_s: float, *, is_spared: bool = False
    ) -> float:
        """Time that a batch of so many steps should take.

        Args:
            step_s: audio of each step, seconds.
            utterance_s: length of the utterances that they are of, as far as is known.
            is_spared: an overload level is in force.
        """
        if self.by_length:
            curve = self.spared if is_spared and self.spared else self.by_length
            return _at(curve, utterance_s) * step_s * steps
        return self.step_seconds(steps) * step_s / self.step_s


def _at(curve: Mapping[float, float], utterance_s: float) -> float:
    return float(np.interp(utterance_s, list(curve), list(curve.values())))


async def calibrate(
    workers: Sequence[Worker],
    policy: StepPolicy,
    *,
    max_batch: int,
    streams_per_worker: int,
    speech: Samples,
    spared: StepPolicy | None = None,
    finals_only: bool = False,
) -> StepCosts:
    """Time steps of every batch size up to the largest that can come about.

    Args:
        workers: started, and idle.
        max_batch: the largest batch that the engine takes.
        speech: what is decoded, again and again; shape (n,), int16, at 16 kHz. Engines that search
            need real speech: noise costs them less or more.
        spared: of an engine that decodes an utterance anew as it grows: the policy of its first
            overload level; None for other engines.
        finals_only: nobody wants its partials, so that one that reads anew reads once, at the end.

    Raises:
        WorkerDied: a worker died.
    """
    first = policy.next_step_at(0)
    step = policy.step_samples
    timed_steps = max(_TIMED_STEPS, ceil(_TIMED_S * SAMPLE_RATE / step))
    lengths = [first, *[step] * (_WARM_STEPS - 1 + timed_steps)]
    # Of one worker: its streams are shared among its slots.
    most = min(max_batch, max(1, streams_per_worker // workers[0].slots))
    # No decode task has such a number.
    numbers = itertools.count(-1, -1)
    seconds: dict[int, float] = {}
    shortest = middle = 0.0
    for size in sorted({min(size, most) for size in _SIZES}):
        timed: list[list[float]] = []
        for _ in range(_TURNS):
            timed += await asyncio.gather(
                *(
                    _time(worker, slot, [next(numbers) for _ in range(size)], lengths, speech)
                    for worker in workers
                    for slot in range(worker.slots)
                )
            )
        # Of each step, which is the same audio every time.
        ranked = [sorted(times) for times in zip(*timed, strict=True)]
        # A neighbour on the machine only ever makes a step longer.
        seconds[size] = fmean(times[len(times) // 4] for times in ranked)
        shortest += fmean(times[0] for times in ranked) + _NEGLIGIBLE_S
        middle += fmean(times[len(times) // 2] for times in ranked) + _NEGLIGIBLE_S
    slots = sum(worker.slots for worker in workers)
    curves: list[dict[float, float]] = [{}, {}]
    if spared is not None:
        chosen: list[StepPolicy | None] = [None] if finals_only else [policy, spared]
        curves = [await _time_lengths(workers, one, speech, numbers) for one in chosen]
    return StepCosts(
        step / SAMPLE_RATE,
        slots,
        seconds,
        disturbance=middle / shortest,
        by_length=curves[0],
        spared=curves[-1],
    )


async def _time_lengths(
    workers: Sequence[Worker],
    policy: StepPolicy | None,
    speech: Samples,
    numbers: Iterator[int],
) -> dict[float, float]:
    """What a second of speech costs in utterances of several lengths, in seconds."""
    curve = {}
    for length_s in _UTTERANCES_S:
        spent = await asyncio.gather(
            *(
                _time_utterance(worker, slot, next(numbers), policy, speech, length_s)
                for worker in workers
                for slot in range(worker.slots)
            )
        )
        curve[length_s] = min(spent) / length_s
    return curve


async def _time_utterance(
    worker: Worker,
    slot: int,
    stream: int,
    policy: StepPolicy | None,
    speech: Samples,
    length_s: float,
) -> float:
    """How long all steps of one utterance took together, in seconds; without a policy, its one."""
    length = int(length_s * SAMPLE_RATE)
    taken = at = 0
    spent = 0.0
    while at < length:
        end = length if policy is None else min(policy.next_step_at(taken), length)
        samples = speech.take(np.arange(at, end), mode="wrap")
        step = Step(stream, samples, opens=not at, finishes=end == length, wants_hypothesis=True)
        at = taken = end
        begun = time.perf_counter()
        await worker.run(Batch((step,)), slot)
        spent += time.perf_counter() - begun
    return spent


async def _time(
    worker: Worker,
    slot: int,
    streams: Sequence[int],
    lengths: Sequence[int],
    speech: Samples,
) -> list[float]:
    """How long each timed step of one batch took, in seconds."""
    taken = []
    at = 0
    for number, length in enumerate(lengths):
        samples = speech.take(np.arange(at, at + length), mode="wrap")
        at += length
        batch = Batch(
            tuple(
                Step(stream, samples, opens=not number, finishes=False, wants_hypothesis=True)
                for stream in streams
            )
        )
        begun = time.perf_counter()
        await worker.run(batch, slot)
        if number >= _WARM_STEPS:
            taken.append(time.perf_counter() - begun)
    await worker.run(Batch((), tuple(streams)), slot)
    return taken
