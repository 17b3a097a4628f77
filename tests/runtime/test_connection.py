"""A connection, with a dialect that is not SIS: what it reads, keeps, slows down and gives back."""

from __future__ import annotations

import asyncio

import pytest

from rasr.runtime.access import Access
from rasr.runtime.connection import Connection
from rasr.runtime.fair_share import SLICE_S
from rasr.wire.dialect import AccessRequest, Refusal, RefusalKind
from tests.recognition.talk import hush, speech
from tests.runtime.fakes import (
    PlayedScheduler,
    PlayedSocket,
    Slot,
    access,
    played_share,
    recognizer,
    settle,
    statistics,
)
from tests.wire.line_dialect import LineConversation


class Stage:
    """A connection that is being served, and a test around it."""

    def __init__(
        self,
        answer: Access | Refusal | BaseException | None = None,
        *,
        cost_s: float = 0.0,
    ) -> None:
        """
        Args:
            cost_s: what each piece of work on messages costs.
        """
        self.scheduler = PlayedScheduler()
        self.socket = PlayedSocket()
        self.slot = Slot(held=True)
        self.answer = answer or access(slot=self.slot)
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.statistics = statistics()
        self.connection = Connection(
            self.socket,
            LineConversation(),
            recognizer(self.scheduler, share=played_share(cost_s)),
            self._authorise,
            self.statistics,
            send_timeout_s=5.0,
        )
        self.serving = asyncio.ensure_future(self.connection.run())

    async def _authorise(self, request: AccessRequest) -> Access | Refusal:
        await self.may_answer.wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def say(self, *messages: str | bytes) -> None:
        self.socket.say(*messages)
        await settle()

    async def leave(self) -> None:
        self.socket.leave()
        await self.serving


async def test_a_dialect_is_nothing_but_a_conversation() -> None:
    stage = Stage()
    await stage.say("begin english", hush(300) + speech(600))
    task = stage.scheduler.tasks[0]
    task.partial("good")
    task.partial("good day")
    await stage.say("flush one")
    task.final("good day")
    await stage.say(speech(600), "drop", hush(200), "end")
    assert stage.socket.sent == [
        "ready",
        "speech",
        "+ good ()",
        "+ good day (good)",
        "silence",
        "= good day",
        "mark one",
        "speech",
        "silence",
        "bye",
    ]
    assert not stage.slot.held
    await stage.leave()
    assert stage.statistics.reason == "finished"


async def test_audio_that_comes_while_access_is_asked_for_is_recognised_in_order() -> None:
    stage = Stage()
    stage.may_answer.clear()
    await stage.say("begin english", hush(300), speech(300), speech(300), "flush m")
    assert stage.scheduler.tasks == []
    stage.may_answer.set()
    await settle()
    (task,) = stage.scheduler.tasks
    assert b"".join(one.tobytes() for one in task.samples) == hush(300) + speech(600)
    assert task.end.is_set()
    await stage.leave()


async def test_past_a_bound_no_more_is_read_until_access_is_answered() -> None:
    stage = Stage()
    stage.may_answer.clear()
    await stage.say("begin english", *[bytes(1 << 20)] * 10)
    assert stage.socket.received == 5
    stage.may_answer.set()
    await stage.leave()
    assert stage.socket.received == 12


async def test_refused_access_is_told_and_the_connection_stays() -> None:
    stage = Stage(Refusal(RefusalKind.LANGUAGE, "english"))
    await stage.say("begin klingon", b"ignored")
    assert stage.socket.sent == ["error language: english"]
    assert stage.statistics.refused == {"error": 1}
    await stage.leave()


async def test_a_client_that_leaves_while_access_is_asked_for_keeps_nothing() -> None:
    stage = Stage()
    stage.may_answer.clear()
    await stage.say("begin english")
    await stage.leave()
    stage.may_answer.set()
    await settle()
    assert stage.scheduler.tasks == []


