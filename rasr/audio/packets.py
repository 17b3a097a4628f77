"""What a demuxer makes of a byte stream: heads and packets, for whoever decodes.

Owns the types that demuxers and `decoder` share, the buffer that demuxers read from, and the one
exception for sound that makes no sense. A packet is what the codec takes at once; a head says how
the packets behind it are coded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class BrokenSound(Exception):
    """The bytes are not what was declared. The text is a sentence for whoever sent them."""


@dataclass(frozen=True, slots=True)
class Head:
    codec: str
    """FFmpeg's name of the decoder."""
    extradata: bytes | None = None


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, and which of its samples are not sound but what encoders put around it."""

    data: bytes
    skip_samples: int = 0
    """At its beginning, at the rate of the codec."""
    cut_samples: int = 0
    """At its end."""


class Demuxer(Protocol):
    """Takes a stream cut anyhow. What it yields does not depend on the cut."""

    def feed(self, data: bytes) -> Iterator[Head | Packet]:
        """What `data` completes; consume it whole before the next call.

        Raises:
            BrokenSound: behind everything that came before the fault.
        """

    def flush(self) -> Iterator[Head | Packet]:
        """No more bytes will come: what can still be told. What was cut off is dropped."""


class Held:
    """Bytes that were fed and are not taken yet. Its owner says how many may wait."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.at = 0
        """Where `bytes` begins, counted from the start of the stream."""
        self._skip = 0

    def feed(self, data: bytes) -> None:
        dropped = min(self._skip, len(data))
        self._skip -= dropped
        self.at += dropped
        self.bytes += data[dropped:]

    def take(self, count: int) -> bytes:
        """The next `count` bytes, which must be there."""
        taken = bytes(self.bytes[:count])
        del self.bytes[:count]
        self.at += count
        return taken

    def skip(self, count: int) -> None:
        """Drop the next `count` bytes, those that have not come yet included."""
        here = min(count, len(self.bytes))
        del self.bytes[:here]
        self.at += here
        self._skip += count - here

    def __len__(self) -> int:
        return len(self.bytes)
