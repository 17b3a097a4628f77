"""One caption channel: what was recognised on it, and what is being spoken.

Pure: time is an argument, nothing is awaited. Finals are kept in order, up to a bound; of the
segment that is being spoken only the newest state. A viewer is a cursor into both, so viewers cost
the channel nothing: one that is slow finds partials replaced and every final still there.

Cues are numbered from 1 over the life of the channel, without gaps. While a segment is spoken its
cues have the numbers that they will keep, and each change of one is a new revision.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from rasr.captions.cues import Cue, RollingCues, held
from rasr.captions.event_stream import EventId, cue_event, missed_event
from rasr.captions.timed_text import TimedText

RECENT_CUES = 8
"""A viewer that does not say what it saw last is shown so many cues of the past."""

_BATCH = 64
"""Finals handed out at once: a viewer that resumes is not given the whole history in one piece."""


@dataclass(frozen=True, slots=True)
class ChannelHistory:
    """What was recognised on a channel, as far as it is kept."""

    cues: tuple[Cue, ...]
    """With the times of their words, in ms since the channel began."""
    texts: tuple[str, ...]
    """The whole text of each final."""


@dataclass(frozen=True, slots=True)
class FinalCue:
    """A cue that stays as it is."""

    cue: Cue
    event: bytes
    text: str | None
    """The whole text of its final, at the last of its cues."""


@dataclass(frozen=True, slots=True)
class RollingCue:
    """A cue that may still change; without lines it was withdrawn."""

    lines: tuple[str, ...]
    stable: int
    revision: int
    stamp: int
    """All changes to rolling cues of the channel are numbered; this is the number of its newest."""
    event: bytes


@dataclass(frozen=True, slots=True)
class Changes:
    """What somebody who follows a channel has not been given yet, in order."""

    missed: int = 0
    """So many finals are no longer kept."""
    finals: Sequence[FinalCue] = ()
    rolling: Sequence[tuple[int, RollingCue]] = ()
    """With their numbers."""


@dataclass(slots=True)
class Cursor:
    """How much of a channel one viewer has been given."""

    final: int = 0
    """Number of the last final cue."""
    stamp: int = 0
    """Number of the last change to a rolling cue."""


class Channel:
    """The captions under one name. One recognition at a time publishes to it."""

    def __init__(self, token: str, history_cues: int) -> None:
        """
        Args:
            token: tells this channel from others of the same name, before it or after a restart.
            history_cues: so many final cues are kept.
        """
        self.token = token
        self.live = False
        """True while a recognition publishes."""
        self._finals: deque[FinalCue] = deque(maxlen=history_cues)
        self._final_cues = 0
        self._rolling: dict[int, RollingCue] = {}
        self._cues = RollingCues()
        self._stamp = 0
        self._opened: float | None = None
        self._offset_ms = 0
        self._latest_ms = 0

    # The publisher

    def begin(self, now: float) -> None:
        """A recognition begins. Its clock is laid behind what was published before it.

        Args:
            now: seconds of any monotonic clock.
        """
        assert not self.live, "two recognitions on one channel"
        self.live = True
        if self._opened is None:
            self._opened = now
        self._offset_ms = max(round((now - self._opened) * 1000), self._latest_ms)

    def publish(self, text: TimedText) -> None:
        """Take the next partial or final; a final without text withdraws the partials before it."""
        cues = [_moved(cue, self._offset_ms) for cue in self._cues.next(text)]
        if text.is_final:
            self._publish_final(cues, text.text)
        else:
            self._publish_partial(cues)

    def end(self) -> None:
        """The recognition is over: partials that have no final will get none, and are withdrawn."""
        self.live = False
        self._cues = RollingCues()
        self._withdraw_beyond(self._final_cues)

    def _publish_partial(self, cues: Sequence[Cue]) -> None:
        for number, cue in enumerate(cues, start=self._final_cues + 1):
            self._roll(number, cue)
        self._withdraw_beyond(self._final_cues + len(cues))

    def _publish_final(self, cues: Sequence[Cue], text: str) -> None:
        for place, cue in enumerate(cues, start=1):
            self._final_cues += 1
            number = self._final_cues
            before = self._rolling.pop(number, None)
            revision = before.revision + 1 if before else 1
            until_ms = cues[place].start_ms if place < len(cues) else None
            event = cue_event(number, revision, held(cue, until_ms), self.token)
            self._finals.append(FinalCue(cue, event, text if place == len(cues) else None))
            self._latest_ms = max(self._latest_ms, cue.end_ms)
        self._withdraw_beyond(self._final_cues)

    def _roll(self, number: int, cue: Cue) -> None:
        before = self._rolling.get(number)
        # Times of words that stay the same tremble; nobody sees that.
        if before is not None and (before.lines, before.stable) == (cue.lines, cue.stable):
            return
        self._stamp += 1
        revision = before.revision + 1 if before else 1
        event = cue_event(number, revision, cue, None)
        self._rolling[number] = RollingCue(cue.lines, cue.stable, revision, self._stamp, event)

    def _withdraw_beyond(self, number: int) -> None:
        # They stay as withdrawn, for viewers that were shown them, until the number is used again.
        for later, rolling in list(self._rolling.items()):
            if later > number and rolling.lines:
                self._roll(later, Cue(self._latest_ms, self._latest_ms, ()))

    # What it is a copy of

    def follow(self, changes: Changes) -> None:
        """Take what another channel, whose token this one has, has told with `changes`."""
        if changes.missed:
            self._finals.clear()
            self._final_cues += changes.missed
            for number in [one for one in self._rolling if one <= self._final_cues]:
                del self._rolling[number]
        for final in changes.finals:
            self._final_cues += 1
            self._rolling.pop(self._final_cues, None)
            self._finals.append(final)
            self._latest_ms = max(self._latest_ms, final.cue.end_ms)
        for number, cue in changes.rolling:
            # What is known is no news, or two that follow each other would tell it for ever.
            known = self._rolling.get(number)
            if known is None or known.event != cue.event:
                self._stamp += 1
                self._rolling[number] = replace(cue, stamp=self._stamp)

    def age_s(self, now: float) -> float:
        """How long ago it began; `now` is on the clock of `begin`."""
        return 0.0 if self._opened is None else now - self._opened

    def backdate(self, opened: float) -> None:
        """It began then, on the clock of `begin`, in another process."""
        self._opened = opened

    # The viewers

    def cursor(self, last_event_id: str | None) -> Cursor:
        """Where a viewer begins that comes now.

        Args:
            last_event_id: what it saw last; an id of another channel counts as nothing seen, None
                as no wish to see the past.
        """
        if last_event_id is None:
            return Cursor(max(self._final_cues - RECENT_CUES, self._oldest - 1))
        place = EventId.parse(last_event_id)
        if place is None or place.token != self.token:
            return Cursor(self._oldest - 1)
        return Cursor(min(place.number, self._final_cues))

    def since(self, cursor: Cursor) -> bytes:
        """Events that `cursor` has not been given, some of them if they are many; moves it on."""
        changes = self.changes(cursor)
        parts = [missed_event(changes.missed)] if changes.missed else []
        parts += [final.event for final in changes.finals]
        parts += [rolling.event for _, rolling in changes.rolling]
        return b"".join(parts)

    def changes(self, cursor: Cursor) -> Changes:
        """What `cursor` has not been given, some of it if that is much; moves it on."""
        missed = max(0, self._oldest - 1 - cursor.final)
        cursor.final += missed
        finals: list[FinalCue] = []
        waiting = self._final_cues - cursor.final
        if waiting:
            newest = islice(reversed(self._finals), waiting)
            finals = list(newest)[::-1][:_BATCH]
            cursor.final += len(finals)
        rolling: list[tuple[int, RollingCue]] = []
        if self.is_all_given(cursor) and cursor.stamp < self._stamp:
            changed = [one for one in self._rolling.items() if one[1].stamp > cursor.stamp]
            rolling = sorted(changed, key=lambda one: one[0])
            cursor.stamp = self._stamp
        return Changes(missed, finals, rolling)

    def is_all_given(self, cursor: Cursor) -> bool:
        """True if `cursor` has every final."""
        return cursor.final == self._final_cues

    def history(self) -> ChannelHistory:
        """The finals that are kept."""
        return ChannelHistory(
            tuple(final.cue for final in self._finals),
            tuple(final.text for final in self._finals if final.text is not None),
        )

    @property
    def final_cues(self) -> int:
        """How many final cues there have been; the number of the last one."""
        return self._final_cues

    @property
    def _oldest(self) -> int:
        """Number of the oldest final cue that is kept, or that will be."""
        return self._final_cues - len(self._finals) + 1


def _moved(cue: Cue, ms: int) -> Cue:
    return replace(cue, start_ms=cue.start_ms + ms, end_ms=cue.end_ms + ms)
