"""A session: one connection with a recognition open on it.

Owns when to try again, and the times at both ends. A recognition that survives its connection is
gone on with on another one, and begun anew where no server holds it (`rasr.client.resumable`). Any
other is begun anew only while it has had no audio: then nothing could be lost, or recognised twice.
Once audio is on its way the client cannot know how much of it the server has received: then
`ConnectionLost` is raised and the app decides.

Two clocks. The server's counts the audio of the recognition in milliseconds from its first sample;
each result and event carries it. The client's is `time.monotonic`: `arrived_s` says when a message
came, `sent_s` when a piece of the audio went out, and the difference is what a person waited for.
"""

from __future__ import annotations

import asyncio
import random
import time
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rasr.audio import AudioFormat
from rasr.client.clock import Clock, LoopClock
from rasr.client.connection import Connection, address_of, opened
from rasr.client.errors import ClientError, ConnectionLost, StartRefused
from rasr.client.options import Options
from rasr.client.resumable import LineState, ResumableRound
from rasr.wire.sis.messages import Ended, ServerMessage, StartConfig, Started

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_REMEMBERED = 6000
"""Chunks whose times are known: ten minutes of 100 ms each."""


@asynccontextmanager
async def connect(
    url: str,
    options: Options,
    *,
    clock: Clock | None = None,
    on_line: Callable[[LineState], None] = lambda _: None,
) -> AsyncIterator[Session]:
    """Connect and start a recognition; at the end of the context close, finished or not.

    Args:
        on_line: told when the connection of a recognition that survives it is lost, and when it is
            back.

    Raises:
        CannotConnect, StartRefused, ConnectionLost: also after `options.retry_s` of trying.
    """
    session = Session(url, options, clock or LoopClock(), on_line)
    try:
        await session.start()
        yield session
    finally:
        await session.close()


