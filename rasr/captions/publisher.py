"""What one recognition publishes: its partials and finals, to a channel."""

from __future__ import annotations

from collections.abc import Callable

from rasr.captions.channel import Channel
from rasr.captions.timed_text import timed_text
from rasr.recognition.events import Final, Partial, RecognitionEvent


class Publisher:
    """A subscriber of one recognition: its partials and finals go to a channel."""

    def __init__(
        self, channel: Channel, on_change: Callable[[], None], on_close: Callable[[], None]
    ) -> None:
        """
        Args:
            channel: it has begun.
            on_change: called when there is something new for viewers.
            on_close: called when the recognition is over.
        """
        self._channel = channel
        self._on_change = on_change
        self._on_close = on_close

    def on_event(self, event: RecognitionEvent) -> None:
        """Publish a partial that has text and every final; other events are no captions.

        A final without text withdraws the partials of its segment.
        """
        match event:
            case Final():
                self._publish(event)
            case Partial() if event.hypothesis.text:
                self._publish(event)
            case _:
                pass

    def close(self) -> None:
        """The recognition is over; partials that have no final are withdrawn. To be called once."""
        self._channel.end()
        self._on_close()

    def _publish(self, event: Partial | Final) -> None:
        self._channel.publish(timed_text(event))
        self._on_change()
