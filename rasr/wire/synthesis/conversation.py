"""The conversation of one connection of real-time synthesis: one text in, its sound out.

It owns the order of messages, the idle rule and the life of the connection. It has no loop, no
socket and no clock. A fault of the peer never raises: it becomes an ERROR for the peer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from rasr.settings import SessionSettings
from rasr.wire.dialect import Close, Ended, Farewell, Send
from rasr.wire.sis.codec import json_object
from rasr.wire.sis.ending import (
    CLOSE_GOING_AWAY,
    CLOSE_INTERNAL,
    CLOSE_NORMAL,
    LONGEST_LIFE,
    Leaving,
)
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.faults import invalid
from rasr.wire.sis.messages import Ended as End
from rasr.wire.sis.messages import EndReason, Error, Started
from rasr.wire.sis.time_limits import IDLE_REASON, Expired, TimeLimits
from rasr.wire.synthesis.messages import MOST_BYTES, Sent, Spoken, SpokenWord, encode
from rasr.wire.synthesis.request import START_FIELDS, SpeechRequest, read_speech_request


@dataclass(frozen=True, slots=True)
class Speak:
    """Speak a text. What comes of it is told by `sound`, `finished` and `failed`."""

    request: SpeechRequest


@dataclass(frozen=True, slots=True)
class Hush:
    """Nobody wants to hear more of it."""


Effect = Send | Speak | Hush | Ended | Close


class _State(Enum):
    WAITING = auto()
    """For a text."""
    ASKED = auto()
    """A text is about to be spoken."""
    SPEAKING = auto()
    DONE = auto()
    CLOSED = auto()


_AT_WORK = (_State.ASKED, _State.SPEAKING)


class SpeakingConversation:
    """One connection's. Calls that depend on time are told `now`, on any monotonic clock."""

    def __init__(self, settings: SessionSettings, trace_id: str, *, now: float) -> None:
        self.trace_id = trace_id
        """Of all messages."""
        self._settings = settings
        self._effects: list[Effect] = []
        self._state = _State.WAITING
        self._words = 0
        self._leaving: Leaving | None = None
        self._limits = TimeLimits(settings, now)

    # What the client does

    def receive(self, message: str | bytes, *, now: float) -> None:
        """A text or binary frame."""
        self._limits.heard(now)
        if self._state is _State.CLOSED:
            return
        try:
            request = _request(message)
            if self._state is not _State.WAITING:
                raise ProtocolError(
                    ErrorCode.SPEAKS_ALREADY,
                    "'command' is invalid: this connection already has a synthesis; allowed: one "
                    "START for each connection",
                )
        except ProtocolError as error:
            self._answer(error)
        else:
            self._state = _State.ASKED
            self._effects.append(Speak(request))

    def receive_eof(self) -> None:
        """The peer is gone, with or without a closing handshake."""
        self._stop()
        self._state = _State.CLOSED

    # What comes of the text

    def sound(self, frames: Sequence[bytes], words: Sequence[SpokenWord]) -> None:
        """A piece of it has been made.

        Args:
            words: of these frames, where they were asked for.
        """
        if self._state is _State.ASKED:
            self._state = _State.SPEAKING
            self._send(Started(self.trace_id))
        if self._state is not _State.SPEAKING:
            return
        if words:
            self._send(Spoken(self.trace_id, tuple(words), self._words))
            self._words += len(words)
        for frame in frames:
            self._send(frame)

    def finished(self, *, now: float) -> None:
        """All of it has been made."""
        if self._state in _AT_WORK:
            self._end(EndReason.NORMAL, now)

    def failed(self, error: ProtocolError, *, now: float) -> None:
        """It is not spoken, or not to its end. Who has heard nothing may ask anew."""
        if self._state not in _AT_WORK:
            return
        self._answer(error)
        if self._state is _State.SPEAKING:
            self._end(EndReason.ERROR, now)
        else:
            self._limits.heard(now)
            self._state = _State.WAITING
            self._close_if_leaving()

    def _end(self, reason: EndReason, now: float) -> None:
        self._limits.heard(now)
        self._state = _State.DONE
        self._send(End(self.trace_id, reason))
        self._effects.append(Ended(reason, succeeded=reason is EndReason.NORMAL))
        self._close_if_leaving()

    # What the server does

    def shut_down(self, farewell: Farewell = Farewell.SHUTDOWN) -> None:
        """The server ends the connection: a text is spoken to its end, unless its client is to hear
        nothing more; then the socket closes."""
        if self._leaving is None and self._state is not _State.CLOSED:
            self._leaving = Leaving.of(farewell)
            if self._leaving.fault is not None:
                self._close(self._leaving.close, self._leaving.fault)
            else:
                self._close_if_leaving()

    def cut_off(self) -> None:
        """The time to shut down is over: close, whatever is not finished."""
        self._close(Close(CLOSE_GOING_AWAY, Farewell.SHUTDOWN))

    def break_off(self) -> None:
        """The server itself failed this connection: say so, close."""
        error = ProtocolError(ErrorCode.INTERNAL, "the server failed; the connection is closed")
        self._close(Close(CLOSE_INTERNAL, error.message), error)

    def _close_if_leaving(self) -> None:
        if self._leaving is not None and self._state not in _AT_WORK:
            self._close(self._leaving.close)

    def _close(self, close: Close, error: ProtocolError | None = None) -> None:
        if self._state is _State.CLOSED:
            return
        self._stop()
        self._state = _State.CLOSED
        if error is not None:
            self._answer(error, fatal=True)
        self._effects.append(close)

    def _stop(self) -> None:
        if self._state in _AT_WORK:
            self._effects += [Hush(), Ended("disconnected")]

    # Time

    def deadline(self) -> float | None:
        """When `advance` is to be called, on the clock of `now`; None for never."""
        if self._state is _State.CLOSED:
            return None
        return self._limits.deadline(idle=self._state not in _AT_WORK)

    def advance(self, *, now: float) -> None:
        """Let time pass. It does nothing before `deadline`."""
        if self._state is _State.CLOSED:
            return
        close = Close(CLOSE_NORMAL, IDLE_REASON)
        match self._limits.expired(now, idle=self._state not in _AT_WORK):
            case Expired.LIFE:
                self._close(LONGEST_LIFE.close)
            case Expired.IDLE if self._state is _State.DONE:
                self._close(close)
            case Expired.IDLE:
                sentence = f"wait text timeout: no text for {self._settings.idle_s:g} s"
                self._close(close, ProtocolError(ErrorCode.NO_TEXT, sentence))

    # Messages

    def effects(self) -> list[Effect]:
        """What is to be done since the last call, in order."""
        drained, self._effects = self._effects, []
        return drained

    def encode(self, message: object) -> str | bytes:
        """The frame of a message that was sent by `Send`."""
        assert isinstance(message, Sent)
        return encode(message)

    def _answer(self, error: ProtocolError, *, fatal: bool = False) -> None:
        message = Error(self.trace_id, error.code, error.message, fatal=fatal)
        self._effects.append(Send(message, error=error.code, fatal=fatal))

    def _send(self, message: Sent) -> None:
        self._effects.append(Send(message))


def _request(message: str | bytes) -> SpeechRequest:
    """What START asks for.

    Raises:
        ProtocolError: it is no START, or one that is not valid.
    """
    if isinstance(message, bytes):
        raise ProtocolError(
            ErrorCode.INVALID,
            f"a binary frame of {len(message)} bytes came; allowed: a text frame with "
            '{"command":"START","text":…,"config":{…}}',
        )
    document = json_object(message, MOST_BYTES)
    if document.get("command") != "START":
        command = document.get("command")
        raise invalid("command", command, "'START'", missing="command" not in document)
    return read_speech_request(document, START_FIELDS)
