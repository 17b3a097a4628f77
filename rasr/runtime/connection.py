"""A connection: one websocket, the conversation that is held on it, and its open recognition.

It reads messages, gives them to the conversation, carries out the effects, keeps one timer, and
takes messages more slowly when too much of the audio waits to be decoded. It has no rules of a
dialect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import assert_never

from rasr.recognition.events import Done, RecognitionEvent
from rasr.runtime.access import Access, Authorise
from rasr.runtime.access_question import AccessQuestion
from rasr.runtime.driver import ConversationDriver, Socket
from rasr.runtime.inbox import Inbox
from rasr.runtime.intake import Intake
from rasr.runtime.outbox import Sent
from rasr.runtime.recognizer import Recognizer
from rasr.runtime.runner import RecognitionRunner
from rasr.runtime.statistics import SessionStatistics
from rasr.wire.dialect import (
    AccessRequest,
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
    Send,
)


class Connection:
    """One connection's life. It listens to the recognition that its conversation has opened."""

    def __init__(
        self,
        socket: Socket,
        conversation: Conversation,
        recognizer: Recognizer,
        authorise: Authorise,
        statistics: SessionStatistics,
        *,
        send_timeout_s: float,
        keep: Callable[[RecognitionRunner], None] | None = None,
    ) -> None:
        """
        Args:
            authorise: answers who may recognise what.
            send_timeout_s: a peer that takes nothing for so long is dropped.
            keep: given the recognition that is open when the peer has gone, to be attached to
                another connection; None: it ends with the connection.
        """
        self._socket = socket
        self._conversation = conversation
        self._recognizer = recognizer
        self._keep = keep
        self._loop = asyncio.get_running_loop()
        self._driver = ConversationDriver(
            socket, conversation, statistics, self._do, self._ring, send_timeout_s=send_timeout_s
        )
        self._guarded = self._driver.guarded
        self._runner: RecognitionRunner | None = None
        self._access: Access | None = None
        """Granted, and not yet used by a recognition."""
        self._question = AccessQuestion(authorise, self._answered, self._driver.break_off)
        self._inbox = Inbox(socket)
        self._share = recognizer.share.session()
        self._intake = Intake(
            self._share, recognizer.settings.backlog_s, self._hear, lambda: socket.gone
        )
        self.statistics = statistics

    async def run(self) -> None:
        """Serve the connection until it is gone. It gives everything back, however it ends."""
        try:
            await self._driver.run(self._read)
        finally:
            self._end()

    def shut_down(self, farewell: Farewell = Farewell.SHUTDOWN) -> None:
        """Bring the conversation to its end: finals, farewell, close."""
        self._guarded(partial(self._conversation.shut_down, farewell))

    def cut_off(self) -> None:
        """Close at once: the time to shut down is over."""
        self._question.cancel()
        self._guarded(self._conversation.cut_off)

    def abort(self) -> None:
        """Drop the connection: its peer does not even take the farewell."""
        self._socket.abort()

    @property
    def runner(self) -> RecognitionRunner | None:
        """The open recognition."""
        return self._runner

    def _hear(self) -> None:
        self._conversation.heard(now=self._loop.time())

    # Messages in

    async def _read(self) -> None:
        while (message := await self._next()) is not None and not self._socket.gone:
            # Messages that wait already are received without a turn of the event loop.
            await self._intake.turn()
            receive = partial(self._conversation.receive, message, now=self._loop.time())
            self._share.work(partial(self._guarded, receive))
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

    def on_event(self, number: int, event: RecognitionEvent) -> None:
        """The open recognition reports something."""
        runner, now = self._runner, self._loop.time()
        self._guarded(partial(self._conversation.event, event, now=now))
        if runner is not None and self._keep is not None:
            self._driver.outbox.put(Sent(partial(runner.take, number)))
        if isinstance(event, Done):
            self._runner = None

    def on_fault(self) -> None:
        """A fault of the server has ended the recognition."""
        self._runner = None
        self._driver.break_off()

    def on_replaced(self) -> None:
        """Another connection has taken the recognition up."""
        self._runner = None
        self.cut_off()

    def attach(self, runner: RecognitionRunner) -> None:
        """Go on with a recognition that another connection has left."""
        assert self._runner is None, "one recognition at a time"
        self._runner = runner
        self._intake.begin(runner)
        runner.attach(self, self.statistics)

    def _open(self, effect: Open) -> None:
        access = self._access
        assert access is not None, "a recognition is opened after its access was granted"
        assert self._runner is None, "one recognition at a time"
        self.statistics.trace_id = effect.trace_id
        self.statistics.engine = effect.config.engine.name
        self._runner = self._recognizer.start(
            effect.config,
            access,
            self.statistics,
            owner=self.statistics.number,
            keeps_events=self._keep is not None,
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
                self.statistics.model = effect.model
                self._question.ask(effect)
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
            case _:
                assert_never(effect)

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
        if self._intake.is_slow:
            self._conversation.heard(now=now)
        self._guarded(partial(self._conversation.advance, now=now))

    # The end

    def _end(self) -> None:
        self._question.cancel()
        self._inbox.close()
        runner = self._runner
        if runner is not None and self._keep is not None:
            runner.detach()
            self.statistics.recognition_closed("disconnected", self._loop.time())
            self._runner = None
            self._keep(runner)
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
