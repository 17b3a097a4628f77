"""Connections and runners with odd peers: left, taken up again, slow, stuck, broken."""

from __future__ import annotations

import asyncio
import threading
from typing import cast

import pytest

from decoder import Hypothesis
from rasr.recognition.events import RecognitionEvent
from rasr.recognition.recognition import Recognition
from rasr.recognition.segmenter import Margins
from rasr.runtime.access import Access
from rasr.runtime.connection import Connection
from rasr.runtime.recognizer import Recognizer
from rasr.runtime.runner import RecognitionRunner
from rasr.runtime.slow_text import SlowText
from rasr.scheduling import Scheduler
from rasr.settings import SessionSettings
from rasr.text import TextTools
from rasr.wire.sis.conversation import SisConversation
from rasr.wire.sis.modes import Mode
from tests.recognition.talk import hush, speech
from tests.runtime.fakes import (
    Heard,
    PlayedScheduler,
    PlayedSocket,
    Slot,
    Texts,
    Unchanged,
    access,
    config_of,
    recognizer,
    settle,
    statistics,
)
from tests.runtime.test_connection import Stage
from tests.wire.line_dialect import LineConversation


def make_runner(scheduler: PlayedScheduler, **fields: object) -> RecognitionRunner:
    return recognizer(scheduler).start(
        config_of(**fields), access(), statistics(), owner=1, keeps_events=True
    )


# Kept and taken up


def _broken(*_: object, **__: object) -> None:
    raise RuntimeError("a fault of the recognition")


async def test_a_fault_while_nobody_listens_is_told_to_who_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = Stage(keeps=True)
    await first.say("begin english", speech(600))
    await first.leave()
    (runner,) = first.kept
    monkeypatch.setattr(Recognition, "hypothesis", _broken)
    first.scheduler.tasks[0].partial("good")
    assert runner.over
    second = Stage()
    second.connection.attach(runner)
    await second.say("end")
    assert second.socket.sent, "the client waits for ever"
    await second.leave()


async def test_who_takes_up_what_its_keeper_has_closed_is_told_the_end() -> None:
    first = Stage(keeps=True)
    await first.say("begin english", speech(600))
    await first.leave()
    (runner,) = first.kept
    runner.close("nobody came back")
    second = Stage()
    second.connection.attach(runner)
    await second.say("end")
    assert second.socket.sent, "the client waits for ever"
    await second.leave()


async def test_the_leaving_of_a_former_listener_does_not_end_what_another_has_taken_up() -> None:
    first = Stage(keeps=True)
    await first.say("begin english", speech(600))
    await first.leave()
    (runner,) = first.kept
    second, third = Stage(), Stage()
    second.connection.attach(runner)
    third.connection.attach(runner)
    await second.leave()
    await third.say("end")
    if not first.scheduler.tasks[0].abandoned:
        first.scheduler.tasks[0].final("words")
    await settle()
    assert "bye" in third.socket.sent
    await third.leave()


async def test_audio_of_the_second_connection_is_counted() -> None:
    first = Stage(keeps=True)
    await first.say("begin english", speech(1000))
    await first.leave()
    (runner,) = first.kept
    second = Stage()
    second.connection.attach(runner)
    await second.say(speech(1000))
    assert second.statistics.in_recognition
    assert second.statistics.audio_s == pytest.approx(1.0)
    await second.leave()


async def test_kept_events_are_told_in_order_although_the_listener_acts_on_the_first() -> None:
    scheduler = PlayedScheduler()
    runner = make_runner(scheduler)
    runner.feed(speech(600))
    runner.flush("one")
    scheduler.tasks[0].final("words")
    await settle()
    numbers: list[int] = []

    class Acting(Heard):
        def on_event(self, number: int, event: RecognitionEvent) -> None:
            numbers.append(number)
            if len(numbers) == 1:
                runner.flush("two")

    runner.attach(Acting())
    assert numbers == sorted(numbers), numbers


async def test_the_newest_partial_is_kept_although_something_else_came_behind_it() -> None:
    scheduler = PlayedScheduler()
    runner = make_runner(scheduler)
    runner.feed(speech(600))
    scheduler.tasks[0].partial("good day")
    runner.feed(hush(800) + speech(600))
    await settle()
    listener = Heard()
    runner.attach(listener)
    assert "partial good day" in listener.lines, listener.lines


# What is given back


async def test_access_is_given_back_when_the_recognition_cannot_begin() -> None:
    def broken() -> object:
        raise RuntimeError("no classifier")

    scheduler = PlayedScheduler()
    slot = Slot(held=True)
    socket = PlayedSocket()

    async def authorise(request: object) -> Access:
        return access(slot=slot)

    connection = Connection(
        socket,
        LineConversation(),
        Recognizer(
            {"engine": cast(Scheduler, scheduler)},
            cast(TextTools, Texts(Unchanged())),
            broken,  # type: ignore[arg-type]
            Margins(300, 300),
            SessionSettings(backlog_s=2.0),
            final_timeout_s=1.5,
        ),
        authorise,
        statistics(),
        send_timeout_s=5.0,
    )
    serving = asyncio.ensure_future(connection.run())
    socket.say("begin english")
    await serving
    assert socket.closed is not None
    assert not slot.held


# While access is asked for


