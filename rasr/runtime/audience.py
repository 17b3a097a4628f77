"""Who is told what a recognition reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import structlog

from rasr.recognition.events import Final, RecognitionEvent
from rasr.runtime.access import Subscriber

_log = structlog.get_logger("rasr.runtime")


class Listener(Protocol):
    """Who is told what a recognition reports. Called on the event loop."""

    @property
    def is_there(self) -> bool:
        """False while what it is told reaches nobody yet."""

    def on_event(self, event: RecognitionEvent) -> None:
        """The next event."""

    def on_fault(self) -> None:
        """A fault of the server has ended the recognition; no event comes any more."""


class Audience:
    """One listener, and subscribers beside it."""

    def __init__(self, subscribers: Iterable[Subscriber]) -> None:
        self.listener: Listener | None = None
        self._subscribers = list(subscribers)
        self.told_samples = 0
        """Where the last text ended that reached the listener."""

    def tell(self, event: RecognitionEvent) -> None:
        """Tell an event."""
        if self.listener is not None:
            self.listener.on_event(event)
            if isinstance(event, Final) and event.hypothesis.text and self.listener.is_there:
                self.told_samples = event.end_sample
        # The client comes first, whatever the others cost, and their faults are not his.
        for subscriber in self._subscribers[:]:
            try:
                subscriber.on_event(event)
            except Exception:
                _log.exception("subscriber_failed")
                self._subscribers.remove(subscriber)
