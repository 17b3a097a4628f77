"""What a recognition has been given for its life: an admission slot, and who else is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from rasr.recognition.events import RecognitionEvent
from rasr.wire.dialect import AccessRequest, Grant, Refusal


class AdmissionSlot(Protocol):
    """One of the recognitions that the machine carries."""

    def take(self) -> str | None:
        """Take it, if it is not held: None, or the sentence that refuses it."""

    def release(self) -> None:
        """Give it back, if it is held."""


class Subscriber(Protocol):
    """Somebody beside the client who is told what is recognised, such as a caption channel."""

    def on_event(self, event: RecognitionEvent) -> None:
        """The recognition reports something. The client has been told already."""

    def close(self) -> None:
        """The recognition is over."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recognition has had when it is over."""

    trace_id: str
    """Names it."""
    audio_s: float
    """Audio received, seconds."""
    told_s: float
    """Of it, what was before the end of the last text that its listener was told."""
    succeeded: bool
    """As its client was told."""


@dataclass(frozen=True, slots=True)
class Access:
    """Leave to recognise. It is closed when the recognition is over."""

    grant: Grant
    slot: AdmissionSlot
    subscribers: tuple[Subscriber, ...] = ()
    settle: Callable[[Heard], None] | None = None
    """Called once, when the recognition is over, however it ended. It raises nothing."""

    def close(self) -> None:
        """Give everything back."""
        self.slot.release()
        for subscriber in self.subscribers:
            subscriber.close()


Authorise = Callable[[AccessRequest], Awaitable[Access | Refusal]]
"""Answers who may recognise what."""
