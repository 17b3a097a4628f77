"""Copies of channels: what one server tells another of a channel, so that its viewers see it too.

A copy has the token, the numbers and the events of its original, so that a viewer may go on at
either with the id of what it saw last, and a recognition may go on with the copy where the original
is gone. One message is some of the changes, with what the channel is now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rasr.captions.channel import Changes, Channel, FinalCue, RollingCue
from rasr.captions.cues import Cue
from rasr.captions.event_stream import EventId

_Number = Annotated[int, Field(ge=0)]


class CopyBroken(Exception):
    """What was told is nothing that a channel can be copied by."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Final(_Told):
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    event: str
    text: str | None


class _Rolling(_Told):
    number: _Number
    lines: tuple[str, ...]
    stable: int
    revision: int
    event: str


class _Message(_Told):
    token: str
    """Empty: there is no channel of this name."""
    live: bool
    age_ms: _Number
    final_cues: _Number
    """So many there have been, with those in here."""
    missed: _Number = 0
    finals: tuple[_Final, ...] = ()
    rolling: tuple[_Rolling, ...] = ()
    whole: bool
    """Nothing more is to be told now."""


def nothing_there() -> bytes:
    """The message that tells that there is no channel."""
    return _written(_Message(token="", live=False, age_ms=0, final_cues=0, whole=True))


def told(channel: Channel, final_cues: int, changes: Changes, now: float) -> bytes:
    """The message that tells these changes.

    Args:
        final_cues: so many there have been once they are taken.
    """
    message = _Message(
        token=channel.token,
        live=channel.live,
        age_ms=max(0, round(channel.age_s(now) * 1000)),
        final_cues=final_cues,
        missed=changes.missed,
        finals=tuple(
            _Final(
                start_ms=one.cue.start_ms,
                end_ms=one.cue.end_ms,
                lines=one.cue.lines,
                event=one.event.decode(),
                text=one.text,
            )
            for one in changes.finals
        ),
        rolling=tuple(
            _Rolling(
                number=number,
                lines=one.lines,
                stable=one.stable,
                revision=one.revision,
                event=one.event.decode(),
            )
            for number, one in changes.rolling
        ),
        whole=final_cues == channel.final_cues,
    )
    return _written(message)


class Copy:
    """A channel of another server, as far as it has told of it."""

    def __init__(self, history_cues: int, clock: Callable[[], float]) -> None:
        """
        Args:
            history_cues: so many final cues are kept.
            clock: on which channels begin.
        """
        self._history_cues = history_cues
        self._clock = clock
        self.channel: Channel | None = None
        """None: there is none, or nothing was told yet."""
        self.is_whole = False
        """True once nothing was left to be told."""

    @property
    def place(self) -> str:
        """What it has, as the id of the last event: where the other server is to go on."""
        channel = self.channel
        return "" if channel is None else str(EventId(channel.token, channel.final_cues))

    def take(self, message: bytes) -> None:
        """Take what the other server tells.

        Raises:
            CopyBroken: it does not follow on what was told before, or is no such message.
        """
        try:
            told = _Message.model_validate_json(message)
        except ValidationError as error:
            # Not its text: that has what was said in it.
            raise CopyBroken("no message of a channel") from error
        if not told.token:
            self.channel = None
            self.is_whole = True
            return
        missed = told.missed
        if self.channel is None or self.channel.token != told.token:
            self.channel = Channel(told.token, self._history_cues)
            self.is_whole = False
            # It is told from the oldest final on that is kept.
            missed = told.final_cues - len(told.finals)
        channel = self.channel
        if channel.final_cues + missed + len(told.finals) != told.final_cues or missed < 0:
            raise CopyBroken("cues are missing")
        channel.backdate(self._clock() - told.age_ms / 1000)
        channel.follow(_changes(told, missed))
        if told.whole:
            channel.live = told.live
            self.is_whole = True


def _changes(told: _Message, missed: int) -> Changes:
    return Changes(
        missed,
        [
            FinalCue(Cue(one.start_ms, one.end_ms, one.lines), one.event.encode(), one.text)
            for one in told.finals
        ],
        [
            (one.number, RollingCue(one.lines, one.stable, one.revision, 0, one.event.encode()))
            for one in told.rolling
        ],
    )


def _written(message: _Message) -> bytes:
    return message.model_dump_json().encode()