async def test_an_answer_that_fails_ends_the_connection_and_no_other() -> None:
    stage = Stage(RuntimeError("the store is gone"))
    await stage.say("begin english")
    await stage.serving
    assert stage.socket.sent == ["error a fault of the server"]
    assert stage.socket.closed == (1011, "fault")


async def test_an_answer_that_is_cancelled_from_within_ends_the_connection() -> None:
    stage = Stage(asyncio.CancelledError())
    await stage.say("begin english")
    await stage.serving
    assert stage.socket.sent == ["error a fault of the server"]
    assert stage.socket.closed == (1011, "fault")


async def test_a_question_that_is_cancelled_before_it_is_asked_is_over() -> None:
    stage = Stage()
    asked = stage.connection._question.ask

    def ask_and_cut_off(request: AccessRequest) -> None:
        asked(request)
        stage.connection._question.cancel()

    stage.connection._question.ask = ask_and_cut_off  # type: ignore[method-assign]
    await stage.say("begin english")
    await stage.leave()
    assert stage.scheduler.tasks == []


async def turns_while(stage: Stage, *messages: str | bytes) -> int:
    """How often others run until all the messages have been taken."""
    stage.socket.say(*messages, "flush done")
    turns = 0
    while "mark done" not in stage.socket.sent:
        turns += 1
        await asyncio.sleep(0)
    return turns


@pytest.mark.parametrize("seconds", [60, 120])
async def test_a_long_message_is_taken_in_pieces_and_others_run_in_between(seconds: int) -> None:
    stage = Stage(cost_s=1.25 * SLICE_S)
    await stage.say("begin english")
    assert await turns_while(stage, hush(1000 * seconds)) >= seconds
    assert stage.statistics.audio_s == seconds
    await stage.leave()


@pytest.mark.parametrize("message", [b"", b"\0", "drop"])
async def test_a_flood_of_tiny_messages_lets_others_run(message: str | bytes) -> None:
    # Each message costs something twice: when it is read, and when its audio is taken.
    stage = Stage(cost_s=SLICE_S / 16)
    await stage.say("begin english")
    assert await turns_while(stage, *[message] * 3200) >= 3200 // 16 - 1
    await stage.leave()


async def test_a_client_that_is_far_ahead_of_the_engine_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rasr.runtime.intake._LONGEST_PAUSE_S", 0.0)
    stage = Stage()
    await stage.say("begin english", *[speech(1000)] * 60)
    for _ in range(5):
        await settle()
    before = stage.socket.received
    # Sixteen budgets of two seconds, the command, and the message that went over.
    assert before == 34
    await settle()
    assert stage.socket.received == before
    for task in stage.scheduler.tasks:
        task.final("words")
    await settle()
    assert stage.socket.received > before
    await stage.leave()


async def test_the_recognition_ends_with_the_connection() -> None:
    stage = Stage()
    await stage.say("begin english", speech(600))
    await stage.leave()
    assert stage.scheduler.tasks[0].abandoned
    assert not stage.slot.held
    assert stage.statistics.reason == "disconnected"
    assert stage.statistics.audio_s == pytest.approx(0.6)


async def test_shutdown_finishes_what_is_open() -> None:
    stage = Stage()
    await stage.say("begin english", speech(600))
    stage.connection.shut_down()
    stage.scheduler.tasks[0].final("last words")
    await settle()
    assert stage.socket.sent[-2:] == ["= last words", "bye"]
    await stage.leave()


async def test_the_audio_of_a_client_that_has_left_is_dropped() -> None:
    stage = Stage(cost_s=1.25 * SLICE_S)
    await stage.say("begin english")
    runner = stage.connection.runner
    assert runner is not None
    stage.socket.say(hush(60_000))
    await settle()
    assert 0 < runner.audio_s < 60
    stage.socket.gone = True
    await stage.leave()
    assert runner.audio_s < 60
