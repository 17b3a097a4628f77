"""Which pass gives the final, when it is told, and that it is told once, whatever comes when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import HotWord, Hypothesis, Word
from decoder.engine import Samples
from rasr.recognition.config import EngineChoice
from rasr.recognition.events import Final, RecognitionEvent, Warning
from rasr.runtime.alignment import WordAligner
from rasr.runtime.finals import FinalChoice, GivenUp, PassOutcome, Result
from rasr.scheduling import Priority
from rasr.tasks import notice_faults
from tests.recognition.talk import hush, speech
from tests.runtime.fakes import (
    Heard,
    PlayedScheduler,
    PlayedTask,
    access,
    config_of,
    recognizer,
    settle,
    statistics,
    words,
)
from tests.runtime.played_loop import pass_time, played

TIMEOUT_S = 1.5
TWO_PASSES = EngineChoice("engine", final=EngineChoice("finals"))
WORDS, OTHERS, NONE, FAULT = words("one two"), words("won too"), Hypothesis(), GivenUp("why")


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        (WORDS, OTHERS, OTHERS),
        (None, OTHERS, OTHERS),
        (FAULT, OTHERS, OTHERS),
        (NONE, OTHERS, OTHERS),
        (WORDS, NONE, WORDS),
        (None, NONE, None),
        (FAULT, NONE, NONE),
        (NONE, NONE, NONE),
        (WORDS, None, WORDS),
        (None, None, None),
        (FAULT, None, FAULT),
        (NONE, None, NONE),
    ],
)
@pytest.mark.parametrize("first_comes_first", [True, False])
def test_the_final_is_that_of_the_second_pass_if_it_has_words_else_that_of_the_first(
    first: Result | None, second: Hypothesis | None, result: Result | None, first_comes_first: bool
) -> None:
    choice = FinalChoice(second_pass=True)
    if first is not None and first_comes_first:
        choice.first(first)
        assert choice.result is None
    choice.second(second)
    if first is not None and not first_comes_first:
        choice.first(first)
    assert choice.result is result


def test_without_a_second_pass_the_first_one_decides() -> None:
    choice = FinalChoice(second_pass=False)
    assert choice.result is None
    choice.first(WORDS)
    assert choice.result is WORDS


class _Told(Heard):
    """A listener that keeps warnings and finals whole."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []
        self.finals: list[Final] = []

    def on_event(self, event: RecognitionEvent) -> None:
        super().on_event(event)
        if isinstance(event, Warning):
            self.warnings.append(event.message)
        if isinstance(event, Final):
            self.finals.append(event)


class Stage:
    """A recognition with two passes, whose engines a test plays."""

    def __init__(
        self,
        engine: EngineChoice = TWO_PASSES,
        *,
        rereads: bool = False,
        priority: Priority = Priority.LIVE,
        aligner: WordAligner | None = None,
        **fields: Any,
    ) -> None:
        self.live, self.finals = PlayedScheduler(), PlayedScheduler(rereads=rereads)
        self.statistics = statistics()
        self.runner = recognizer(
            self.live, finals=self.finals, final_timeout_s=TIMEOUT_S, aligner=aligner
        ).start(
            replace(config_of(**fields), engine=engine),
            access(),
            self.statistics,
            owner="me",
            priority=priority,
        )
        self.heard = _Told()
        self.runner.attach(self.heard)

    def say_one(self) -> PlayedTask:
        """One sentence; its first pass."""
        self.runner.feed(speech(600) + hush(600))
        return self.live.tasks[-1]

    def give_up(self) -> None:
        """As the runner does of which nothing comes for too long."""
        self.runner._give_up()

    @property
    def told(self) -> list[str]:
        """What was told of texts and of the end."""
        return [line for line in self.heard.lines if line not in ("started", "ended")]

    @property
    def outcomes(self) -> dict[str, int]:
        return dict(self.statistics.second_passes)


