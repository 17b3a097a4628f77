"""Aligners: bounded, off the event loop, and none the worse for a process that dies or hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import pytest

from bench.recordings import load
from decoder import DecoderError, Hypothesis, Word
from decoder.alignment import Phrase, WordTimes
from decoder.engine import Samples
from decoder.loudness import spread_words
from rasr.runtime import alignment as room
from rasr.runtime.alignment import Aligners, AlignmentStatistics, WordAligner
from rasr.scheduling import answer_questions
from rasr.text.spoken import load_spellers
from tests.processes import LONG_S, until

SECOND = 16_000
STEP = 100


class Letters:
    """A speller for whom words are said as they are written, without their marks."""

    def spoken(self, text: str) -> tuple[str, ...]:
        return tuple(word.strip(".,").lower() for word in text.split())

    def together(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """A number goes with the word behind it."""
        at = 0
        while at < len(texts):
            count = 2 if texts[at].startswith("$") else 1
            yield at, at + count
            at += count


def commanded(connection: Connection) -> None:
    """The work of a process that does what the first word says, and finds a time for each phrase:
    the first 100 samples are of the first one."""

    def answer(question: tuple[list[Phrase], Samples]) -> list[WordTimes]:
        phrases, _ = question
        match phrases[0].spoken[0]:
            case "die":
                os._exit(1)
            case "hang":
                threading.Event().wait()
            case "miscount":
                return []
            case "unfit":
                return [WordTimes(0, 1, aligned=False) for _ in phrases]
        return [
            WordTimes(STEP * number, STEP * (number + 1), aligned=True)
            for number, phrase in enumerate(phrases)
            for _ in phrase.texts
        ]

    answer_questions(connection, lambda: (None, answer))


def unavailable(connection: Connection) -> None:
    """The work of a process that cannot load its aligner."""

    def load_nothing() -> tuple[None, Callable[[Any], Any]]:
        raise DecoderError("there is no model")

    answer_questions(connection, load_nothing)


def dead(connection: Connection) -> None:
    """The work of a process that dies while it loads."""
    os._exit(1)


def stopped(connection: Connection) -> None:
    """The work of a process that is stopped before it has loaded anything."""
    os.kill(os.getpid(), signal.SIGSTOP)


def guessed(text: str, samples: Samples) -> Hypothesis:
    texts = text.split()
    words = spread_words(texts, [0.5] * len(texts), samples)
    return Hypothesis(tuple(words), text, 0.5)


AUDIO = np.full(SECOND, 1000, np.int16)
GUESS = guessed("Go on.", AUDIO)
ALIGNED = (Word("Go", 0, STEP, 0.5), Word("on.", STEP, 2 * STEP, 0.5))


@asynccontextmanager
async def running(
    work: Callable[[Connection], None] | None = commanded, **options: Any
) -> AsyncIterator[Aligners]:
    aligners = Aligners(
        {"english": Letters()}, work=work, **{"bound_s": LONG_S, "restart_delay_s": 0.0} | options
    )
    await aligners.start()
    try:
        yield aligners
    finally:
        aligners.close()


def at_once(work: Coroutine[Any, Any, Hypothesis]) -> Hypothesis:
    """What comes back in the same turn of the event loop."""
    with pytest.raises(StopIteration) as ended:
        work.send(None)
    result: Hypothesis = ended.value.value
    return result


def is_up(aligners: Aligners) -> bool:
    return all(worker.up for worker in aligners._workers)


async def test_words_get_the_times_that_were_found_and_nothing_else_changes() -> None:
    async with running() as aligners:
        aligner: WordAligner = aligners
        result = await aligner.align(GUESS, AUDIO, "english")
        assert result == replace(GUESS, words=ALIGNED)
        money = guessed("for $5 million", AUDIO)
        result = await aligner.align(money, AUDIO, "english")
        assert [word.start_sample for word in result.words] == [0, STEP, STEP]
        assert aligners.statistics == AlignmentStatistics(aligned=2)


async def test_where_there_is_nothing_to_do_the_hypothesis_comes_back_at_once() -> None:
    async with running() as aligners:
        for hypothesis, language in (
            (Hypothesis(), "english"),
            (replace(GUESS, words=ALIGNED), "english"),
            (guessed("你 好", AUDIO), "chinese"),
        ):
            assert at_once(aligners.align(hypothesis, AUDIO, language)) is hypothesis
        assert aligners.statistics == AlignmentStatistics()


async def test_words_that_do_not_fit_stay_guesses() -> None:
    async with running() as aligners:
        result = await aligners.align(guessed("unfit words", AUDIO), AUDIO, "english")
        assert all(word.times_guessed for word in result.words)
        assert aligners.statistics == AlignmentStatistics(unfit=1)


async def test_before_the_start_and_after_the_end_there_are_guesses() -> None:
    async with running() as aligners:
        pass
    assert at_once(aligners.align(GUESS, AUDIO, "english")) is GUESS
    never = Aligners({"english": Letters()}, work=commanded)
    assert at_once(never.align(GUESS, AUDIO, "english")) is GUESS
    assert never.statistics == AlignmentStatistics(lost=1)


async def test_a_process_that_dies_costs_a_guess_and_is_replaced() -> None:
    async with running() as aligners:
        dying = guessed("die now", AUDIO)
        assert await aligners.align(dying, AUDIO, "english") is dying
        await until(lambda: aligners.statistics.restarts == 1 and is_up(aligners))
        assert (await aligners.align(GUESS, AUDIO, "english")).words == ALIGNED
        assert aligners.statistics == AlignmentStatistics(aligned=1, lost=1, restarts=1)


async def test_a_process_that_dies_idle_is_replaced_before_there_is_work() -> None:
    async with running() as aligners:
        aligners._workers[0]._process.kill()
        await until(lambda: aligners.statistics.restarts == 1 and is_up(aligners))
        assert (await aligners.align(GUESS, AUDIO, "english")).words == ALIGNED


async def test_what_takes_longer_than_the_bound_is_a_guess() -> None:
    async with running(bound_s=0.05) as aligners:
        hanging = guessed("hang now", AUDIO)
        assert await aligners.align(hanging, AUDIO, "english") is hanging
        assert aligners.statistics == AlignmentStatistics(late=1)


async def test_a_process_that_hangs_costs_a_guess_and_is_replaced() -> None:
    async with running(hung_s=0.05) as aligners:
        hanging = guessed("hang now", AUDIO)
        assert await aligners.align(hanging, AUDIO, "english") is hanging
        await until(lambda: aligners.statistics.restarts == 1 and is_up(aligners))
        assert aligners.statistics == AlignmentStatistics(lost=1, restarts=1)


async def test_who_waits_for_a_process_is_served_when_it_is_free() -> None:
    async with running() as aligners:
        results = await asyncio.gather(
            *(aligners.align(GUESS, AUDIO, "english") for _ in range(20))
        )
        assert [result.words for result in results] == [ALIGNED] * 20


async def test_several_processes_work_at_the_same_time() -> None:
    async with running(processes=2) as aligners:
        hanging = asyncio.create_task(aligners.align(guessed("hang now", AUDIO), AUDIO, "english"))
        for _ in range(3):
            assert (await aligners.align(GUESS, AUDIO, "english")).words == ALIGNED
        hanging.cancel()


async def test_if_more_waits_than_the_bound_allows_the_guess_comes_at_once() -> None:
    async with running() as aligners:
        busy = asyncio.create_task(aligners.align(guessed("hang now", AUDIO), AUDIO, "english"))
        await until(lambda: not aligners._queue._idle)
        # Two seconds of audio then.
        aligners._queue._cost = LONG_S / 2 + 1.0
        assert at_once(aligners.align(GUESS, AUDIO, "english")) is GUESS
        assert aligners.statistics.late == 1
        busy.cancel()


async def test_what_nobody_waits_for_is_not_aligned() -> None:
    async with running() as aligners:
        busy = asyncio.create_task(aligners.align(guessed("hang now", AUDIO), AUDIO, "english"))
        await until(lambda: not aligners._queue._idle)
        waiting = asyncio.create_task(aligners.align(guessed("die now", AUDIO), AUDIO, "english"))
        await until(lambda: bool(aligners._queue._waiting))
        waiting.cancel()
        await asyncio.wait({waiting})
        assert not aligners._queue._waiting
        assert aligners._queue.expected_s(0.0) == room._FIRST_COST * 1.0
        busy.cancel()


async def test_whoever_waits_when_the_aligners_close_gets_a_guess() -> None:
    async with running() as aligners:
        busy = asyncio.create_task(aligners.align(guessed("hang now", AUDIO), AUDIO, "english"))
        await until(lambda: not aligners._queue._idle)
        waiting = asyncio.create_task(aligners.align(GUESS, AUDIO, "english"))
        await until(lambda: bool(aligners._queue._waiting))
    async with asyncio.timeout(LONG_S):
        assert await waiting is GUESS
        assert all(word.times_guessed for word in (await busy).words)
    assert aligners.statistics == AlignmentStatistics(lost=2)


async def test_what_an_alignment_costs_is_learnt() -> None:
    queue = room._Queue(1)
    given: list[room._Waiting] = []
    queue.idle(given.append)
    task = asyncio.create_task(queue.answer(([], AUDIO), 10.0))
    await asyncio.sleep(0)
    before = queue.expected_s(0.0)
    assert before == 10.0 * room._FIRST_COST
    queue.done(given[0], 10.0)
    # A second for each second of audio, of which a fifth is believed.
    assert queue._cost == pytest.approx(0.2 + 0.8 * room._FIRST_COST)
    given[0].answer.set_result([])
    assert await task == []
    # What is not tried teaches nothing, so that it must not be believed for ever.
    for _ in range(100):
        queue.passed_by()
    assert queue._cost == pytest.approx(room._FIRST_COST)


async def test_an_utterance_that_takes_longer_than_the_bound_by_itself_is_not_tried() -> None:
    async with running(bound_s=0.3) as aligners:
        aligners._queue._cost = 0.5
        assert at_once(aligners.align(GUESS, AUDIO, "english")) is GUESS
        assert aligners.statistics == AlignmentStatistics(late=1)
        assert aligners._queue._cost < 0.5


async def test_a_fault_of_ours_is_counted_and_costs_a_guess() -> None:
    async with running() as aligners:
        odd = guessed("miscount now", AUDIO)
        assert await aligners.align(odd, AUDIO, "english") is odd
        assert (await aligners.align(GUESS, AUDIO, "english")).words == ALIGNED
        assert aligners.statistics == AlignmentStatistics(aligned=1, faults=1)


@pytest.mark.parametrize(
    ("work", "said", "loading_s"),
    [
        (unavailable, "there is no model", LONG_S),
        (dead, "died while it loaded", LONG_S),
        (stopped, "has not loaded within 0.5 s", 0.5),
    ],
)
async def test_an_aligner_that_cannot_be_had_is_told(
    work: Callable[[Connection], None], said: str, loading_s: float
) -> None:
    with pytest.raises(DecoderError, match=said):
        async with running(work, loading_s=loading_s):
            pass


async def test_a_replacement_that_never_loads_is_given_up_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running() as aligners:
        (worker,) = aligners._workers
        monkeypatch.setattr(worker, "_work", stopped)
        monkeypatch.setattr(worker, "_loading_s", 0.5)
        first = worker._process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: worker._process.pid not in (None, first))
        monkeypatch.setattr(worker, "_work", commanded)
        monkeypatch.setattr(worker, "_loading_s", LONG_S)
        await until(lambda: worker.up)
        assert (await aligners.align(GUESS, AUDIO, "english")).words == ALIGNED
        assert aligners.statistics.restarts == 1


async def test_a_process_that_is_stopped_does_not_keep_the_aligners_from_closing() -> None:
    async with running() as aligners:
        (worker,) = aligners._workers
        assert worker._process.pid is not None
        os.kill(worker._process.pid, signal.SIGSTOP)
        waiting = asyncio.ensure_future(aligners.align(GUESS, AUDIO, "english"))
        await until(lambda: not aligners._queue._idle)
    assert await waiting is GUESS


@pytest.mark.engine
async def test_recognised_words_are_aligned_in_a_process() -> None:
    recording = load("bed")
    text = "He went to bed early, and got up early."
    async with _real() as aligners:
        result = await aligners.align(
            guessed(text, recording.samples), recording.samples, "english"
        )
    assert [word.text for word in result.words] == text.split()
    for word, said in zip(result.words, recording.words, strict=True):
        assert not word.times_guessed
        assert abs(word.start_sample / 16 - said.start_ms) <= 80


@asynccontextmanager
async def _real() -> AsyncIterator[Aligners]:
    aligners = Aligners(load_spellers(), bound_s=LONG_S)
    await aligners.start()
    try:
        yield aligners
    finally:
        aligners.close()
