"""One channel: what was said on it, and what is being said.

Pure: time is an argument, nothing is awaited. Finals are kept in order, up to a bound; of the
sentence that is being spoken only the newest state. A viewer is a cursor into both, so viewers
cost the channel nothing: one that is slow finds partials replaced and every final still there.

Cues are numbered from 1 over the life of the channel, without gaps. While a sentence is spoken its
cues have the numbers that they will keep, and each change of one is a new revision.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from rasr.captions.cue import Cue
from rasr.captions.events import EventId, cue_event, missed_event
from rasr.captions.layout import cues_of
from rasr.captions.timing import held
from rasr.wire.sis.messages import Segment

RECENT_CUES = 8
"""What a viewer is shown of the past who does not say where he left off."""

_BATCH = 64
"""Finals handed out at once: who resumes is not to be given the whole history in one piece."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said on a channel, as far as it is kept."""

    cues: tuple[Cue, ...]
    """With the times of their words."""
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Final:
    cue: Cue
    event: bytes
    sentence: str | None
    """The whole text of its segment, at the last of its cues."""


@dataclass(frozen=True, slots=True)
class _Rolling:
    """A cue that may still change; without lines it was withdrawn."""

    lines: tuple[str, ...]
    revision: int
    stamp: int
    """Of all changes to rolling cues, this was number so and so."""
    event: bytes


@dataclass(slots=True)
class Cursor:
    """What one viewer has been given."""

    final: int = 0
    """Number of the last final cue."""
    stamp: int = 0
    """Of the last change to a rolling cue."""


class Channel:
    """The captions under one name. One round at a time publishes to it."""

    def __init__(self, token: str, history_cues: int) -> None:
        self.token = token
        self.live = False
        """True while a round is open."""
        self._finals: deque[_Final] = deque(maxlen=history_cues)
        self._said = 0
        """Number of the last final cue."""
        self._rolling: dict[int, _Rolling] = {}
        self._stamp = 0
        self._opened: float | None = None
        self._offset_ms = 0
        self._latest_ms = 0

    # The speaker

    def begin(self, now: float) -> None:
        """A round opens. Its clock is laid behind what was said before it.

        Args:
            now: seconds of any monotonic clock.
        """
        assert not self.live, "two rounds on one channel"
        self.live = True
        if self._opened is None:
            self._opened = now
        self._offset_ms = max(round((now - self._opened) * 1000), self._latest_ms)

    def publish(self, segment: Segment) -> None:
        """The next result of the round, partial or final."""
        cues = [_moved(cue, self._offset_ms) for cue in cues_of(segment)]
        if segment.is_final:
            self._publish_final(cues, segment.text)
        else:
            self._publish_partial(cues)

    def end(self) -> None:
        """The round is over: what has no final will get none."""
        self.live = False
        self._withdraw_beyond(self._said)

    def _publish_partial(self, cues: Sequence[Cue]) -> None:
        for number, cue in enumerate(cues, start=self._said + 1):
            self._roll(number, cue)
        self._withdraw_beyond(self._said + len(cues))

    def _publish_final(self, cues: Sequence[Cue], sentence: str) -> None:
        for place, cue in enumerate(cues, start=1):
            self._said += 1
            before = self._rolling.pop(self._said, None)
            revision = before.revision + 1 if before else 1
            until_ms = cues[place].start_ms if place < len(cues) else None
            event = cue_event(self._said, revision, held(cue, until_ms), self.token)
            self._finals.append(_Final(cue, event, sentence if place == len(cues) else None))
            self._latest_ms = max(self._latest_ms, cue.end_ms)
        self._withdraw_beyond(self._said)

    def _roll(self, number: int, cue: Cue) -> None:
        before = self._rolling.get(number)
        # Times of words that stay the same tremble; nobody sees that.
        if before is not None and before.lines == cue.lines:
            return
        self._stamp += 1
        revision = before.revision + 1 if before else 1
        event = cue_event(number, revision, cue, None)
        self._rolling[number] = _Rolling(cue.lines, revision, self._stamp, event)

    def _withdraw_beyond(self, number: int) -> None:
        # They stay as withdrawn, for viewers that were shown them, until the number is used again.
        for later, rolling in list(self._rolling.items()):
            if later > number and rolling.lines:
                self._roll(later, Cue(self._latest_ms, self._latest_ms, ()))

    # The viewers

    def cursor(self, last_event_id: str | None) -> Cursor:
        """Where a viewer begins who comes now.

        Args:
            last_event_id: what he saw last; an id of another channel counts as nothing seen, None
                as no wish to see the past.
        """
        if last_event_id is None:
            return Cursor(max(self._said - RECENT_CUES, self._oldest - 1))
        place = EventId.parse(last_event_id)
        if place is None or place.token != self.token:
            return Cursor(self._oldest - 1)
        return Cursor(min(place.number, self._said))

    def since(self, cursor: Cursor) -> bytes:
        """Events that `cursor` has not been given, some of them if they are many; moves it on."""
        parts: list[bytes] = []
        missed = self._oldest - 1 - cursor.final
        if missed > 0:
            parts.append(missed_event(missed))
            cursor.final += missed
        waiting = self._said - cursor.final
        if waiting:
            newest = islice(reversed(self._finals), waiting)
            parts += [final.event for final in list(newest)[::-1][:_BATCH]]
            cursor.final += min(waiting, _BATCH)
        if self.is_all_given(cursor) and cursor.stamp < self._stamp:
            changed = [one for one in self._rolling.items() if one[1].stamp > cursor.stamp]
            parts += [rolling.event for _, rolling in sorted(changed, key=lambda one: one[0])]
            cursor.stamp = self._stamp
        return b"".join(parts)

    def is_all_given(self, cursor: Cursor) -> bool:
        """True if `cursor` has every final."""
        return cursor.final == self._said

    def kept(self) -> Said:
        """What was said so far."""
        return Said(
            tuple(final.cue for final in self._finals),
            tuple(final.sentence for final in self._finals if final.sentence is not None),
        )

    @property
    def said(self) -> int:
        """How many final cues there have been."""
        return self._said

    @property
    def _oldest(self) -> int:
        """Number of the oldest final cue that is kept, or that will be."""
        return self._said - len(self._finals) + 1


def _moved(cue: Cue, ms: int) -> Cue:
    return replace(cue, start_ms=cue.start_ms + ms, end_ms=cue.end_ms + ms)
