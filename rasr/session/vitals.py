"""What an observer may know of one session: how far it is, how fast, how late. No rules follow.

Kept by the driver beside its work, so it must cost next to nothing: for a message with sound it is
one comparison, for an utterance a few entries. What can be reckoned when somebody looks is reckoned
then (`rasr.server.ops.sessions`). Holds no sound and no text.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

WINDOW_S = 5.0
"""What a rate is taken over: a sentence or a pause, so that it says what goes on now."""
_SPACING_S = 1.0
_MARKS = 10
_FINALS = 100
"""Latencies of a session that are remembered, the newest: some minutes of speech."""


class Marks:
    """A number that only grows, noted now and then, so that its rate of late can be told."""

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
    """Where the waits of all sessions are collected."""

    def first_partial(self, seconds: float) -> None:
        """From an utterance's being opened to the first words of it."""

    def final(self, seconds: float) -> None:
        """From an utterance's endpoint to its final."""


class State(StrEnum):
    """Where a session is."""

    IDLE = "idle"
    """Connected, without a round."""
    SILENCE = "silence"
    """A round is open and nobody speaks."""
    SPEECH = "speech"
    """An utterance is open."""
    FINISHING = "finishing"
    """Nobody speaks, and a final is still awaited."""


@dataclass(slots=True)
class _Waits:
    opened: float
    heard: bool = False
    finished: float | None = None


@dataclass(slots=True, eq=False)
class Vitals:
    """One session's. Times are of the event loop's clock."""

    number: int
    """Counts the sessions of this server; its log has the same."""
    mode: str
    peer: str
    opened_at: float
    latencies: Latencies
    property_name: str = ""
    """Of the newest round."""
    trace_id: str = ""
    """Of the newest round; its client and the messages have the same."""
    in_round: bool = False
    refused: Counter[str] = field(default_factory=Counter)
    """Codes of the errors that answered a START, or what else came out of a round."""
    failed: Counter[str] = field(default_factory=Counter)
    """Codes of the errors of open rounds, and of those that ended the connection."""
    finals_s: deque[float] = field(default_factory=lambda: deque(maxlen=_FINALS))
    """From endpoint to final, the newest last."""
    audio: Marks = field(init=False)
    """Seconds of sound received."""
    _utterances: dict[int, _Waits] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.audio = Marks(self.opened_at)

    def round_opened(self, trace_id: str, property_name: str) -> None:
        self.in_round, self.trace_id, self.property_name = True, trace_id, property_name

    def round_closed(self) -> None:
        self.in_round = False

    def error(self, code: str, *, fatal: bool) -> None:
        (self.failed if self.in_round or fatal else self.refused)[code] += 1

    def opened(self, utterance: int, now: float) -> None:
        self._utterances[utterance] = _Waits(now)

    def finished(self, utterance: int, now: float) -> None:
        """Its endpoint is known."""
        self._utterances[utterance].finished = now

    def told(self, utterance: int, now: float, *, final: bool, text: bool) -> None:
        """The engine has said something of it: words, if `text`."""
        waits = self._utterances.get(utterance)
        if final:
            self.gone(utterance)
        if waits is None or not text:
            return
        if not final and not waits.heard:
            waits.heard = True
            self.latencies.first_partial(now - waits.opened)
        if final and waits.finished is not None:
            self.finals_s.append(now - waits.finished)
            self.latencies.final(now - waits.finished)

    def gone(self, utterance: int) -> None:
        """Nothing more comes of it."""
        self._utterances.pop(utterance, None)

    @property
    def state(self) -> State:
        if any(waits.finished is None for waits in self._utterances.values()):
            return State.SPEECH
        if self._utterances:
            return State.FINISHING
        return State.SILENCE if self.in_round else State.IDLE
