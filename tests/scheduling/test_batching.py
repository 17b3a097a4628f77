"""Which steps a call takes."""

from __future__ import annotations

import numpy as np

from decoder import Capabilities, HotWord, Hypothesis
from rasr.scheduling.batching import choose
from rasr.scheduling.job import Cadence, Job, Piece

NOW = 100.0
CADENCE = Cadence.of(
    Capabilities("any", ("english",), 1000, True, True, False, 16),
    step_ms=100,
    partial_ms=100,
    partials=True,
)


class Deaf:
    """A sink for jobs that are never told anything."""

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        raise AssertionError

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        raise AssertionError

    def failed(self, sentence: str) -> None:
        raise AssertionError


def job(number: int, due: float, *, ends: bool = False, awaited: bool = False) -> Job:
    made = Job(number, Deaf(), object(), CADENCE, ())
    made.accept(Piece(np.zeros(100, np.int16), due))
    made.finishing, made.awaited, made.finish_due = ends or awaited, awaited, due
    return made


def chosen(ready: list[Job], *, idle: int = 0, max_batch: int = 16) -> set[int]:
    taken = choose(ready, call=0, idle_calls=idle, max_batch=max_batch, now=NOW)
    return {one.number for one in taken}


def test_all_that_is_ready_makes_a_batch_up_to_the_largest() -> None:
    ready = [job(number, NOW - number) for number in range(20)]
    assert chosen(ready) == set(range(4, 20))


def test_calls_that_have_nothing_to_do_are_left_their_share() -> None:
    ready = [job(number, NOW - number) for number in range(5)]
    assert chosen(ready, idle=1) == {2, 3, 4}


def test_ends_that_are_due_go_first() -> None:
    ready = [job(1, NOW - 5), job(2, NOW, ends=True), job(3, NOW - 1, ends=True)]
    assert chosen(ready) == {1, 2, 3}
    assert chosen(ready, max_batch=2) == {2, 3}


def test_an_end_is_as_good_as_due_with_the_chunk_before_it() -> None:
    ready = [job(1, NOW - 5), job(2, NOW + 0.2, ends=True)]
    assert chosen(ready, max_batch=1) == {2}
    assert chosen([*ready, job(3, NOW + 0.2, awaited=True)]) == {3}


def test_an_end_that_is_not_due_yet_is_like_other_sound() -> None:
    ready = [job(1, NOW - 5), job(2, NOW + 60, ends=True)]
    assert chosen(ready) == {1, 2}
    assert chosen(ready, max_batch=1) == {1}


def test_ends_for_which_a_client_waits_go_alone() -> None:
    ready = [job(1, NOW - 5), job(2, NOW, awaited=True), job(3, NOW, ends=True)]
    assert chosen(ready) == {2}


def test_nothing_goes_alone_where_a_full_batch_is_ready() -> None:
    ready = [job(number, NOW - 5) for number in range(2, 5)] + [job(1, NOW, awaited=True)]
    assert chosen(ready, max_batch=4) == {1, 2, 3, 4}


def test_what_a_client_waits_for_and_is_not_due_goes_with_the_rest() -> None:
    assert chosen([job(1, NOW - 5), job(2, NOW + 60, awaited=True)]) == {1, 2}
