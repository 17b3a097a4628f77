"""A connection: one websocket, the conversation that is held on it, and its open recognition.

It reads messages, gives them to the conversation, carries out the effects, keeps one timer, and
takes messages more slowly when too much of the audio waits to be decoded. It has no rules of a
dialect.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol, assert_never

import structlog

from rasr.recognition.events import Done, RecognitionEvent
from rasr.runtime.access import Access, Authorise
from rasr.runtime.alarm import Alarm
from rasr.runtime.inbox import Inbox
from rasr.runtime.outbox import Outbox
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
    Feed,
    Finish,
    Flush,
    Open,
    Refusal,
    Send,
)

_log = structlog.get_logger("rasr.session")

_LONGEST_PAUSE_S = 5.0
_MOST_BUDGETS = 16
"""With so much undecoded audio nothing more is taken, pings or not: memory has an end."""
_HASTE = 8.0
"""Seconds of audio taken in a second when a connection has just reached its budget.

A ping waits behind the audio that the client has given its kernel before it, up to 1.7 MB on
loopback with the options of `rasr.server.listener`; taken at eight times the speed of speech that
is 7 s, and the official SDK gives up after 10 s. Slower from the start would drop such clients;
never slower would fill the memory.
"""


_MESSAGES_A_TURN = 16
"""So many messages of one connection are taken before others get a turn."""


class Socket(Protocol):
    """A websocket after its handshake."""

    async def receive(self) -> str | bytes | None:
        """The next message; None once the peer is gone."""

    async def send(self, message: str | bytes) -> None:
        """Send a message; waits while the peer reads slowly."""

    async def close(self, code: int, reason: str) -> None:
        """Close with a handshake."""

    def abort(self) -> None:
        """Drop the connection at once, whatever has not been sent."""


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
        self._authorise = authorise
        self._send_timeout_s = send_timeout_s
        self._keep = keep
        self._loop = asyncio.get_running_loop()
        self._outbox = Outbox()
        self._runner: RecognitionRunner | None = None
        self._access: Access | None = None
        """Granted, and not yet used by a recognition."""
        self._asking: asyncio.Task[None] | None = None
        self._inbox = Inbox(socket)
        self._audio: deque[bytes] = deque()
        """Audio of the newest message, to be fed in pieces."""
        self._alarm = Alarm(self._ring)
        self.statistics = statistics

    async def run(self) -> None:
        """Serve the connection until it is gone. It gives everything back, however it ends."""
        self._alarm.set(self._conversation.deadline())
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write(), name="connection-writer")
                await self._read()
                writer.cancel()
        except* TimeoutError:
            self.statistics.reason = "the client does not read"
            self._socket.abort()
        finally:
            self._end()

    def shut_down(self) -> None:
        """Bring the conversation to its end: finals, farewell, close."""
        self._guarded(self._conversation.shut_down)

    def cut_off(self) -> None:
        """Close at once: the time to shut down is over."""
        self._guarded(self._conversation.cut_off)

    @property
    def runner(self) -> RecognitionRunner | None:
        """The open recognition."""
        return self._runner

    # Messages in

    async def _read(self) -> None:
        for number in itertools.count(1):
            message = await self._next()
            if message is None:
                return
            if number % _MESSAGES_A_TURN == 0:
                # Messages that wait already are received without a turn of the event loop.
                await asyncio.sleep(0)
            now = self._loop.time()
            self._guarded(partial(self._conversation.receive, message, now=now))
            while self._audio:
                await self._feed(self._audio.popleft())
            if self._outbox.full:
                await self._outbox.room()

    async def _next(self) -> str | bytes | None:
        """The next message for the conversation. While access is asked for, messages are kept."""
        while self._asking is not None:
            if not await self._inbox.keep_until(self._asking):
                return None
        return await self._inbox.next()

    async def _feed(self, data: bytes) -> None:
        """Give audio to the recognition in pieces, none of which takes long."""
        runner = self._runner
        if runner is None:
            return
        most = runner.most_bytes
        for at in range(0, max(len(data), 1), most):
            if at:
                await asyncio.sleep(0)
            before_s = runner.audio_s
            runner.feed(data[at : at + most])
            if runner.backlog_s > self._recognizer.settings.backlog_s:
                seconds = max(0.0, runner.audio_s - before_s)
                await _pause(runner, seconds, self._recognizer.settings.backlog_s)

    # The recognition

    def on_event(self, number: int, event: RecognitionEvent) -> None:
        """The open recognition reports something."""
        if self._runner is not None:
            self._runner.take(number)
        now = self._loop.time()
        self._guarded(partial(self._conversation.event, event, now=now))
        if isinstance(event, Done):
            self._runner = None

    def on_fault(self) -> None:
        """A fault of the server has ended the recognition."""
        self._runner = None
        self._break_off()

    def attach(self, runner: RecognitionRunner) -> None:
        """Go on with a recognition that another connection has left."""
        assert self._runner is None, "one recognition at a time"
        self._runner = runner
        runner.attach(self)

    def _open(self, effect: Open) -> None:
        access, self._access = self._access, None
        assert access is not None, "a recognition is opened after its access was granted"
        self.statistics.trace_id = effect.trace_id
        self.statistics.engine = effect.config.engine.name
        self._runner = self._recognizer.start(
            effect.config,
            access,
            self.statistics,
            owner=self.statistics.number,
            keeps_events=self._keep is not None,
        )
        self._runner.attach(self)

    # Effects out

    def _guarded(self, call: Callable[[], None]) -> None:
        """One input of the conversation and what follows from it.

        A fault in here is ours. It ends this connection and no other, and is told apart from the
        peer's faults, which never raise.
        """
        try:
            call()
            self._carry_out()
        except Exception:
            _log.exception("session_failed")
            self._break_off()

    def _break_off(self) -> None:
        try:
            self._conversation.break_off()
            self._carry_out()
        except Exception:
            # The conversation itself is broken. Callers are other people's tasks.
            _log.exception("session_dropped")
            self._socket.abort()

    def _carry_out(self) -> None:
        for effect in self._conversation.effects():
            self._do(effect)
        self._alarm.set(self._conversation.deadline())

    def _do(self, effect: Effect) -> None:
        match effect:
            case Send():
                self._outbox.put(effect)
                self.statistics.partials_replaced = self._outbox.replaced
                if effect.error is not None:
                    self.statistics.error(effect.error, fatal=effect.fatal)
            case Feed():
                self._audio.append(effect.data)
            case AccessRequest():
                self.statistics.model = effect.model
                self._asking = self._loop.create_task(self._ask(effect), name="authorise")
            case Open():
                self._open(effect)
            case Flush() | Drop() | Finish() | Cancel():
                if self._runner is not None:
                    _steer(self._runner, effect)
            case Ended():
                self.statistics.recognition_closed(effect.reason)
            case Close():
                self._outbox.put(effect)
            case _:
                assert_never(effect)

    async def _ask(self, request: AccessRequest) -> None:
        """Bring the conversation the answer whether a recognition may begin."""
        try:
            answer = await self._authorise(request)
        except Exception:
            _log.exception("authorisation_failed")
            self._asking = None
            self._break_off()
            return
        self._asking = None
        now = self._loop.time()
        if isinstance(answer, Refusal):
            self._guarded(partial(self._conversation.refused, answer, now=now))
            return
        self._access = answer
        self._guarded(partial(self._conversation.granted, answer.grant, now=now))
        # A conversation that was closed meanwhile opens nothing.
        self._give_access_back()

    async def _write(self) -> None:
        while True:
            item = await self._outbox.get()
            async with asyncio.timeout(self._send_timeout_s):
                if isinstance(item, Close):
                    await self._socket.close(item.code, item.reason)
                    return
                await self._socket.send(self._conversation.encode(item.message))

    def _ring(self) -> None:
        now = self._loop.time()
        self._guarded(partial(self._conversation.advance, now=now))

    # The end

    def _end(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._inbox.close()
        runner = self._runner
        if runner is not None and self._keep is not None:
            runner.detach()
            self._runner = None
            self._keep(runner)
        self._guarded(self._conversation.receive_eof)
        self._alarm.cancel()
        if self._runner is not None:
            self._runner.close("disconnected")
            self._runner = None
        self._give_access_back()

    def _give_access_back(self) -> None:
        if self._access is not None:
            access, self._access = self._access, None
            access.close()


async def _pause(runner: RecognitionRunner, seconds: float, budget_s: float) -> None:
    """Slow down a client whose audio comes faster than it is decoded, past one budget.

    With `n` budgets of undecoded audio, it is taken at 8/n times the speed of speech; TCP carries
    the pause to the client. Why not slower at once: see `_HASTE`.
    """
    used = runner.backlog_s / budget_s
    await asyncio.sleep(min(_LONGEST_PAUSE_S, seconds * used / _HASTE))
    while runner.backlog_s > _MOST_BUDGETS * budget_s:
        await runner.progress()


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