async def test_partials_come_from_the_live_engine_and_the_final_from_the_second_pass() -> None:
    stage = Stage()
    first = stage.say_one()
    second = stage.finals.tasks[0]
    first.partial("won")
    first.final("won too")
    second.final("one two")
    assert stage.told == ["partial won", "partial won too", "final one two"]
    assert [event.hypothesis.second_pass for event in stage.heard.finals] == [True]
    assert (first.priority, second.priority) == (Priority.LIVE, Priority.SECOND_PASS)
    assert (first.partials, second.partials) == (True, False)
    assert np.array_equal(np.concatenate(first.samples), np.concatenate(second.samples))
    assert second.end.is_set()
    assert stage.outcomes == {PassOutcome.IN_TIME: 1}
    # Both have worked a quarter of a second on it.
    assert stage.statistics.busy_s == 0.5


async def test_the_first_pass_is_given_up_once_the_second_has_words() -> None:
    stage = Stage()
    first = stage.say_one()
    stage.finals.tasks[0].final("one two")
    assert first.abandoned
    assert stage.told == ["final one two"]


def test_a_second_pass_that_is_late_is_given_up_and_the_first_pass_stands() -> None:
    async def late() -> None:
        stage = Stage()
        stage.say_one().final("won too")
        await pass_time(TIMEOUT_S - 0.01)
        assert stage.told == ["partial won too"]
        await pass_time(0.02)
        assert stage.told == ["partial won too", "final won too"]
        assert stage.finals.tasks[0].abandoned
        assert stage.outcomes == {PassOutcome.LATE: 1}

    played(late)


def test_nobody_who_reads_a_recording_is_told_a_worse_text_because_the_machine_is_busy() -> None:
    async def recording() -> None:
        stage = Stage(priority=Priority.BATCH)
        stage.say_one().final("won too")
        await pass_time(100 * TIMEOUT_S)
        (second,) = stage.finals.tasks
        assert second.priority is Priority.BATCH
        assert stage.runner.backlog_s > 0
        second.final("one two")
        assert stage.told[-1] == "final one two"
        assert stage.runner.backlog_s == 0

    played(recording)


async def test_who_speaks_is_not_held_up_by_what_a_second_pass_has_to_read() -> None:
    stage = Stage()
    first = stage.say_one()
    first.is_decoded = True
    assert stage.runner.backlog_s == 0


async def test_an_engine_without_a_worker_is_not_waited_for() -> None:
    stage = Stage()
    stage.finals.workers_up = 0
    stage.say_one().final("won too")
    assert stage.told == ["final won too"]
    assert stage.finals.tasks == []
    assert stage.outcomes == {PassOutcome.FAILED: 1}


async def test_an_utterance_on_which_the_live_engine_fails_is_saved() -> None:
    stage = Stage()
    stage.runner.feed(speech(600))
    stage.live.tasks[0].partial("won")
    stage.live.tasks[0].fail("the engine fell over")
    stage.runner.feed(speech(200) + hush(600))
    (second,) = stage.finals.tasks
    assert sum(map(len, second.samples)) > 16 * 800
    second.final("one two three")
    stage.runner.finish()
    assert stage.told == ["partial won", "final one two three", "done finished"]


async def test_an_utterance_on_which_both_fail_ends_the_recognition_as_with_one_engine() -> None:
    stage = Stage()
    first = stage.say_one()
    first.partial("won")
    first.fail("the engine fell over")
    stage.finals.tasks[0].fail("this one too")
    assert stage.told == ["partial won", "Failure", "final won", "done failed"]
    assert stage.outcomes == {PassOutcome.FAILED: 1}


async def test_a_final_that_waits_is_not_lost_when_the_recognition_is_given_up() -> None:
    stage = Stage(partials=False)
    stage.say_one().final("won too")
    assert stage.told == []
    stage.give_up()
    assert stage.told == ["Failure", "final won too", "done failed"]
    assert stage.finals.tasks[0].abandoned


