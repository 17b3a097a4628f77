"""One recognition on the event loop: who listens, what is given back."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from decoder import Hypothesis
from rasr.recognition.events import RecognitionEvent
from rasr.recognition.recognition import Recognition
from rasr.runtime.access import Access
from rasr.runtime.runner import RecognitionRunner
from rasr.runtime.slow_text import SlowText
from rasr.text import TextProcessor
from tests.recognition.talk import hush, speech
from tests.runtime.fakes import (
    Heard,
    PlayedScheduler,
    Slot,
    Unchanged,
    access,
    config_of,
    line_of,
    recognizer,
    settle,
    statistics,
    words,
)
from tests.runtime.played_loop import pass_time, played


class Stage:
    """A runner and what a test needs around it."""

    def __init__(
        self,
        leave: Access | None = None,
        *,
        processor: TextProcessor | None = None,
        **fields: object,
    ) -> None:
        self.scheduler = PlayedScheduler()
        self.statistics = statistics()
        self.slot = Slot()
        self.slot.take()
        self.runner: RecognitionRunner = recognizer(self.scheduler, processor).start(
            config_of(**fields),
            leave or access(slot=self.slot),
            self.statistics,
            owner="me",
        )

    def hear(self) -> Heard:
        listener = Heard()
        self.runner.attach(listener)
        return listener


async def test_events_come_in_order() -> None:
    stage = Stage()
    heard = stage.hear()
    stage.runner.feed(speech(600) + hush(600))
    stage.scheduler.tasks[0].partial("one")
    stage.scheduler.tasks[0].final("one two")
    stage.runner.finish()
    assert heard.lines == ["started", "ended", "partial one", "final one two", "done finished"]


async def test_what_reaches_nobody_is_not_told_in_the_account() -> None:
    told: list[float] = []
    leave = replace(access(), settle=lambda heard: told.append(heard.told_s))
    stage = Stage(leave)
    heard = stage.hear()
    stage.runner.feed(speech(600) + hush(600))
    stage.scheduler.tasks[0].final("one")
    stage.runner.feed(speech(600) + hush(600))
    heard.is_there = False
    stage.scheduler.tasks[1].final("two")
    stage.runner.close("nobody came back")
    assert told == [pytest.approx(0.6, abs=0.35)]


async def test_the_client_is_told_before_the_others_and_their_faults_are_theirs() -> None:
    order: list[str] = []

    class Broken(Unchanged):
        def on_event(self, event: RecognitionEvent) -> None:
            order.append(f"subscriber {line_of(event)}")
            raise RuntimeError("a fault of a subscriber")

        def close(self) -> None:
            order.append("closed")

    class Client(Heard):
        def on_event(self, event: RecognitionEvent) -> None:
            super().on_event(event)
            order.append(f"client {line_of(event)}")

    stage = Stage(access(Broken()))
    client = Client()
    stage.runner.attach(client)
    stage.runner.feed(speech(600))
    stage.runner.finish()
    stage.scheduler.tasks[0].final("one")
    assert order == [
        "client started",
        "subscriber started",
        "client ended",
        "client final one",
        "client done finished",
        "closed",
    ]


async def test_a_fault_of_ours_ends_this_recognition_and_gives_everything_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage()
    heard = stage.hear()
    stage.runner.feed(speech(600))
    monkeypatch.setattr(Recognition, "hypothesis", _broken)
    stage.scheduler.tasks[0].partial("one")
    assert heard.faults == 1
    assert stage.runner.over
    assert stage.scheduler.tasks[0].abandoned
    assert not stage.slot.held
    # Late results of the engine find nobody and harm nobody.
    stage.runner.feed(speech(600))
    stage.runner.cancel()
    assert heard.faults == 1


def _broken(*_: object, **__: object) -> None:
    raise RuntimeError("a fault of the recognition")


async def test_text_that_is_slow_does_not_hold_the_event_loop() -> None:
    loop_thread = threading.get_ident()
    may_go = threading.Event()
    used: list[int] = []

    class Slow(Unchanged):
        def is_slow(self, hypothesis: Hypothesis) -> bool:
            return True

        def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
            used.append(threading.get_ident())
            assert may_go.wait(30)
            return words(hypothesis.text.upper())

    stage = Stage(processor=Slow(), partials=False)
    heard = stage.hear()
    stage.runner.feed(speech(600) + hush(600))
    stage.scheduler.tasks[0].final("one")
    # The loop is free: audio is taken while the text is processed.
    stage.runner.feed(speech(600))
    assert heard.lines == ["started", "ended", "started"]
    may_go.set()
    await heard.until("final ONE")
    assert loop_thread not in used
    stage.runner.close("given up")


async def test_the_substitute_is_told_of_text_that_is_late_or_has_failed() -> None:
    may_go = threading.Event()

    class Late(Unchanged):
        def is_slow(self, hypothesis: Hypothesis) -> bool:
            return True

        def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
            if hypothesis.text == "broken":
                raise ValueError("a fault of a model")
            may_go.wait(30)
            return hypothesis

        def substitute(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
            return words(f"{hypothesis.text} by rules")

    for text in ("broken", "late"):
        scheduler = PlayedScheduler()
        reader = recognizer(scheduler, Late())
        reader._slow_text = SlowText(timeout_s=0.01)
        runner = reader.start(config_of(), access(), statistics(), owner=1)
        heard = Heard()
        runner.attach(heard)
        runner.feed(speech(600))
        runner.finish()
        scheduler.tasks[0].final(text)
        try:
            await heard.until("done finished")
        finally:
            may_go.set()
        assert heard.lines[-2] == f"final {text} by rules"
        may_go.clear()


async def test_words_whose_text_cannot_be_processed_are_told_as_they_are() -> None:
    class Broken(Unchanged):
        def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
            raise RuntimeError("a fault of a text rule")

    stage = Stage(processor=Broken())
    heard = stage.hear()
    stage.runner.feed(speech(600))
    stage.runner.finish()
    stage.scheduler.tasks[0].final("one")
    assert heard.lines[-2:] == ["final one", "done finished"]


async def test_audio_is_due_when_it_would_have_been_spoken() -> None:
    stage = Stage()
    stage.hear()
    now = asyncio.get_running_loop().time()
    for _ in range(10):
        stage.runner.feed(speech(1000))
    due = stage.scheduler.tasks[0].due[-1]
    assert now + 9 < due < now + 11
    stage.runner.cancel()


async def test_a_recognition_of_which_nothing_comes_after_its_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage()
    heard = stage.hear()
    stage.runner.feed(speech(600))
    stage.scheduler.tasks[0].partial("so far")
    monkeypatch.setattr(stage.runner._watchdog, "_timeout_s", 0.01)
    stage.runner.finish()
    await heard.until("done failed")
    assert heard.lines[-3:] == ["Failure", "final so far", "done failed"]
    assert stage.scheduler.tasks[0].abandoned
    assert not stage.slot.held
    assert stage.statistics.stalled == 1


async def test_as_long_as_anything_comes_it_is_waited_for() -> None:
    stage = Stage()
    heard = stage.hear()
    stage.runner.feed(speech(600))
    stage.runner.finish()
    await settle()
    stage.scheduler.tasks[0].final("in time")
    assert heard.lines[-1] == "done finished"
    assert stage.statistics.stalled == 0


async def test_a_pause_without_audio_gives_the_slot_back() -> None:
    stage = Stage(slot_pause_s=0.01)
    stage.slot.release()
    stage.hear()
    stage.runner.feed(hush(100))
    assert stage.slot.held
    await stage.slot.released.wait()
    stage.runner.feed(hush(100))
    assert not stage.slot.released.is_set()
    stage.runner.cancel()
    assert stage.slot.released.is_set()


def test_a_recognition_that_is_decoded_slowly_is_waited_for_as_long_as_it_gets_on() -> None:
    async def test() -> None:
        stage = Stage()
        heard = stage.hear()
        for _ in range(5):
            stage.runner.feed(speech(600))
        task = stage.scheduler.tasks[0]
        stage.runner.finish()
        # Without partials an engine says nothing of what it has decoded.
        for _ in range(4):
            task.samples.pop()
            await pass_time(100)
        assert stage.statistics.stalled == 0
        await pass_time(130)
        assert stage.statistics.stalled == 1
        assert heard.lines[-1] == "done failed"

    played(test)
