"""What a client keeps of a recognition, so that it goes on at the same server or at another one.

Bounded: 90 s of audio that has not surely arrived, and of raw audio that has arrived and has not
been recognised as much as a server takes before it has decoded any: 16 times `session.backlog_s`,
and the longest sentence. Of somebody who speaks that is the open sentence.
"""

from __future__ import annotations

import asyncio

from rasr.audio import AudioFormat
from rasr.client.connection import Connection
from rasr.client.errors import ConnectionLost, ResumeRefused
from rasr.client.round_clock import RoundClock
from rasr.wire.resuming import ReceivedMessages, SentAudio
from rasr.wire.sis.messages import (
    AudioReceived,
    Ended,
    Error,
    Result,
    ServerMessage,
    StartConfig,
    Started,
)

_KEEP_S = 90
"""Sound that is kept until the server has got it: three times as long as it holds a recognition."""
_KEEP_UNSETTLED_S = 16 * 60 + 60
"""Sound that is kept until it is recognised."""
_COMPRESSED_BYTES_PER_S = 16_000
"""More than speech is compressed to."""
_ANSWER_S = 10.0
"""Within which a server says whether it goes on with a recognition."""


class CannotGoOn(ConnectionLost):
    """No server can go on with the recognition, whichever is asked."""


class KeptRound:
    """Of one recognition."""

    def __init__(self, config: StartConfig, started: Started) -> None:
        """
        Args:
            started: the answer to START with `config`.
        """
        self._config = config
        self._times = RoundClock(config.audio_format)
        self.audio = SentAudio(*_most_kept(config))
        """What is to be sent, and what may have to be sent again."""
        self._started(started)

    def _started(self, started: Started) -> None:
        assert started.resume is not None, "it survives its connection"
        self.trace_id = started.trace_id
        """The server's id of it; another one where it was begun anew."""
        self._token: str | None = started.resume.token
        """None once it cannot be gone on with."""
        self.grace_s = started.resume.grace_ms / 1000
        """For so long a server is looked for."""
        self._messages = ReceivedMessages()
        # The answer to START was the first.
        self._messages.came(1)

    # Messages

    def audio_came(self, message: AudioReceived) -> None:
        """The server says how far the audio has come."""
        self.audio.arrived(self._times.begin + message.audio_bytes)
        if message.settled_ms is not None:
            self.audio.settled(self._times.byte_at(message.settled_ms))

    def is_new(self, number: int | None) -> bool:
        """A message of this number came. False: it had come before."""
        return number is None or self._messages.came(number)

    def heard(self, message: ServerMessage) -> ServerMessage:
        """A new message, on the clock of the whole recognition."""
        if isinstance(message, Result) and message.segments[-1].is_final:
            self.audio.settled(self._times.byte_at(message.segments[-1].end_time))
        return self._times.placed(message)

    async def acknowledge(self, connection: Connection, message: ServerMessage) -> None:
        """Say that the newest message has come, if it is time to."""
        at_once = isinstance(message, Ended | Error) or (
            isinstance(message, Result) and message.segments[0].is_final
        )
        if self._messages.must_acknowledge(at_once=at_once):
            try:
                await connection.acknowledge(self._messages.newest)
            except ConnectionLost:
                # The message is here. Whether another one comes is the next one's question.
                pass

    def is_over_there(self) -> None:
        """The server has ended it: it can only be begun anew."""
        self._token = None

    # Another connection

    async def go_on_on(self, connection: Connection, lost: ConnectionLost) -> bool:
        """Go on with it on another connection, or begin it anew there.

        Args:
            lost: how the connection before was lost.

        Returns:
            True: it was begun anew.

        Raises:
            CannotGoOn: audio is not there any more that this would need.
            ClientError, TimeoutError: this server does not.
        """
        try:
            async with asyncio.timeout(_ANSWER_S):
                if await self._resume_on(connection, lost):
                    return False
                await self._begin_anew_on(connection, lost)
                return True
        except BaseException:
            connection.abort()
            raise

    async def _resume_on(self, connection: Connection, lost: ConnectionLost) -> bool:
        if self._token is None:
            return False
        try:
            resumed = await connection.resume(self._token, self._messages.newest)
        except ResumeRefused:
            self._token = None
            return False
        if not self.audio.go_on_from(self._times.begin + resumed.audio_bytes):
            raise _hole(lost)
        return True

    async def _begin_anew_on(self, connection: Connection, lost: ConnectionLost) -> None:
        if not self._times.has_places or not self.audio.has_unsettled:
            raise _hole(lost)
        started = await connection.start(self._config)
        if started.resume is None:
            raise CannotGoOn(str(lost), code=lost.code)
        self._started(started)
        self._times.begin = self.audio.begin_anew()


def _most_kept(config: StartConfig) -> tuple[int, int]:
    """Bytes of audio that has not surely arrived, and of audio that has and is not settled."""
    audio_format = config.audio_format
    if isinstance(audio_format, AudioFormat):
        per_s = audio_format.bytes_per_second
        return _KEEP_S * per_s, _KEEP_UNSETTLED_S * per_s
    return _KEEP_S * _COMPRESSED_BYTES_PER_S, 0


def _hole(lost: ConnectionLost) -> CannotGoOn:
    why = f"{lost}; no server goes on, and more of the audio was lost than was kept"
    hole = CannotGoOn(why, code=lost.code)
    hole.__cause__ = lost
    return hole