@pytest.mark.parametrize("rereads", [True, False])
async def test_an_engine_that_reads_whole_utterances_is_given_them_whole(rereads: bool) -> None:
    stage = Stage(rereads=rereads)
    for _ in range(5):
        stage.runner.feed(speech(200))
    stage.runner.feed(hush(600))
    assert (len(stage.finals.tasks[0].samples) == 1) is rereads


KNOWS, KNOWS_NONE = EngineChoice("engine", hot_words=True), EngineChoice("engine")
FINALS_KNOW = EngineChoice("finals", hot_words=True)


@pytest.mark.parametrize(
    ("engine", "first", "second", "warnings"),
    [
        (replace(KNOWS, final=FINALS_KNOW), 1, 1, []),
        (replace(KNOWS_NONE, final=FINALS_KNOW), 0, 1, []),
        (
            replace(KNOWS, final=EngineChoice("finals")),
            1,
            0,
            ["the 1 hot words have no effect on finals: the engine 'finals' knows none"],
        ),
        (
            replace(KNOWS_NONE, final=EngineChoice("finals")),
            0,
            0,
            ["the 1 hot words have no effect: the engine 'finals' knows none"],
        ),
    ],
)
async def test_each_pass_prefers_hot_words_if_it_knows_how(
    engine: EngineChoice, first: int, second: int, warnings: Sequence[str]
) -> None:
    stage = Stage(engine, hot_words=(HotWord("Thornvik"),), warnings=True)
    stage.say_one()
    assert len(stage.live.tasks[0].hot_words) == first
    assert len(stage.finals.tasks[0].hot_words) == second
    assert stage.heard.warnings == warnings


async def test_only_what_the_engine_of_the_finals_cannot_prefer_is_told() -> None:
    engine = replace(KNOWS, final=FINALS_KNOW)
    stage = Stage(engine, hot_words=(HotWord("Thornvik"),), warnings=True)
    stage.say_one().listener.hot_words_refused((HotWord("Thornvik"),))
    assert stage.heard.warnings == []
    stage.finals.tasks[0].listener.hot_words_refused((HotWord("Thornvik"),))
    assert stage.heard.warnings == [
        "these hot words have no effect: 'Thornvik'; the model of 'finals' cannot write them"
    ]


# The times of words


