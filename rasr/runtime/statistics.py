"""What is counted and timed of one connection. No rules follow from it.

The runner and the connection keep it beside their work, so it must cost next to nothing: for a
message with audio it is one comparison, for a segment a few entries. What can be computed when
somebody looks is computed then (`rasr.server.ops`). It holds no audio and no text.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

WINDOW_S = 5.0
"""What a rate is taken over: a sentence or a pause, so that it says what goes on now."""
_SPACING_S = 1.0
_MARKS = 10
_FINALS = 100
"""Latencies of a connection that are remembered, the newest: some minutes of speech."""


class RateMeter:
    """The rate of late of a number that only grows."""

    def __init__(self, at: float, value: float = 0.0) -> None:
        self.next_at = at + _SPACING_S
        """Before this a new mark is not worth its place."""
        self._marks: deque[tuple[float, float]] = deque([(at, value)], maxlen=_MARKS)

    def note(self, at: float, value: float) -> None:
        """`value` is reached at `at`."""
        if at >= self.next_at:
            self.next_at = at + _SPACING_S
            self._marks.append((at, value))

    def rate(self, at: float, value: float) -> float:
        """Growth a second over the last five seconds, or over the span nearest to that."""
        began, was = min(self._marks, key=lambda mark: _misfit(at - mark[0]))
        return max(0.0, value - was) / max(at - began, _SPACING_S)


def _misfit(age_s: float) -> float:
    # A span of a moment says nothing, as long as there is any other.
    return abs(age_s - WINDOW_S) if age_s >= _SPACING_S else 1e9 - age_s


class Latencies(Protocol):
    """Where the latencies of all connections are collected."""

    def first_partial(self, seconds: float) -> None:
        """From the start of a segment to the first words of it."""

    def final(self, seconds: float) -> None:
        """From the endpoint of a segment to its final."""


class SessionState(StrEnum):
    """Where a connection is."""

    IDLE = "idle"
    """Connected, without a recognition."""
    SILENCE = "silence"
    """A recognition is open and nobody speaks."""
    SPEECH = "speech"
    """A segment is open."""
    AWAY = "away"
    """The client of a recognition has lost its connection, and may come back."""
    FINISHING = "finishing"
    """Nobody speaks, and a final is still awaited."""


class Progress(Protocol):
    """What is asked of a recognition that is open."""

    @property
    def audio_s(self) -> float:
        """Audio received, seconds."""

    @property
    def speech_s(self) -> float:
        """Audio given to the engine, seconds."""

    @property
    def segments(self) -> int:
        """Segments that have begun."""

    @property
    def backlog_s(self) -> float:
        """Audio that is not decoded yet, seconds."""


@dataclass(frozen=True, slots=True)
class RecognitionOver:
    """A recognition that is over. Times are of the event loop's clock."""

    reason: str
    """Why, in the dialect's words."""
    trace_id: str
    engine: str
    opened_at: float
    closed_at: float
    audio_s: float
    delay_s: float
    """What its client has waited for: from the end of an utterance to its final, the mean of all;
    where nothing was said, from the end of the audio to the end of the recognition."""


class RecognitionObserver(Protocol):
    """Somebody who is told of each recognition once it is over. It must not take long."""

    def recognition_over(self, over: RecognitionOver) -> None:
        """A recognition is over."""

    def recognition_refused(self, code: str, now: float) -> None:
        """A request for a recognition, or what else came outside of one, was answered with this
        error."""


@dataclass(slots=True)
class _Current:
    """The open recognition."""

    progress: Progress
    opened_at: float
    asked_to_end_at: float | None = None
    finals: int = 0
    finals_s: float = 0.0
    """Their latencies together."""

    def delay_s(self, now: float) -> float:
        if self.finals:
            return self.finals_s / self.finals
        return 0.0 if self.asked_to_end_at is None else now - self.asked_to_end_at


@dataclass(slots=True)
class _Waits:
    started: float
    heard: bool = False
    ended: float | None = None


