"""A connection: one websocket, the conversation that is held on it, and its open recognition.

It reads messages, gives them to the conversation, carries out the effects, keeps one timer, and
takes messages more slowly when too much of the audio waits to be decoded. It has no rules of a
dialect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, assert_never

from rasr.recognition.events import Done, RecognitionEvent
from rasr.runtime.access import Access, Authorise
from rasr.runtime.access_question import AccessQuestion
from rasr.runtime.driver import ConversationDriver
from rasr.runtime.inbox import Inbox
from rasr.runtime.intake import Intake
from rasr.runtime.line import CLOSE_ELSEWHERE, Line, LineBook
from rasr.runtime.outbox import Sent
from rasr.runtime.place import Peer
from rasr.runtime.recognizer import Recognizer
from rasr.runtime.runner import RecognitionRunner
from rasr.runtime.statistics import SessionStatistics
from rasr.wire.dialect import (
    AccessRequest,
    Acknowledged,
    Cancel,
    Close,
    Conversation,
    Drop,
    Effect,
    Ended,
    Farewell,
    Feed,
    Finish,
    Flush,
    Open,
    Refusal,
    Resumable,
    Send,
    TakeUp,
)


class Back(Protocol):
    """A websocket that goes on with a round which is not this connection's."""

    async def run(self) -> None:
        """Serve it until it is of no more use."""


Elsewhere = Callable[[str, int], Awaitable[Back | None]]
"""Goes on with a round of a token, behind the message of a number; None where nobody does."""


