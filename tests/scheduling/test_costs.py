"""What a step costs: measured with every size on every slot, and what follows from the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from decoder import Capabilities
from rasr.scheduling import StepCosts
from rasr.scheduling.costs import IN_BATCHES, ONE_BY_ONE, calibrate
from rasr.scheduling.engine_host import Batch, StepResult
from rasr.scheduling.overload import StepPolicy
from tests.scheduling.commanded import MS, known, milliseconds

COSTS = StepCosts(step_s=0.32, slots=2, seconds={1: 0.010, 4: 0.025, 8: 0.045, 16: 0.165})


def test_the_timely_batch_is_the_largest_under_half_its_audio() -> None:
    assert COSTS.timely_batch == 8


STREAMS = 2 * 8 * 0.32 / 0.045
"""Of unbroken speech, that two slots keep up with in timely batches when nothing else runs."""


def test_a_second_of_speech_costs_its_share_of_a_timely_batch() -> None:
    assert COSTS.per_second == pytest.approx(2 / STREAMS)


def test_an_engine_without_batches_loses_less_in_service() -> None:
    assert COSTS.in_service == IN_BATCHES
    assert StepCosts(0.2, 2, {1: 0.03}).in_service == ONE_BY_ONE


def test_a_model_too_slow_for_the_machine_has_no_timely_batch_but_a_cost() -> None:
    slow = StepCosts(0.32, 1, {1: 0.4})
    assert slow.timely_batch == 0
    assert slow.per_second == pytest.approx(1.25)


@pytest.mark.parametrize(("batch", "ms"), [(1, 10), (2, 15), (6, 35), (16, 165), (32, 330)])
def test_sizes_between_and_beyond_are_reckoned(batch: int, ms: float) -> None:
    assert COSTS.step_seconds(batch) == pytest.approx(ms / 1000)


READ_ANEW = StepCosts(
    step_s=0.3, slots=2, seconds={1: 0.02}, by_length={2.0: 0.05, 4.0: 0.06, 10.0: 0.12}
)


@pytest.mark.parametrize(
    ("length_s", "seconds"), [(1.0, 0.05), (2.0, 0.05), (3.0, 0.055), (7.0, 0.09), (60.0, 0.12)]
)
def test_a_second_of_a_long_utterance_costs_more_where_it_is_read_anew(
    length_s: float, seconds: float
) -> None:
    assert READ_ANEW.per_second_of(length_s) == pytest.approx(seconds)
    assert READ_ANEW.batch_seconds(3, 0.5, length_s) == pytest.approx(1.5 * seconds)


def test_what_a_machine_carries_is_what_it_does_at_its_limit() -> None:
    costs = replace(READ_ANEW, spared={2.0: 0.03, 10.0: 0.07})
    assert costs.per_second_of(2.0) == pytest.approx(0.03)
    assert costs.batch_seconds(1, 1.0, 2.0) == pytest.approx(0.05)
    assert costs.batch_seconds(1, 1.0, 2.0, is_spared=True) == pytest.approx(0.03)


def test_other_engines_take_the_same_for_all_lengths() -> None:
    assert COSTS.per_second_of(1.0) == COSTS.per_second_of(30.0) == COSTS.per_second
    assert COSTS.batch_seconds(4, 0.32, 30.0) == pytest.approx(0.025)


class CountingWorker:
    """Answers at once and writes down what it was given."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.batches: list[tuple[int, Batch]] = []
        self.open: set[int] = set()

    async def start(self, died: Callable[[], None]) -> Capabilities:
        raise NotImplementedError

    def run(self, batch: Batch, slot: int) -> Awaitable[list[StepResult]]:
        self.batches.append((slot, batch))
        for step in batch.steps:
            assert step.opens == (step.stream not in self.open), "a stream is opened once"
            self.open.add(step.stream)
        self.open.difference_update(batch.discard)
        return self._answer(batch)

    async def _answer(self, batch: Batch) -> list[StepResult]:
        return [StepResult(step.stream, None) for step in batch.steps]

    def kill(self) -> None: ...

    def stop(self) -> None: ...


