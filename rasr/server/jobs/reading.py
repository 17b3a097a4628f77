"""Hearing a recording minute by minute: one recognition from its first to its last sample.

It is the recognition of a stream in the continuous mode, so that a recording has the sentences and
times that it would have if it were streamed. Whoever takes it up after a break begins with the
first sample again, because the segments depend on all audio before them, and decodes only those
segments that are not settled: finding segments takes a hundredth of what decoding them takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from rasr.audio import SAMPLE_RATE
from rasr.recognition.events import Done, Failure, Final, RecognitionEvent
from rasr.tasks import awaited, given_up, was_asked_to_end

_MINUTE = 60 * SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in one go."""

    finals: tuple[Final, ...]
    segments: int
    """So many segments from the beginning are settled now."""
    end_sample: int
    """Where the last of them ends; of the last part: where the audio ends."""
    failure: Failure | None = None
    is_last: bool = False


class ReadingClosed(Exception):
    """Somebody has given the recording up while it was heard."""


@dataclass(slots=True)
class RecordingReading:
    """A recording that is being heard."""

    events: AsyncGenerator[RecognitionEvent, None]
    channel: int
    """Which of those that are heard."""
    settled: int
    """Segments that were settled before; nothing is told of them."""
    received: Received
    _waiting: list[Final] = field(default_factory=list)
    """Of a segment that may have another final."""
    _going_on: asyncio.Future[Heard] | None = None

    async def until(self, minute: int) -> Heard:
        """Go on until all that was said before the end of a minute is settled, or to the end.

        Args:
            minute: counts from 0.

        Raises:
            RecordingFault: the recording cannot be read, or is too long.
            ServerFault: a fault of the server.
            ReadingClosed: it was given up meanwhile.
        """
        # A task of its own, which whoever gives the recording up can end: the events cannot be
        # closed while somebody waits for the next one.
        self._going_on = awaited(self._until(minute), name="hear-minute")
        try:
            return await self._going_on
        except asyncio.CancelledError:
            if was_asked_to_end():
                raise
            raise ReadingClosed from None
        finally:
            self._going_on = None

    async def _until(self, minute: int) -> Heard:
        told: list[Final] = []
        wanted = (minute + 1) * _MINUTE
        failure: Failure | None = None
        async for event in self.events:
            match event:
                case Final() if event.segment > self.settled:
                    if self._waiting and self._waiting[-1].segment != event.segment:
                        told += self._settle()
                    self._waiting.append(event)
                    if told and told[-1].end_sample >= wanted:
                        return Heard(tuple(told), self.settled, told[-1].end_sample)
                case Failure():
                    failure = event
                case Done():
                    told += self._settle()
                    end = self.received.samples
                    return Heard(tuple(told), self.settled, end, failure, is_last=True)
        raise AssertionError("a recognition ends with Done, or raises")

    def _settle(self) -> list[Final]:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.settled = waiting[-1].segment
        return waiting

    async def close(self) -> None:
        """Give it up, also while it goes on."""
        if self._going_on is not None:
            await given_up(self._going_on)
        await self.events.aclose()


@dataclass(slots=True)
class Received:
    """Counts the audio of a recording."""

    bytes_per_second: int
    size: int = 0
    """Bytes that came."""

    @property
    def samples(self) -> int:
        """So much came, in samples of the recognition's clock."""
        return self.size * SAMPLE_RATE // self.bytes_per_second

    async def counting(self, audio: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Yield what comes. Close the iterator to give it up."""
        async with aclosing(audio) as pieces:
            async for piece in pieces:
                self.size += len(piece)
                yield piece
