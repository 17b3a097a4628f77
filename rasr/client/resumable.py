"""A recognition that survives its connection, and its server.

Messages that were missed come again, and audio that has not arrived is sent again: the recognition
goes on where it was. Where no server holds it any more, it is begun anew at whichever answers, with
the audio that is not settled: that of the open sentence. docs/protocol.md has the words,
docs/adr/0022 and 0023 the why.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from enum import StrEnum

from rasr.client.clock import Clock
from rasr.client.connection import Connection
from rasr.client.errors import ClientError, ConnectionLost, StartRefused
from rasr.client.kept_round import CannotGoOn, KeptRound
from rasr.tasks import awaited, given_up
from rasr.wire.sis.ending import CLOSE_GOING_AWAY
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.messages import (
    AudioReceived,
    Ended,
    EndReason,
    ResumingMessage,
    ServerMessage,
    StartConfig,
    Started,
)

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_MOST_UNREAD = 1024
"""With more messages unread audio that has not surely arrived is forgotten, rather than that the
app waits for itself."""
_BROKEN = frozenset({None, CLOSE_GOING_AWAY, 1005, 1006, 1012})
"""How a connection ends that breaks; with other codes a server closes on purpose."""


class LineState(StrEnum):
    """What has become of the connection of a recognition that survives it."""

    LOST = "lost"
    """It is lost, and being made anew."""
    RESUMED = "resumed"
    """It is back, and nothing is missing."""
    BEGUN_ANEW = "begun anew"
    """The server does not have the recognition any more. One that has been begun with the audio of
    the open sentence goes on with it, and nothing is missing."""


class ResumableRound:
    """One recognition. One task may send while another one reads."""

    def __init__(
        self,
        connection: Connection,
        started: Started,
        config: StartConfig,
        reopen: Callable[[], Awaitable[Connection]],
        clock: Clock,
        *,
        on_line: Callable[[LineState], None],
    ) -> None:
        """
        Args:
            connection: on which it was started.
            started: the answer to that.
            config: with which it was.
            reopen: makes another connection.
            on_line: told when the connection is lost and when it is back.
        """
        self.connection = connection
        """The newest one."""
        self._config = config
        self._reopen = reopen
        self._clock = clock
        self._on_line = on_line
        self._kept = KeptRound(config, started)
        self._end: bool | None = None
        """Once END is wanted: whether it cancels."""
        self._is_over = False
        """END has come: audio is for nobody any more."""
        self._sending = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._read: deque[ServerMessage] = deque()
        self._returning: asyncio.Future[None] | None = None

    @property
    def trace_id(self) -> str:
        """The server's id of it; another one where it was begun anew."""
        return self._kept.trace_id

    @property
    def end_sent(self) -> bool:
        """True once END was asked for."""
        return self._end is not None

    async def send(self, audio: bytes) -> None:
        """Send audio, or keep it while there is no connection; waits where no more can be kept.

        Raises:
            ConnectionLost: the recognition cannot be gone on with.
        """
        self._kept.audio.add(audio)
        await self._go_on()
        # Nobody may be reading: what comes meanwhile waits for who does.
        while self._kept.audio.is_full and not self._is_over and len(self._read) < _MOST_UNREAD:
            await self._read_one()

    async def end(self, *, cancel: bool) -> None:
        """Send END, now or when the connection is back. The second time it does nothing.

        Raises:
            ConnectionLost: the recognition cannot be gone on with.
        """
        if self._end is None:
            self._end = cancel
            await self._go_on()

    async def receive(self) -> ServerMessage:
        """The next message that has not come before.

        Raises:
            ConnectionLost: no more will come.
        """
        while not self._read:
            await self._read_one(wanted=True)
        return self._read.popleft()

    async def close(self) -> None:
        """Look for the server no more."""
        if self._returning is not None:
            await given_up(self._returning)

    async def _read_one(self, *, wanted: bool = False) -> None:
        """Read a message, and keep it if it is one of the recognition.

        Args:
            wanted: not where one has been kept meanwhile.
        """
        async with self._reading:
            if wanted and self._read:
                return
            connection = self.connection
            try:
                number, message = await connection.receive_numbered()
            except ConnectionLost as lost:
                await asyncio.shield(self._come_back(connection, lost))
                return
            if isinstance(message, AudioReceived):
                self._kept.audio_came(message)
            elif not isinstance(message, ResumingMessage) and self._kept.is_new(number):
                await self._kept.acknowledge(connection, message)
                if self._is_left(message):
                    self._kept.is_over_there()
                    await asyncio.shield(self._come_back(connection, _left()))
                    return
                self._read.append(self._kept.heard(message))
                self._is_over = isinstance(message, Ended)

    def _is_left(self, message: ServerMessage) -> bool:
        """True if the server goes away before it has had all the audio."""
        is_end = isinstance(message, Ended) and message.reason is EndReason.NORMAL
        return is_end and self._end is None

    async def _go_on(self) -> None:
        """Send what waits. What cannot be sent now is sent by whoever makes the connection anew."""
        returning = self._returning
        if returning is not None and (self._kept.audio.is_full or returning.done()):
            await asyncio.shield(returning)
        if self._returning is None:
            connection = self.connection
            try:
                await self._send_waiting()
            except ConnectionLost as lost:
                returning = self._come_back(connection, lost)
                if self._kept.audio.is_full:
                    await asyncio.shield(returning)

    async def _send_waiting(self) -> None:
        async with self._sending:
            while (chunk := self._kept.audio.next()) is not None:
                connection = self.connection
                await connection.send(chunk)
                # It may have been for nobody: then it is still the next one.
                if connection is self.connection:
                    self._kept.audio.went()
            if self._end is not None:
                await self.connection.end(cancel=self._end)

    # Coming back

    def _come_back(self, broken: Connection, lost: ConnectionLost) -> asyncio.Future[None]:
        """Make the connection anew, once for whoever notices that it is lost.

        It is done when the recognition goes on, and failed if it cannot.
        """
        if self._returning is None:
            if broken is not self.connection:
                return _done()
            self._returning = awaited(self._return(lost), name="come-back")
        return self._returning

    async def _return(self, lost: ConnectionLost) -> None:
        if lost.fatal is not None or lost.code not in _BROKEN:
            raise lost
        self._on_line(LineState.LOST)
        state = LineState.RESUMED
        while True:
            if await self._go_on_at_a_server(lost):
                state = LineState.BEGUN_ANEW
            try:
                await self._send_waiting()
            except ConnectionLost as again:
                lost = again
                continue
            # From here on who sends does so himself. One that has failed stays: nothing can be sent
            # or received any more.
            self._returning = None
            self._on_line(state)
            return

    async def _go_on_at_a_server(self, lost: ConnectionLost) -> bool:
        """Find one. True: the recognition was begun anew there."""
        until_s = self._clock.now() + self._kept.grace_s
        pause_s = _FIRST_PAUSE_S
        # The server may not have noticed yet, and would go on reading here.
        self.connection.abort()
        while True:
            try:
                connection = await self._reopen()
                is_new = await self._kept.go_on_on(connection, lost)
            except TimeoutError as error:
                if self._clock.now() + pause_s > until_s:
                    raise _given_up(lost, "no server answers") from error
            except ClientError as error:
                if isinstance(error, CannotGoOn):
                    raise
                if not self._may_pass(error) or self._clock.now() + pause_s > until_s:
                    raise _given_up(lost, str(error)) from error
            else:
                self.connection = connection
                return is_new
            # Not all at once where a server comes back to many clients.
            await self._clock.sleep_until(self._clock.now() + pause_s * random.uniform(0.5, 1))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _may_pass(self, error: ClientError) -> bool:
        # A server that has not missed its client yet still holds the caption channel.
        is_busy = isinstance(error, StartRefused) and error.code is ErrorCode.INVALID
        return error.retryable or (is_busy and self._config.caption_channel is not None)


def _given_up(lost: ConnectionLost, why: str) -> ConnectionLost:
    return ConnectionLost(
        f"{lost}, and was not made anew: {why}",
        lost.fatal,
        code=lost.code,
        retryable=lost.retryable,
    )


def _left() -> ConnectionLost:
    return ConnectionLost(
        "the server ended the recognition before it had all the sound", code=CLOSE_GOING_AWAY
    )


def _done() -> asyncio.Future[None]:
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done