async def test_empty_messages_while_access_is_asked_for_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # On a slow machine the messages take longer than an answer may.
    monkeypatch.setattr("rasr.runtime.access_question.TIMEOUT_S", 1000.0)
    stage = Stage()
    stage.may_answer.clear()
    await stage.say("begin english")
    for _ in range(100):
        stage.socket.say(*[b""] * 1000)
        for _ in range(200):
            await settle()
    received = stage.socket.received
    stage.may_answer.set()
    await stage.leave()
    assert received < 70_000, received


async def test_cutting_off_ends_a_connection_although_access_is_never_answered() -> None:
    stage = Stage()
    stage.may_answer.clear()
    await stage.say("begin english", *[bytes(1 << 20)] * 5)
    stage.connection.cut_off()
    await asyncio.wait({stage.serving}, timeout=1)
    ended = stage.serving.done()
    stage.may_answer.set()
    await stage.serving
    assert ended


async def test_start_is_answered_within_a_bound_although_access_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rasr.runtime.access_question.TIMEOUT_S", 0.01)
    stage = Stage()
    stage.may_answer.clear()
    stage.socket.say("begin english")
    while not stage.socket.sent:
        await asyncio.wait({stage.serving}, timeout=0.01)
    assert stage.socket.sent == ["error unavailable: "]
    await stage.leave()


# Idle


async def test_a_message_that_is_taken_slowly_is_no_silence_of_the_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def longer_than_idle(*_: object) -> None:
        await asyncio.sleep(0.1)

    monkeypatch.setattr("rasr.runtime.intake._pause", longer_than_idle)
    socket, scheduler, slot = PlayedSocket(), PlayedScheduler(), Slot(held=True)
    loop = asyncio.get_running_loop()
    settings = SessionSettings(idle_s=0.05)

    async def authorise(request: object) -> Access:
        return access(slot=slot)

    connection = Connection(
        socket,
        SisConversation(Mode.CONTINUE, settings, lambda: "t", now=loop.time()),
        recognizer(scheduler),
        authorise,
        statistics(),
        send_timeout_s=5.0,
    )
    serving = asyncio.ensure_future(connection.run())
    # Three pieces, and a budget of two seconds: there is a pause behind the last two.
    socket.say(
        '{"command":"START","config":{"audio_format":"pcm16k16bit",'
        '"property":"english_16k_common"}}',
        speech(6_000),
        '{"command":"END"}',
    )
    task = await scheduler.task(0)
    await task.end.wait()
    assert connection.statistics.audio_s == pytest.approx(6)
    assert not any("SIS.0304" in str(one) for one in socket.sent)
    socket.leave()
    await serving


# Text


async def test_text_that_never_comes_back_does_not_keep_the_end_for_ever() -> None:
    release = threading.Event()

    class Stuck(Unchanged):
        def is_slow(self, hypothesis: Hypothesis) -> bool:
            return True

        def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
            release.wait(60)
            return hypothesis

    scheduler = PlayedScheduler()
    reader = recognizer(scheduler, Stuck())
    reader._slow_text = SlowText(timeout_s=0.01)
    runner = reader.start(config_of(), access(), statistics(), owner=1, keeps_events=True)
    listener = Heard()
    runner.attach(listener)
    runner.feed(speech(600))
    runner.finish()
    scheduler.tasks[0].final("words")
    try:
        await listener.until("done finished")
    finally:
        release.set()


async def test_text_that_is_stuck_for_some_does_not_hold_others() -> None:
    release = threading.Event()

    class StuckOnce(Unchanged):
        def is_slow(self, hypothesis: Hypothesis) -> bool:
            return True

        def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
            if hypothesis.text == "stuck":
                release.wait(60)
            return hypothesis

    listeners = []
    slow_text = SlowText(timeout_s=0.01)
    for number in range(41):
        scheduler = PlayedScheduler()
        reader = recognizer(scheduler, StuckOnce())
        reader._slow_text = slow_text
        runner = reader.start(config_of(), access(), statistics(), owner=number)
        listeners.append(Heard())
        runner.attach(listeners[-1])
        runner.feed(speech(600))
        runner.finish()
        scheduler.tasks[0].final("words" if number == 40 else "stuck")
    try:
        await listeners[-1].until("done finished")
    finally:
        release.set()


async def test_a_final_that_was_not_sent_is_told_to_the_connection_that_comes_next() -> None:
    first = Stage(keeps=True)
    await first.say("begin english", speech(600))

    async def stuck(message: str | bytes) -> None:
        await asyncio.Event().wait()

    first.socket.send = stuck  # type: ignore[method-assign]
    await first.say("flush one")
    first.scheduler.tasks[0].final("words")
    await settle()
    await first.leave()
    (runner,) = first.kept
    second = Stage()
    second.connection.attach(runner)
    await settle()
    told = first.socket.sent + second.socket.sent
    await second.leave()
    assert "= words" in told, told


async def test_a_second_recognition_of_a_careless_dialect_leaves_no_slot_behind() -> None:
    slots = [Slot(held=True), Slot(held=True)]
    stage = Stage(access(slot=slots[0]))
    await stage.say("begin english")
    stage.answer = access(slot=slots[1])
    await stage.say("begin english")
    await stage.leave()
    assert not slots[1].held
    assert not slots[0].held
