"""Connections and runners with odd peers: left, slow, stuck, broken."""

from __future__ import annotations

import asyncio
import threading
from typing import cast

import pytest

from decoder import Hypothesis
from rasr.recognition.segmenter import Margins
from rasr.runtime.access import Access
from rasr.runtime.connection import Connection
from rasr.runtime.recognizer import Recognizer
from rasr.runtime.slow_text import SlowText
from rasr.scheduling import Scheduler
from rasr.settings import SessionSettings
from rasr.text import TextTools
from rasr.wire.sis.conversation import SisConversation
from rasr.wire.sis.modes import Mode
from tests.processes import LONG_S
from tests.recognition.talk import speech
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
from tests.runtime.virtual_loop import run
from tests.wire.line_dialect import LineConversation

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
    await asyncio.wait({stage.serving}, timeout=LONG_S)
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


def test_a_message_that_is_taken_slowly_is_no_silence_of_the_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = SessionSettings(idle_s=5.0)

    async def longer_than_idle(*_: object) -> None:
        await asyncio.sleep(10.0)

    async def authorise(request: object) -> Access:
        return access(slot=Slot(held=True))

    async def test() -> None:
        socket, scheduler = PlayedSocket(), PlayedScheduler()
        loop = asyncio.get_running_loop()
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
        began = loop.time()
        task = await scheduler.task(0)
        await task.end.wait()
        assert loop.time() - began >= 20.0
        assert connection.statistics.audio_s == pytest.approx(6)
        assert not any("SIS.0304" in str(one) for one in socket.sent)
        socket.leave()
        await serving

    monkeypatch.setattr("rasr.runtime.intake._pause", longer_than_idle)
    run(test())


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
    runner = reader.start(config_of(), access(), statistics(), owner=1)
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


async def test_a_second_recognition_of_a_careless_dialect_leaves_no_slot_behind() -> None:
    slots = [Slot(held=True), Slot(held=True)]
    stage = Stage(access(slot=slots[0]))
    await stage.say("begin english")
    stage.answer = access(slot=slots[1])
    await stage.say("begin english")
    await stage.leave()
    assert not slots[1].held
    assert not slots[0].held