class Connection:
    """One connection's life. It listens to the recognition that its conversation has opened."""

    def __init__(
        self,
        socket: Peer,
        conversation: Conversation,
        recognizer: Recognizer,
        authorise: Authorise,
        statistics: SessionStatistics,
        *,
        send_timeout_s: float,
        book: LineBook | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """
        Args:
            authorise: answers who may recognise what.
            send_timeout_s: a peer that takes nothing for so long is dropped.
            book: where rounds are found that survive their connection; None: none does.
            elsewhere: goes on with a round that is not in it; None: nobody does.
        """
        self._line = Line(socket, book, self._hear, self._settled, send_timeout_s=send_timeout_s)
        self._conversation = conversation
        self._recognizer = recognizer
        self._loop = asyncio.get_running_loop()
        self._driver = ConversationDriver(
            self._line, conversation, statistics, self._do, self._ring
        )
        self._guarded = self._driver.guarded
        self._runner: RecognitionRunner | None = None
        self._access: Access | None = None
        """Granted, and not yet used by a recognition."""
        self._question = AccessQuestion(authorise, self._answered, self._driver.break_off)
        self._inbox = Inbox(self._line)
        self._share = recognizer.share.session()
        self._intake = Intake(
            self._share, recognizer.settings.backlog_s, self._hear, lambda: self._line.gone
        )
        self.statistics = statistics
        statistics.client_is_away = lambda: self._line.is_away
        self._elsewhere = elsewhere
        self._not_here: TakeUp | None = None
        """A round is wanted that may be elsewhere."""
        self.back: Back | None = None
        """What is left to do once this connection is over: its websocket is that of a round that
        has lost its own."""

    async def run(self) -> None:
        """Serve the connection until it is gone. It gives everything back, however it ends."""
        try:
            await self._driver.run(self._read)
        finally:
            self._end()

    def retire(self) -> None:
        """Take no more recognitions. One that survives its connection is sent to another server,
        where its client begins behind the last final; any other goes on to its end."""
        may_move = self._line.may_move
        self._line.wait_no_more()
        if may_move:
            self.statistics.reason = "sent to another server"
            self._driver.send(Close(CLOSE_ELSEWHERE, "another server goes on with the round"))
        else:
            self._guarded(partial(self._conversation.shut_down, Farewell.RETIREMENT))

    def shut_down(self, farewell: Farewell = Farewell.SHUTDOWN) -> None:
        """Bring the conversation to its end: finals, farewell, close."""
        self._line.wait_no_more()
        self._guarded(partial(self._conversation.shut_down, farewell))

    def cut_off(self) -> None:
        """Close at once: the time to shut down is over."""
        self._question.cancel()
        self._guarded(self._conversation.cut_off)

    def abort(self) -> None:
        """Drop the connection: its peer does not even take the farewell."""
        self._line.abort()

    @property
    def runner(self) -> RecognitionRunner | None:
        """The open recognition."""
        return self._runner

    def _settled(self) -> int | None:
        # While messages wait, what they tell has not been told.
        if self._runner is None or not self._driver.outbox.is_empty:
            return None
        return self._runner.settled_sample

    def _hear(self) -> None:
        self._conversation.heard(now=self._loop.time())

    # Messages in

    async def _read(self) -> None:
        while (message := await self._next()) is not None and not self._line.gone:
            # Messages that wait already are received without a turn of the event loop.
            await self._intake.turn()
            receive = partial(self._conversation.receive, message, now=self._loop.time())
            self._share.work(partial(self._guarded, receive))
            if self._not_here is not None:
                await self._look_elsewhere(self._not_here)
            if self.back is not None:
                return
            if not self._intake.is_empty:
                await self._intake.take(self._runner)
            if self._driver.outbox.full:
                await self._intake.slowly(self._driver.outbox.room())

    async def _next(self) -> str | bytes | None:
        """The next message for the conversation. While access is asked for, messages are kept."""
        while (asking := self._question.task) is not None:
            if not await self._inbox.keep_until(asking):
                return None
        return await self._inbox.next()

    # The recognition

    @property
    def is_there(self) -> bool:
        """False while the client is away, and may come back."""
        return not self._line.is_away

    def on_event(self, event: RecognitionEvent) -> None:
        """The open recognition reports something."""
        now = self._loop.time()
        self._guarded(partial(self._conversation.event, event, now=now))
        if isinstance(event, Done):
            self._runner = None

    def on_fault(self) -> None:
        """A fault of the server has ended the recognition."""
        self._runner = None
        self._driver.break_off()

    def _open(self, effect: Open) -> None:
        access = self._access
        assert access is not None, "a recognition is opened after its access was granted"
        assert self._runner is None, "one recognition at a time"
        self.statistics.trace_id = effect.trace_id
        self.statistics.engine = effect.config.engine.name
        self._runner = self._recognizer.start(
            effect.config, access, self.statistics, owner=self.statistics.number
        )
        # It is the runner's now.
        self._access = None
        self._intake.begin(self._runner)
        self._runner.attach(self)

    # Effects out

    def _do(self, effect: Effect) -> None:
        match effect:
            case Send() | Close():
                self._driver.send(effect)
            case Feed():
                self._intake.add(effect.data)
            case AccessRequest():
                self._line.audio_begins(survives=effect.survives)
                self.statistics.model = effect.model
                self._question.ask(effect)
            case Resumable():
                self._sent(partial(self._line.begin, effect.token, effect.words))
            case Acknowledged():
                self._line.acknowledge(effect.number)
            case TakeUp():
                self._take_up(effect)
            case Open():
                self._open(effect)
            case Flush() | Drop() | Finish() | Cancel():
                if isinstance(effect, Finish | Cancel):
                    self.statistics.recognition_asked_to_end(self._loop.time())
                if self._runner is not None:
                    _steer(self._runner, effect)
            case Ended():
                if self._runner is not None and effect.succeeded:
                    self._runner.succeeded = True
                self.statistics.recognition_closed(effect.reason, self._loop.time())
                self._sent(self._line.end_round)
            case _:
                assert_never(effect)

    def _sent(self, call: Callable[[], None]) -> None:
        """Call it once all that was sent before has left."""
        self._driver.outbox.put(Sent(call))

    def _take_up(self, effect: TakeUp) -> None:
        self.back = self._line.go_on(effect.token, effect.number)
        if self.back is not None:
            self.statistics.reason = "gone on with another session"
        elif self._elsewhere is not None:
            self._not_here = effect
        else:
            self._guarded(self._conversation.not_taken_up)

    async def _look_elsewhere(self, wanted: TakeUp) -> None:
        assert self._elsewhere is not None, "there is somewhere to look"
        self._not_here = None
        self.back = await self._elsewhere(wanted.token, wanted.number)
        if self.back is None:
            self._guarded(self._conversation.not_taken_up)
        else:
            self._line.hand_over()
            self.statistics.reason = "gone on with at another replica"

    def _answered(self, answer: Access | Refusal) -> None:
        """Tell the conversation whether a recognition may begin."""
        now = self._loop.time()
        if isinstance(answer, Refusal):
            self._guarded(partial(self._conversation.refused, answer, now=now))
            return
        self._access = answer
        self._guarded(partial(self._conversation.granted, answer.grant, now=now))
        # A conversation that was closed meanwhile opens nothing.
        self._give_access_back()

    def _ring(self) -> None:
        now = self._loop.time()
        if self._intake.is_slow or self._line.is_away:
            self._conversation.heard(now=now)
        self._guarded(partial(self._conversation.advance, now=now))

    # The end

    def _end(self) -> None:
        self._question.cancel()
        self._inbox.close()
        self._line.leave()
        self._driver.end(self._conversation.receive_eof)
        if self._runner is not None:
            self._runner.close("disconnected")
            self._runner = None
        self._give_access_back()

    def _give_access_back(self) -> None:
        if self._access is not None:
            access, self._access = self._access, None
            access.close()


def _steer(runner: RecognitionRunner, effect: Flush | Drop | Finish | Cancel) -> None:
    match effect:
        case Flush():
            runner.flush(effect.mark)
        case Drop():
            runner.drop()
        case Finish():
            runner.finish()
        case Cancel():
            runner.cancel()
