"""What a run with dying workers is judged by, and that every disturbance hits a worker process."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from dataclasses import replace
from math import inf

import pytest

from bench.chaos import Course, Outcome, Reply, disturb, let_go, workers_of
from bench.soak import Sample
from decoder.registry import EngineSpec
from rasr.scheduling import ProcessWorker
from tests.processes import LONG_S, Process, until

EMPTY = Sample(0, 100.0, 0.0, 20, 5, 3, 0, 0, 0.0, 0.0)
GOOD = Reply(("so it is",), (), 0.5)


def outcome(
    *replies: Reply, empty_after: Sample = EMPTY, faults: int = 0, after: Reply = GOOD
) -> Outcome:
    course = Course([("rain", one) for one in replies])
    return Outcome(
        {"rain": GOOD},
        course,
        {"rain": after},
        EMPTY,
        empty_after,
        restarts=3,
        replays=1,
        faults=faults,
    )


def test_who_is_answered_as_in_peace_meets_every_bar() -> None:
    assert all(outcome(GOOD, replace(GOOD, took_s=40.0)).bars().values())


@pytest.mark.parametrize(
    ("seen", "bar"),
    [
        (outcome(replace(GOOD, finals=("so it was",))), "other words"),
        (outcome(replace(GOOD, finals=("so it is", "so it is"))), "other words"),
        (outcome(replace(GOOD, errors=("SIS.0305",))), "other words"),
        (outcome(GOOD, after=replace(GOOD, finals=())), "other words"),
        (outcome(GOOD, empty_after=replace(EMPTY, descriptors=21)), "descriptors"),
        (outcome(GOOD, empty_after=replace(EMPTY, tasks=6)), "tasks"),
        (outcome(GOOD, empty_after=replace(EMPTY, sessions=1)), "sessions"),
        (outcome(GOOD, faults=1), "faults of the server"),
    ],
)
def test_whatever_is_not_as_in_peace_misses_its_bar(seen: Outcome, bar: str) -> None:
    assert [name for name, met in seen.bars().items() if not met] == [bar]


def test_a_recording_that_is_not_answered_misses_its_bar() -> None:
    seen = outcome(GOOD)
    seen.course.faults = Counter({"no answer within 60 s": 1})
    assert [name for name, met in seen.bars().items() if not met] == ["not answered"]


async def test_workers_are_stopped_and_killed_and_those_that_are_stopped_are_let_go() -> None:
    worker = ProcessWorker(EngineSpec("fake", {"streams": 4}))
    await worker.start(lambda: None)
    try:
        process, course = Process(worker.pid), Course()
        # Those of tests before may still be about to end.
        await until(lambda: [one.pid for one in workers_of(os.getpid())] == [process.pid])
        # A seed whose first one is a stop.
        seed = next(n for n in range(99) if _first_stops(n))
        disturbing = asyncio.create_task(
            disturb(os.getpid(), random.Random(seed), 0.01, inf, course)
        )
        await until(lambda: course.stopped == 1)
        disturbing.cancel()
        await asyncio.wait({disturbing})
        if not course.killed:
            await until(lambda: process.stopped)
            let_go(os.getpid())
            await until(lambda: not process.stopped)
        async with asyncio.timeout(LONG_S):
            await disturb_until_killed(course)
        await until(lambda: process.gone)
    finally:
        worker.stop()


def _first_stops(seed: int) -> bool:
    choice = random.Random(seed)
    return [choice.random() for _ in range(3)][2] < 1 / 3


async def disturb_until_killed(course: Course) -> None:
    disturbing = asyncio.create_task(disturb(os.getpid(), random.Random(2), 0.01, inf, course))
    await until(lambda: course.killed >= 1)
    disturbing.cancel()
    await asyncio.wait({disturbing})
