"""Calibration: every size on every slot, spread-out repeats, stopped between two steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from decoder import Capabilities
from rasr.scheduling import StepCosts
from rasr.scheduling.calibration import Plan, calibrate
from rasr.scheduling.costs import MOST_DISTURBANCE
from rasr.scheduling.engine_host import Batch, StepResult
from rasr.scheduling.overload import StepPolicy
from tests.scheduling.commanded import MS, known, milliseconds


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
    costs = await calibrate([worker], Plan(policy, max_batch, streams, speech))
    assert costs is not None
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
    speech = milliseconds(*range(1, 1001))
    costs = await calibrate([worker], Plan(policy, 1, 64, speech, spared=replace(policy, merged=2)))
    assert costs is not None
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
    # Of each length first as always, on both slots, then as on the level.
    steps = [counted[end.stream] for end in finished]
    assert sum(steps[0::4] + steps[1::4]) > 1.5 * sum(steps[2::4] + steps[3::4])


async def test_an_engine_that_only_makes_finals_is_measured_with_one_reading_of_each() -> None:
    worker = CountingWorker(slots=1)
    policy = StepPolicy.of(
        known(first=300 * MS, every=300 * MS), step_ms=400, partial_ms=200, partials=True
    )
    speech = milliseconds(*range(1, 1001))
    costs = await calibrate([worker], Plan(policy, 1, 64, speech, spared=policy, finals_only=True))
    assert costs is not None
    whole = [step for _, batch in worker.batches for step in batch.steps if step.finishes]
    assert all(step.opens for step in whole)
    assert [len(step.samples) / 16_000 for step in whole] == list(costs.by_length)


class Machine:
    """A worker whose steps take what the test says, by a clock of their own."""

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots
        self.now = 0.0
        self.processor_s = 0.0
        self.slower: Callable[[], float] = lambda: 1.0
        """How many times longer a step takes just now."""
        self.sizes: list[int] = []
        self.open: set[int] = set()

    def run(self, batch: Batch, slot: int) -> Awaitable[list[StepResult]]:
        return self._run(batch)

    async def _run(self, batch: Batch) -> list[StepResult]:
        if batch.steps:
            size = len(batch.steps)
            self.sizes.append(size)
            self.open.update(step.stream for step in batch.steps if not step.finishes)
            self.open.difference_update(step.stream for step in batch.steps if step.finishes)
            needed_s = 0.010 + 0.004 * size
            self.processor_s += needed_s
            self.now += needed_s * self.slower()
        self.open.difference_update(batch.discard)
        return [StepResult(step.stream, None) for step in batch.steps]

    def plan(self, *, max_batch: int = 8, rereads: bool = False) -> Plan:
        policy = StepPolicy.of(
            known(first=300 * MS, every=300 * MS), step_ms=300, partial_ms=300, partials=True
        )
        return Plan(
            policy,
            max_batch,
            64,
            milliseconds(*range(1, 1001)),
            spared=policy if rereads else None,
            processor_s=lambda: self.processor_s,
            clock=lambda: self.now,
        )


async def costs_of(machine: Machine, plan: Plan) -> StepCosts:
    costs = await calibrate([machine], plan)
    assert costs is not None
    return costs


async def test_a_machine_that_does_nothing_else_is_measured_as_it_is() -> None:
    machine = Machine()
    costs = await costs_of(machine, machine.plan())
    assert costs.seconds == pytest.approx({1: 0.014, 2: 0.018, 4: 0.026, 8: 0.042})
    assert costs.disturbance == pytest.approx(1.0)
    assert costs.agreeing == 1


@pytest.mark.parametrize("spoilt", range(4))
async def test_a_neighbour_for_a_quarter_of_the_time_spoils_no_cost(spoilt: int) -> None:
    machine = Machine()
    quiet = await costs_of(machine, machine.plan())
    quarter_s = machine.now / 4
    machine = Machine()
    machine.slower = lambda: (
        5.0 if spoilt * quarter_s <= machine.now < (spoilt + 1) * quarter_s else 1.0
    )
    assert (await costs_of(machine, machine.plan())).seconds == pytest.approx(quiet.seconds)


async def test_repeats_of_one_size_lie_apart() -> None:
    machine = Machine()
    await calibrate([machine], machine.plan())
    turns = [size for at, size in enumerate(machine.sizes) if machine.sizes[at - 1] != size]
    assert turns == [1, 2, 4, 8, 1, 2, 4, 8]


async def test_steps_that_all_take_longer_alike_are_noticed_by_the_processor_time() -> None:
    machine = Machine()
    machine.slower = lambda: 4.0
    costs = await costs_of(machine, machine.plan())
    assert costs.disturbance == pytest.approx(4.0)
    assert costs.is_disturbed
    assert costs.agreeing == 0
    unknown = await costs_of(machine, replace(machine.plan(), processor_s=lambda: None))
    assert unknown.disturbance < MOST_DISTURBANCE


async def test_steps_that_take_now_longer_now_shorter_are_noticed_without_it() -> None:
    machine = Machine()
    # The second turn of all sizes.
    machine.slower = lambda: 4.0 if len(machine.sizes) > 4 * 9 else 1.0
    costs = await costs_of(machine, replace(machine.plan(), processor_s=lambda: None))
    assert costs.is_disturbed


@pytest.mark.parametrize("rereads", [False, True])
async def test_on_a_machine_that_is_slow_it_ends_when_it_has_the_least(rereads: bool) -> None:
    machine = Machine()
    machine.slower = lambda: 20.0
    plan = replace(machine.plan(rereads=rereads), most_s=1.0)
    costs = await costs_of(machine, plan)
    assert next(iter(costs.seconds)) == 1
    assert list(costs.by_length) == ([2.0] if rereads else [])
    assert machine.now < 10.0
    assert not machine.open


@pytest.mark.parametrize("rereads", [False, True])
async def test_a_short_one_measures_what_it_can_once_and_agrees_with_nothing(rereads: bool) -> None:
    quiet, machine = Machine(), Machine()
    whole = await costs_of(quiet, quiet.plan(max_batch=16, rereads=rereads))
    plan = replace(machine.plan(max_batch=16, rereads=rereads), most_s=1.0, repeats=False)
    costs = await costs_of(machine, plan)
    assert (whole.agreeing, costs.agreeing) == (1, 0)
    assert len(costs.seconds) > 2
    assert costs.seconds == pytest.approx({size: whole.seconds[size] for size in costs.seconds})
    # It lets in no more: larger batches are cheaper, longer utterances hardly dearer.
    assert costs.per_second_of() >= whole.per_second_of() * 0.9
    assert machine.now < 2.0 < quiet.now
    assert not machine.open


@pytest.mark.parametrize("steps", [0, 1, 5, 30, 60])
async def test_it_ends_before_the_next_step_when_it_is_told(steps: int) -> None:
    machine = Machine()
    plan = replace(machine.plan(rereads=True), goes_on=lambda: len(machine.sizes) < steps)
    costs = await calibrate([machine], plan)
    assert len(machine.sizes) <= steps
    assert not machine.open
    # Two warm steps and seven of size 1, and as much of an utterance of each policy.
    assert (costs is None) == (steps < 60)


async def test_nothing_is_measured_that_would_keep_somebody_waiting() -> None:
    machine = Machine()
    took: list[float] = []
    run = machine._run

    async def timed(batch: Batch) -> list[StepResult]:
        begun = machine.now
        results = await run(batch)
        took.append(machine.now - begun)
        return results

    machine._run = timed  # type: ignore[method-assign]
    costs = await costs_of(machine, replace(machine.plan(max_batch=64), most_step_s=0.1))
    assert max(took) <= 0.1
    assert max(costs.seconds) == 16


async def test_where_even_one_step_would_keep_somebody_waiting_it_is_one() -> None:
    machine = Machine()
    machine.slower = lambda: 10.0
    assert await calibrate([machine], replace(machine.plan(), most_step_s=0.1)) is None
    assert len(machine.sizes) <= 2
    assert not machine.open
