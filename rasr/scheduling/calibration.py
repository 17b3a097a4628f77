"""What one decoding step costs at each batch size: measured on the lanes that will do the work.

All calls of all lanes are busy at the same time, as they are under load: threads share caches and
memory, and a step beside another one takes longer than alone.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from math import ceil
from statistics import fmean

import numpy as np

from decoder import Capabilities
from decoder.engine import Samples
from rasr.scheduling.costs import StepCosts
from rasr.scheduling.job import Cadence
from rasr.scheduling.lane import Lane
from rasr.scheduling.steps import Batch, Step

_WARM_STEPS = 2
_TIMED_STEPS = 4
_TIMED_S = 2.0
"""Of sound at the least: some words cost an engine more than others."""
_TURNS = 2
"""Each size is decoded so often, with the same sound: what differs then is the machine."""
_NEGLIGIBLE_S = 0.001
"""Differences of less say nothing about who else uses the machine."""
_SIZES = (1, 2, 4, 8, 16, 32, 64)


async def calibrate(
    lanes: Sequence[Lane],
    capabilities: Capabilities,
    cadence: Cadence,
    *,
    streams_per_lane: int,
    speech: Samples,
) -> StepCosts:
    """Time steps of every batch size up to the largest that can come about.

    Args:
        lanes: started, and idle.
        speech: what is decoded, again and again; shape (n,), int16, at the engine's rate. Engines
            that search need real speech: noise costs them less or more.

    Raises:
        BrokenExecutor: a worker died.
    """
    rate = capabilities.sample_rate
    first = cadence.next_step_at(0)
    step = cadence.step_samples
    timed_steps = max(_TIMED_STEPS, ceil(_TIMED_S * rate / step))
    lengths = [first, *[step] * (_WARM_STEPS - 1 + timed_steps)]
    # Of one lane: its streams are shared among its calls.
    most = min(capabilities.max_batch, max(1, streams_per_lane // lanes[0].calls))
    # No job of a session has such a number.
    numbers = itertools.count(-1, -1)
    seconds: dict[int, float] = {}
    shortest = middle = 0.0
    for size in sorted({min(size, most) for size in _SIZES}):
        timed: list[list[float]] = []
        for _ in range(_TURNS):
            timed += await asyncio.gather(
                *(
                    _time(lane, call, [next(numbers) for _ in range(size)], lengths, speech)
                    for lane in lanes
                    for call in range(lane.calls)
                )
            )
        # Of each step, which is the same sound every time.
        ranked = [sorted(times) for times in zip(*timed, strict=True)]
        # A neighbour on the machine only ever makes a step longer.
        seconds[size] = fmean(times[len(times) // 4] for times in ranked)
        shortest += fmean(times[0] for times in ranked) + _NEGLIGIBLE_S
        middle += fmean(times[len(times) // 2] for times in ranked) + _NEGLIGIBLE_S
    calls = sum(lane.calls for lane in lanes)
    return StepCosts(step / rate, calls, seconds, disturbance=middle / shortest)


async def _time(
    lane: Lane,
    call: int,
    jobs: Sequence[int],
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
                Step(job, samples, opens=not number, finishes=False, wants_hypothesis=True)
                for job in jobs
            )
        )
        begun = time.perf_counter()
        await lane.run(batch, call)
        if number >= _WARM_STEPS:
            taken.append(time.perf_counter() - begun)
    await lane.run(Batch((), tuple(jobs)), call)
    return taken
