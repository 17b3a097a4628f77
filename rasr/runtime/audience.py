"""Who is told what a recognition reports, and what is kept for a listener that comes back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol

import structlog

from rasr.recognition.events import Done, Final, Partial, RecognitionEvent
from rasr.runtime.access import Subscriber

_log = structlog.get_logger("rasr.runtime")


class Listener(Protocol):
    """Who is told what a recognition reports. Called on the event loop."""

    def on_event(self, number: int, event: RecognitionEvent) -> None:
        """The next event; its number is one more than that of the event before it."""

    def on_fault(self) -> None:
        """The recognition was given up, by a fault of the server or by who kept it; no event comes
        any more."""

    def on_replaced(self) -> None:
        """Another listener has taken its place; no event comes any more."""


class Audience:
    """One listener at a time, and subscribers beside it."""

    def __init__(self, subscribers: Iterable[Subscriber], *, keeps_events: bool) -> None:
        """
        Args:
            keeps_events: events stay until they are taken, so that a listener that attaches later
                misses none; of partials only the newest.
        """
        self.listener: Listener | None = None
        self._subscribers = list(subscribers)
        self._keeps_events = keeps_events
        self._kept: deque[tuple[int, RecognitionEvent]] = deque()
        self.newest = 0
        """Number of the newest event."""
        self.taken = 0
        """Events up to this number have been taken."""
        self.told_samples = 0
        """Where the last text ended that a listener was told."""

    def attach(self, listener: Listener) -> None:
        """Tell a listener all events that are kept, and from now on each one."""
        former, self.listener = self.listener, listener
        if former is not None:
            former.on_replaced()
        for number, event in list(self._kept):
            listener.on_event(number, event)

    def detach(self) -> None:
        """Nobody listens for now."""
        self.listener = None

    @property
    def has_kept_the_end(self) -> bool:
        """True if a listener that attaches now is told `Done`."""
        return bool(self._kept) and isinstance(self._kept[-1][1], Done)

    def take(self, number: int) -> None:
        """Events up to this one have reached whoever wants them."""
        self.taken = max(self.taken, number)
        while self._kept and self._kept[0][0] <= self.taken:
            self._kept.popleft()

    def tell(self, event: RecognitionEvent) -> None:
        """Number an event and tell it."""
        self.newest += 1
        if self._keeps_events:
            if isinstance(event, Partial | Final):
                # What was known of a text is outdated by what is known now.
                self._kept = deque(one for one in self._kept if not isinstance(one[1], Partial))
            self._kept.append((self.newest, event))
        if self.listener is not None:
            self.listener.on_event(self.newest, event)
            if isinstance(event, Final) and event.hypothesis.text:
                self.told_samples = event.end_sample
        # The client comes first, whatever the others cost, and their faults are not his.
        for subscriber in self._subscribers[:]:
            try:
                subscriber.on_event(event)
            except Exception:
                _log.exception("subscriber_failed")
                self._subscribers.remove(subscriber)
