"""A calibration decodes steps of every size on every call, and leaves nothing open."""

from __future__ import annotations

from collections.abc import Awaitable

import numpy as np

from decoder import Capabilities
from rasr.scheduling.calibration import calibrate
from rasr.scheduling.job import Cadence
from rasr.scheduling.steps import Batch, StepResult


class CountingLane:
    """Answers at once and writes down what it was given."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.batches: list[tuple[int, Batch]] = []
        self.open: set[int] = set()

    async def start(self) -> Capabilities:
        raise NotImplementedError

    def run(self, batch: Batch, call: int) -> Awaitable[list[StepResult]]:
        self.batches.append((call, batch))
        for step in batch.steps:
            assert step.opens == (step.job not in self.open), "a stream is opened once"
            self.open.add(step.job)
        self.open.difference_update(batch.discard)
        return self._answer(batch)

    async def _answer(self, batch: Batch) -> list[StepResult]:
        return [StepResult(step.job, None) for step in batch.steps]

    def kill(self) -> None: ...

    def stop(self) -> None: ...


async def calibrated(lane: CountingLane, *, max_batch: int, streams: int) -> list[int]:
    known = Capabilities("counted", ("english",), 1000, True, True, False, max_batch, 450, 320)
    cadence = Cadence.of(known, step_ms=400, partial_ms=200, partials=True)
    speech = np.arange(1000, dtype=np.int16)
    costs = await calibrate([lane], known, cadence, streams_per_lane=streams, speech=speech)
    assert costs.step_s == 0.32
    assert costs.calls == lane.calls
    return list(costs.seconds)


async def test_sizes_double_up_to_the_largest_batch() -> None:
    lane = CountingLane(calls=2)
    assert await calibrated(lane, max_batch=12, streams=100) == [1, 2, 4, 8, 12]
    assert {call for call, _ in lane.batches} == {0, 1}


async def test_a_batch_is_never_larger_than_a_calls_share_of_the_streams() -> None:
    lane = CountingLane(calls=2)
    assert await calibrated(lane, max_batch=16, streams=6) == [1, 2, 3]


async def test_every_size_is_decoded_twice_with_the_same_sound() -> None:
    lane = CountingLane(calls=1)
    await calibrated(lane, max_batch=1, streams=1)
    sounds: dict[int, list[int]] = {}
    for _, batch in lane.batches:
        for step in batch.steps:
            sounds.setdefault(step.job, []).extend(step.samples.tolist())
    first, second = sounds.values()
    assert first == second
    assert len(first) > 2000, "two seconds of sound at the least"


async def test_no_stream_is_left_open() -> None:
    lane = CountingLane(calls=1)
    await calibrated(lane, max_batch=4, streams=4)
    assert not lane.open


async def test_steps_are_as_long_as_those_of_a_live_stream_and_go_on_in_the_speech() -> None:
    lane = CountingLane(calls=1)
    await calibrated(lane, max_batch=1, streams=1)
    steps = [batch.steps[0].samples for _, batch in lane.batches if batch.steps]
    assert [len(one) for one in steps[:3]] == [450, 320, 320]
    assert np.concatenate(steps)[:1200].tolist() == [*range(1000), *range(200)]