@dataclass(slots=True, eq=False)
class SessionStatistics:
    """One connection's. Times are of the event loop's clock."""

    number: int
    """Counts the connections of this server; its log has the same."""
    mode: str
    peer: str
    opened_at: float
    latencies: Latencies
    project: str = ""
    """Whose it is."""
    observers: Sequence[RecognitionObserver] = ()
    model: str = ""
    """Asked for by the newest recognition."""
    engine: str = ""
    """Of the newest recognition."""
    trace_id: str = ""
    """Of the newest recognition; its client and the messages have the same."""
    recognitions: int = 0
    partials_replaced: int = 0
    """Messages that were outdated before the client took them."""
    stalled: int = 0
    """Recognitions that were given up because nothing came of them after their end."""
    second_passes: Counter[str] = field(default_factory=Counter)
    """How they ended: `rasr.runtime.finals.PassOutcome`."""
    busy_s: float = 0.0
    """Time that workers have spent on its segments that are over."""
    reason: str = "closed without a round"
    """Why the newest recognition, or the connection, ended."""
    refused: Counter[str] = field(default_factory=Counter)
    """Codes of the errors that answered a request for a recognition, or came outside of one."""
    failed: Counter[str] = field(default_factory=Counter)
    """Codes of the errors of open recognitions, and of those that ended the connection."""
    finals_s: deque[float] = field(default_factory=lambda: deque(maxlen=_FINALS))
    """From endpoint to final, the newest last."""
    audio: RateMeter = field(init=False)
    """Seconds of audio received."""
    client_is_away: Callable[[], bool] = lambda: False
    """Tells whether its client has lost the connection, and may come back."""
    _open: _Current | None = None
    _audio_s: float = 0.0
    _speech_s: float = 0.0
    _segments: int = 0
    """All three of the recognitions that are over."""
    _waits: dict[int, _Waits] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.audio = RateMeter(self.opened_at)

    # Kept by the runner and the connection

    def recognition_opened(self, progress: Progress, now: float) -> None:
        """A recognition begins."""
        self._open = _Current(progress, now)
        self.recognitions += 1

    def recognition_asked_to_end(self, now: float) -> None:
        """No more audio comes for the open recognition."""
        if self._open is not None and self._open.asked_to_end_at is None:
            self._open.asked_to_end_at = now

    def recognition_closed(self, reason: str, now: float) -> None:
        """The open recognition is over."""
        self.reason = reason
        if self._open is None:
            return
        current, self._open = self._open, None
        progress = current.progress
        self._audio_s += progress.audio_s
        self._speech_s += progress.speech_s
        self._segments += progress.segments
        self._waits.clear()
        over = RecognitionOver(
            reason,
            self.trace_id,
            self.engine,
            current.opened_at,
            now,
            progress.audio_s,
            current.delay_s(now),
        )
        for one in self.observers:
            one.recognition_over(over)

    def error(self, code: str, now: float, *, fatal: bool) -> None:
        """An error is sent to the client."""
        if self._open is not None:
            self.failed[code] += 1
            return
        (self.failed if fatal else self.refused)[code] += 1
        for one in self.observers:
            one.recognition_refused(code, now)

    def segment_started(self, segment: int, now: float) -> None:
        """A segment is open."""
        self._waits[segment] = _Waits(now)

    def segment_ended(self, segment: int, now: float) -> None:
        """The endpoint of a segment is known."""
        waits = self._waits.get(segment)
        if waits is not None:
            waits.ended = now

    def heard(self, segment: int, now: float, *, final: bool, text: bool) -> None:
        """The engine has said something of a segment: words, if `text`."""
        waits = self._waits.get(segment)
        if final:
            self.segment_gone(segment)
        if waits is None or not text:
            return
        if not final and not waits.heard:
            waits.heard = True
            self.latencies.first_partial(now - waits.started)
        if final and waits.ended is not None:
            self.finals_s.append(now - waits.ended)
            if self._open is not None:
                self._open.finals += 1
                self._open.finals_s += now - waits.ended
            self.latencies.final(now - waits.ended)

    def segment_gone(self, segment: int) -> None:
        """Nothing more comes of a segment."""
        self._waits.pop(segment, None)

    # Read by observers

    @property
    def in_recognition(self) -> bool:
        """True while a recognition is open."""
        return self._open is not None

    @property
    def state(self) -> SessionState:
        """What goes on now."""
        if self.client_is_away():
            return SessionState.AWAY
        if any(waits.ended is None for waits in self._waits.values()):
            return SessionState.SPEECH
        if self._waits:
            return SessionState.FINISHING
        return SessionState.SILENCE if self.in_recognition else SessionState.IDLE

    @property
    def audio_s(self) -> float:
        """Audio received in all recognitions."""
        return self._audio_s + (self._open.progress.audio_s if self._open is not None else 0.0)

    @property
    def speech_s(self) -> float:
        """Audio of all recognitions that was given to an engine."""
        return self._speech_s + (self._open.progress.speech_s if self._open is not None else 0.0)

    @property
    def segments(self) -> int:
        """Segments of all recognitions."""
        return self._segments + (self._open.progress.segments if self._open is not None else 0)

    @property
    def backlog_s(self) -> float:
        """Audio that is not decoded yet."""
        return self._open.progress.backlog_s if self._open is not None else 0.0