class Session:
    """What `connect` yields. One task may send while another one reads."""

    def __init__(
        self,
        url: str,
        options: Options,
        clock: Clock,
        on_line: Callable[[LineState], None] = lambda _: None,
    ) -> None:
        self._address = address_of(url, options.mode, options.project_id)
        self._options = options
        self._clock = clock
        self._config = options.config
        self._on_line = on_line
        self._connection: Connection | None = None
        self._round: ResumableRound | None = None
        """The recognition that is open, if it survives its connection."""
        self._opening = asyncio.Lock()
        self._recognition_open = False
        self._audio_sent = False
        self._times = _SendTimes(options.config)
        self._trace_id = ""

    @property
    def config(self) -> StartConfig:
        """START's `config` of the recognition that is open."""
        return self._config

    @property
    def trace_id(self) -> str:
        """The server's id of the recognition that is open, as in its log."""
        return self._trace_id if self._round is None else self._round.trace_id

    @property
    def end_sent(self) -> bool:
        """True once END was sent for the recognition that is open."""
        if self._round is not None:
            return self._round.end_sent
        return self._connection is not None and self._connection.end_sent

    @property
    def arrived_s(self) -> float:
        """When the message that was read last came, on the clock of `time.monotonic`."""
        connection = self._connection if self._round is None else self._round.connection
        return 0.0 if connection is None else connection.arrived_s

    def sent_s(self, at_ms: int) -> float | None:
        """When the audio up to `at_ms` had been sent, on the clock of `time.monotonic`.

        None for audio that was not sent, or over ten minutes ago, and for compressed audio, of
        which only the server knows how long it lasts.

        Args:
            at_ms: on the server's clock, as in its messages.
        """
        return self._times.at(at_ms)

    async def start(self, config: StartConfig | None = None) -> None:
        """Start a recognition: the first one, or the next one after an END has been read.

        Args:
            config: of this recognition and those behind it; None for the same as before.

        Raises:
            CannotConnect, StartRefused, ConnectionLost: also after `options.retry_s` of trying.
        """
        self._leave_round()
        self._config = config or self._config
        self._times = _SendTimes(self._config)
        self._audio_sent = False
        await self._begin(self._connection if self._recognition_open else None)

    async def send(self, audio: bytes) -> None:
        """Send audio in the format of `config`, in pieces of any length. Waits for the network.

        While the connection of a recognition that survives it is lost, audio is kept: it waits only
        for what no longer fits.

        Raises:
            ConnectionLost: how much of the audio before it the server received is not known.
        """
        if self._round is not None:
            self._times.note(len(audio), time.monotonic())
            await self._round.send(audio)
            return
        while True:
            connection = await self._current()
            try:
                await connection.send(audio)
            except ConnectionLost as lost:
                await self._begin_again(connection, lost)
                continue
            self._audio_sent = True
            self._times.note(len(audio), time.monotonic())
            return

    async def end(self, *, cancel: bool = False) -> None:
        """Send END: no more audio comes. The second time in a recognition it does nothing.

        Args:
            cancel: what has not been recognised yet is dropped.

        Raises:
            ConnectionLost: the server is gone.
        """
        if self._round is not None:
            await self._round.end(cancel=cancel)
            return
        await (await self._current()).end(cancel=cancel)

    async def __aiter__(self) -> AsyncIterator[ServerMessage]:
        """The server's messages, up to and including the END of the recognition.

        Raises:
            ConnectionLost: before that END; what was read so far is all there is.
        """
        while True:
            message = await self._receive()
            if isinstance(message, Ended):
                self._recognition_open = False
                self._leave_round()
            yield message
            if isinstance(message, Ended):
                return

    async def _receive(self) -> ServerMessage:
        while True:
            connection = await self._current()
            if self._round is not None:
                return await self._round.receive()
            try:
                return await connection.receive()
            except ConnectionLost as lost:
                await self._begin_again(connection, lost)

    async def close(self) -> None:
        """Close the connection; what has not been read is lost."""
        if self._round is not None:
            await self._round.close()
            self._leave_round()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _current(self) -> Connection:
        if self._opening.locked():
            # The other task is making a new one.
            async with self._opening:
                pass
        if self._connection is None:
            raise ConnectionLost("the session is closed")
        return self._connection

    async def _begin_again(self, broken: Connection, lost: ConnectionLost) -> None:
        """A new recognition in place of one that has had no audio, where that is wanted."""
        if self._connection is not None and self._connection is not broken:
            return
        if self._audio_sent or broken.end_sent or not lost.retryable or not self._options.retry_s:
            raise lost
        await self._begin(broken)

    async def _begin(self, broken: Connection | None) -> None:
        """A connection with a recognition on it; `broken` is not to be used any more."""
        async with self._opening:
            if broken is not None and self._connection not in (broken, None):
                # The other task was here first.
                return
            until_s = self._clock.now() + self._options.retry_s
            pause_s = _FIRST_PAUSE_S
            while True:
                try:
                    await self._try(broken)
                    return
                except ClientError as error:
                    if not error.retryable or self._clock.now() + pause_s > until_s:
                        raise
                # Not all at once where a server comes back to many clients.
                await self._clock.sleep_until(self._clock.now() + pause_s * random.uniform(0.5, 1))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _try(self, broken: Connection | None) -> None:
        if self._connection is None or self._connection is broken:
            await self.close()
            self._connection = await self._opened()
        try:
            started: Started = await self._connection.start(self._config)
        except StartRefused:
            raise
        except BaseException:
            # Nothing is known of this connection any more.
            await self.close()
            raise
        self._trace_id = started.trace_id
        self._recognition_open = True
        if started.resume is not None:
            self._round = ResumableRound(
                self._connection,
                started,
                self._config,
                self._opened,
                self._clock,
                on_line=self._on_line,
            )

    def _leave_round(self) -> None:
        """The next recognition begins on the connection that this one has come to."""
        if self._round is not None:
            self._trace_id = self._round.trace_id
            self._connection, self._round = self._round.connection, None

    async def _opened(self) -> Connection:
        return await opened(
            self._address,
            timeout_s=self._options.open_timeout_s,
            tls=self._options.tls,
            credential=self._options.credential,
        )


class _SendTimes:
    """When the audio of one recognition went out."""

    def __init__(self, config: StartConfig) -> None:
        format = config.audio_format
        self._bytes_per_ms = (
            format.bytes_per_second / 1000 if isinstance(format, AudioFormat) else None
        )
        self._sent_bytes = 0
        self._sent: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        """Up to which millisecond, and when; both grow."""

    def note(self, length: int, at_s: float) -> None:
        if self._bytes_per_ms is not None:
            self._sent_bytes += length
            self._sent.append((self._sent_bytes / self._bytes_per_ms, at_s))

    def at(self, at_ms: int) -> float | None:
        place = bisect_left(self._sent, (float(at_ms), 0.0))
        if place == len(self._sent) or (place == 0 and len(self._sent) == _REMEMBERED):
            return None
        return self._sent[place][1]