async def calibrated(worker: CountingWorker, *, max_batch: int, streams: int) -> list[int]:
    policy = StepPolicy.of(
        known(first=450 * MS, every=320 * MS), step_ms=400, partial_ms=200, partials=True
    )
    speech = milliseconds(*range(1, 1001))
    costs = await calibrate(
        [worker], policy, max_batch=max_batch, streams_per_worker=streams, speech=speech
    )
    assert costs.step_s == 0.32
    assert costs.slots == worker.slots
    return list(costs.seconds)


async def test_sizes_double_up_to_the_largest_batch() -> None:
    worker = CountingWorker(slots=2)
    assert await calibrated(worker, max_batch=12, streams=100) == [1, 2, 4, 8, 12]
    assert {slot for slot, _ in worker.batches} == {0, 1}


async def test_a_batch_is_never_larger_than_a_slots_share_of_the_streams() -> None:
    worker = CountingWorker(slots=2)
    assert await calibrated(worker, max_batch=16, streams=6) == [1, 2, 3]


async def test_every_size_is_decoded_twice_with_the_same_audio() -> None:
    worker = CountingWorker(slots=1)
    await calibrated(worker, max_batch=1, streams=1)
    audio: dict[int, list[int]] = {}
    for _, batch in worker.batches:
        for step in batch.steps:
            audio.setdefault(step.stream, []).extend(step.samples.tolist())
    first, second = audio.values()
    assert first == second
    assert len(first) > 2000 * MS, "two seconds of audio at the least"


async def test_no_stream_is_left_open() -> None:
    worker = CountingWorker(slots=1)
    await calibrated(worker, max_batch=4, streams=4)
    assert not worker.open


async def test_steps_are_as_long_as_those_of_a_live_stream_and_go_on_in_the_speech() -> None:
    worker = CountingWorker(slots=1)
    await calibrated(worker, max_batch=1, streams=1)
    steps = [batch.steps[0].samples for _, batch in worker.batches if batch.steps]
    assert [len(one) // MS for one in steps[:3]] == [450, 320, 320]
    assert np.concatenate(steps)[: 1200 * MS : MS].tolist() == [*range(1, 1001), *range(1, 201)]


async def test_utterances_of_several_lengths_are_measured_whole_where_they_are_read_anew() -> None:
    worker = CountingWorker(slots=2)
    policy = StepPolicy.of(
        known(first=300 * MS, every=300 * MS), step_ms=400, partial_ms=200, partials=True
    )
    costs = await calibrate(
        [worker],
        policy,
        max_batch=1,
        streams_per_worker=64,
        speech=milliseconds(*range(1, 1001)),
        spared=replace(policy, merged=2),
    )
    last: dict[int, int] = {}
    for _, batch in worker.batches:
        for step in batch.steps:
            last[step.stream] = last.get(step.stream, 0) + len(step.samples)
            if step.finishes:
                assert last[step.stream] / 16_000 in costs.by_length
    finished = [step for _, batch in worker.batches for step in batch.steps if step.finishes]
    # On each of two slots, as always and as on the first overload level.
    assert len(finished) == 4 * len(costs.by_length)
    assert list(costs.by_length) == list(costs.spared) == sorted(costs.by_length)
    counted = Counter(step.stream for _, batch in worker.batches for step in batch.steps)
    steps = [counted[end.stream] for end in finished]
    assert sum(steps[: len(steps) // 2]) > 1.5 * sum(steps[len(steps) // 2 :])


async def test_an_engine_that_only_makes_finals_is_measured_with_one_reading_of_each() -> None:
    worker = CountingWorker(slots=1)
    policy = StepPolicy.of(
        known(first=300 * MS, every=300 * MS), step_ms=400, partial_ms=200, partials=True
    )
    costs = await calibrate(
        [worker],
        policy,
        max_batch=1,
        streams_per_worker=64,
        speech=milliseconds(*range(1, 1001)),
        spared=policy,
        finals_only=True,
    )
    whole = [step for _, batch in worker.batches for step in batch.steps if step.finishes]
    assert all(step.opens for step in whole)
    assert [len(step.samples) / 16_000 for step in whole] == list(costs.by_length)