class PlayedAligner:
    """Answers when a test lets it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, str]] = []
        self.answer: asyncio.Future[Hypothesis] = asyncio.get_running_loop().create_future()

    async def align(self, hypothesis: Hypothesis, samples: Samples, language: str) -> Hypothesis:
        self.asked.append((hypothesis.text, len(samples), language))
        return await self.answer


GUESSED = replace(words("one"), words=(Word("one", 0, 1600, 0.9, times_guessed=True),))
TIMED = replace(words("one"), words=(Word("one", 320, 960, 0.9),))


def _final_words(stage: Stage) -> list[Word]:
    return [word for event in stage.heard.finals for word in event.hypothesis.words]


async def test_a_final_with_guessed_times_is_told_once_they_are_found() -> None:
    aligner = PlayedAligner()
    stage = Stage(EngineChoice("engine"), aligner=aligner, word_times=True)
    task = stage.say_one()
    task.listener.hypothesis(GUESSED, final=True)
    await settle()
    assert aligner.asked == [("one", sum(map(len, task.samples)), "english")]
    assert stage.told == ["partial one"]
    aligner.answer.set_result(TIMED)
    await settle()
    assert stage.told == ["partial one", "final one"]
    assert _final_words(stage) == list(TIMED.words)


@pytest.mark.parametrize("second_knows", [True, False])
async def test_the_engine_that_gave_the_final_decides_whether_its_words_are_aligned(
    second_knows: bool,
) -> None:
    aligner = PlayedAligner()
    stage = Stage(aligner=aligner, word_times=True)
    stage.say_one().listener.hypothesis(GUESSED, final=True)
    stage.finals.tasks[0].listener.hypothesis(TIMED if second_knows else GUESSED, final=True)
    await settle()
    assert (aligner.asked == []) is second_knows
    assert (stage.told[-1] == "final one") is second_knows
    stage.runner.close("the test is over")


async def test_times_that_nobody_asked_for_cost_nothing() -> None:
    aligner = PlayedAligner()
    stage = Stage(EngineChoice("engine"), aligner=aligner)
    stage.say_one().listener.hypothesis(GUESSED, final=True)
    assert stage.told == ["final one"]
    assert aligner.asked == []


async def test_an_aligner_that_raises_costs_the_times_alone() -> None:
    aligner = PlayedAligner()
    stage = Stage(EngineChoice("engine"), aligner=aligner, word_times=True)
    stage.say_one().listener.hypothesis(GUESSED, final=True)
    aligner.answer.set_exception(ValueError("a fault of ours"))
    await settle()
    assert _final_words(stage) == list(GUESSED.words)


@pytest.mark.parametrize("how", ["drop", "cancel", "close", "give up"])
async def test_a_segment_may_be_given_up_while_its_words_are_aligned(how: str) -> None:
    aligner = PlayedAligner()
    stage = Stage(EngineChoice("engine"), aligner=aligner, word_times=True)
    stage.say_one().listener.hypothesis(GUESSED, final=True)
    await settle()
    match how:
        case "drop":
            stage.runner.drop()
        case "cancel":
            stage.runner.cancel()
        case "close":
            stage.runner.close("gone")
        case _:
            stage.give_up()
    await settle()
    assert aligner.answer.cancelled()
    assert not any(task.get_name() == "align" for task in asyncio.all_tasks())
    finals = [line for line in stage.told if line.startswith("final")]
    assert finals == (["final one"] if how == "give up" else [])


# Any order


@dataclass
class Expected:
    """What must come of one segment, by the rules and nothing else."""

    ended_at: float | None = None
    first: str | None = None
    first_failed: bool = False
    second: str | None = None
    second_over: bool = False
    partial: str = ""
    gone: bool = False

    @property
    def text(self) -> str | None:
        """Its final, if it must have been told."""
        if self.second_over and self.second:
            return self.second
        if not self.second_over:
            return None
        if self.first is not None:
            return self.first
        if self.first_failed:
            return self.partial if self.second is None else ""
        return None

    @property
    def failed(self) -> bool:
        return self.first_failed and self.second_over and self.second is None


class Play:
    """One recognition and what must come of it."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.loop = asyncio.get_running_loop()
        self.segments: list[Expected] = []
        self.passes: list[Expected] = []
        """Those whose second pass was begun, in order."""
        self.is_closed = False

    def feed(self) -> None:
        if not self.is_closed:
            self.stage.runner.feed(speech(600))
            self.look()

    def pause(self) -> None:
        if not self.is_closed:
            self.stage.runner.feed(hush(700))
            self.look()

    def end(self) -> None:
        self.is_closed = True
        self.stage.runner.finish()
        self.look()

    def drop(self) -> None:
        if not self.is_closed:
            for one in self.segments:
                one.gone = one.gone or one.text is None or not self._is_told(one)
            self.stage.runner.drop()
            self.look()

    def toggle(self) -> None:
        self.stage.finals.workers_up = 1 - self.stage.finals.workers_up

    async def time(self) -> None:
        await pass_time(TIMEOUT_S / 2)
        for one in self.segments:
            late = one.ended_at is not None and self.loop.time() >= one.ended_at + TIMEOUT_S
            one.second_over = one.second_over or late
        self.look()

    def first(self, number: int, what: str) -> None:
        live = self.stage.live.tasks
        if number >= len(live) or live[number].abandoned or live[number].is_over:
            return
        task, one, text = live[number], self.segments[number], f"first {number} {what}"
        if what == "partial":
            one.partial = text
            task.partial(text)
        elif what == "fail":
            one.first_failed = True
            task.fail("the first engine fell over")
        elif task.end.is_set():
            one.first = "" if what == "empty" else text
            one.partial = one.first if not one.second_over else one.partial
            task.final(one.first)
        self.look()

    def second(self, number: int, what: str) -> None:
        tasks = self.stage.finals.tasks
        if number >= len(tasks) or tasks[number].abandoned or tasks[number].is_over:
            return
        task, one = tasks[number], self.passes[number]
        one.second_over = True
        if what == "fail":
            task.fail("the second engine fell over")
        else:
            one.second = "" if what == "empty" else f"second {number}"
            task.final(one.second)
        self.look()

    def _is_told(self, one: Expected) -> bool:
        before = self.segments[: self.segments.index(one)]
        return all(other.gone or other.text is not None for other in before)

    def look(self) -> None:
        """Learn which segments began and ended, then hold what was told against the rules."""
        live = self.stage.live.tasks
        self.segments += [Expected() for _ in live[len(self.segments) :]]
        for one, task in zip(self.segments, live, strict=True):
            if one.ended_at is None and task.end.is_set():
                one.ended_at = self.loop.time()
                if len(self.stage.finals.tasks) > len(self.passes):
                    self.passes.append(one)
                else:
                    one.second_over = True
        told = [line[6:] for line in self.stage.heard.lines if line.startswith("final ")]
        must: list[str] = []
        for one in self.segments:
            if one.gone:
                continue
            if one.text is None:
                break
            must.append(one.text)
        assert told == must
        failures = sum(one.failed and not one.gone for one in self.segments)
        # Nothing is taken, and nothing dropped, once it ends.
        self.is_closed = self.is_closed or failures > 0
        assert self.stage.heard.lines.count("Failure") == failures

    async def conclude(self) -> None:
        """Everything that is open gets its end within the bound."""
        self.end()
        for _ in range(2):
            await self.time()
        for number in range(len(self.segments)):
            self.first(number, "final")
        assert self.stage.heard.lines[-1].startswith("done")
        assert sum(line.startswith("done") for line in self.stage.heard.lines) == 1
        assert self.stage.runner.over
        for task in (*self.stage.live.tasks, *self.stage.finals.tasks):
            assert task.is_over or task.abandoned
        # Each second pass is counted once, but for those that were dropped.
        await self.time()
        counted = sum(self.stage.outcomes.values())
        dropped = sum(one.gone for one in self.segments)
        assert len(self.segments) - dropped <= counted <= len(self.segments)


