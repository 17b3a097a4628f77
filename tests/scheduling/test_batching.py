"""Which steps a slot takes."""

from __future__ import annotations

import numpy as np

from rasr.scheduling.batching import Shares, choose
from rasr.scheduling.overload import StepPolicy
from rasr.scheduling.task import DecodeTask, End, Piece
from tests.scheduling.commanded import MS, Heard, known

NOW = 100.0
POLICY = StepPolicy.of(known(max_batch=16), step_ms=100, partial_ms=100, partials=True)


def task(number: int, due: float, *, ends: bool = False, awaited: bool = False) -> DecodeTask:
    """A task that is ready, with a step that is due at `due`."""
    made = DecodeTask(number, Heard(), number, POLICY)
    made.accept(Piece(np.zeros(100 * MS, np.int16), due))
    if ends or awaited:
        made.end = End(due, silence=0, awaited=awaited)
    made.make_ready(due)
    return made


def chosen(ready: list[DecodeTask], *, idle: int = 0, max_batch: int = 16) -> set[int]:
    taken = choose(ready, Shares(), slot=0, idle_slots=idle, max_batch=max_batch, now=NOW)
    return {one.stream for one in taken}


def test_all_that_is_ready_makes_a_batch_up_to_the_largest() -> None:
    ready = [task(number, NOW - number) for number in range(20)]
    assert chosen(ready) == set(range(4, 20))


def test_slots_that_have_nothing_to_do_are_left_their_share() -> None:
    ready = [task(number, NOW - number) for number in range(5)]
    assert chosen(ready, idle=1) == {2, 3, 4}


def test_ends_that_are_due_go_first() -> None:
    ready = [task(1, NOW - 5), task(2, NOW, ends=True), task(3, NOW - 1, ends=True)]
    assert chosen(ready) == {1, 2, 3}
    assert chosen(ready, max_batch=2) == {2, 3}


def test_an_end_is_as_good_as_due_with_the_chunk_before_it() -> None:
    ready = [task(1, NOW - 5), task(2, NOW + 0.2, ends=True)]
    assert chosen(ready, max_batch=1) == {2}
    assert chosen([*ready, task(3, NOW + 0.2, awaited=True)]) == {3}


def test_an_end_that_is_not_due_yet_is_like_other_audio() -> None:
    ready = [task(1, NOW - 5), task(2, NOW + 60, ends=True)]
    assert chosen(ready) == {1, 2}
    assert chosen(ready, max_batch=1) == {1}


def test_ends_for_which_a_client_waits_go_alone() -> None:
    ready = [task(1, NOW - 5), task(2, NOW, awaited=True), task(3, NOW, ends=True)]
    assert chosen(ready) == {2}


def test_nothing_goes_alone_where_a_full_batch_is_ready() -> None:
    ready = [task(number, NOW - 5) for number in range(2, 5)] + [task(1, NOW, awaited=True)]
    assert chosen(ready, max_batch=4) == {1, 2, 3, 4}


def test_what_a_client_waits_for_and_is_not_due_goes_with_the_rest() -> None:
    assert chosen([task(1, NOW - 5), task(2, NOW + 60, awaited=True)]) == {1, 2}