numbers = st.integers(0, 2)
moves = st.one_of(
    st.tuples(st.just("feed")),
    st.tuples(st.just("pause")),
    st.tuples(st.just("time")),
    st.tuples(st.sampled_from(["drop", "toggle", "end"])),
    st.tuples(
        st.just("first"), numbers, st.sampled_from(["partial", "final", "final", "empty", "fail"])
    ),
    st.tuples(st.just("second"), numbers, st.sampled_from(["final", "empty", "fail"])),
)


@settings(max_examples=300)
@given(st.lists(moves, min_size=4, max_size=25))
def test_each_segment_has_one_final_within_the_bound_whatever_comes_when(
    game: list[tuple[Any, ...]],
) -> None:
    async def play() -> None:
        stage = Play()
        stage.feed()
        for name, *arguments in game:
            if stage.stage.runner.over:
                break
            move: Callable[..., Any] = getattr(stage, name)
            result = move(*arguments)
            if asyncio.iscoroutine(result):
                await result
        if not stage.stage.runner.over:
            await stage.conclude()

    played(play)


@pytest.mark.parametrize("error", [RuntimeError("a fault of the aligner"), None])
async def test_a_final_is_told_with_guessed_times_however_its_alignment_ends(
    error: Exception | None,
) -> None:
    counted: list[int] = []
    notice_faults(asyncio.get_running_loop(), lambda: counted.append(1))
    aligner = PlayedAligner()
    stage = Stage(EngineChoice("engine"), aligner=aligner, word_times=True)
    stage.say_one().listener.hypothesis(GUESSED, final=True)
    await settle()
    if error is None:
        aligner.answer.cancel()
    else:
        aligner.answer.set_exception(error)
    await settle()
    assert stage.told == ["partial one", "final one"]
    assert _final_words(stage) == list(GUESSED.words)
    assert counted == [1]
