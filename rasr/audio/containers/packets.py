"""What a demuxer makes of a byte stream: codec parameters and packets, for whoever decodes.

This module owns the types that demuxers and `rasr.audio.compressed` share, the queue of bytes that
demuxers read from, and the one exception for audio that makes no sense.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


class MalformedAudio(Exception):
    """The bytes are not what was declared. The text is a sentence for whoever sent them."""


@dataclass(frozen=True, slots=True)
class CodecParameters:
    """How the packets behind it are encoded."""

    codec: str
    """FFmpeg's name of the decoder."""
    extradata: bytes | None = None
    """What the codec wants to know first, in its own form."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What a codec takes at once, and which of its samples are padding of the encoder."""

    data: bytes
    skip_samples: int = 0
    """At its beginning, at the rate of the codec."""
    cut_samples: int = 0
    """At its end."""


class Demuxer(Protocol):
    """Takes a stream cut anyhow. What it yields does not depend on the cut."""

    def feed(self, data: bytes) -> Iterator[CodecParameters | Packet]:
        """Yield what `data` completes; to be consumed whole before the next call.

        Raises:
            MalformedAudio: behind everything that came before the fault.
        """

    def flush(self) -> Iterator[CodecParameters | Packet]:
        """Yield what is left: no more bytes will come. What was cut off is dropped."""


class ByteQueue:
    """Bytes that were fed and are not taken yet. Its owner limits how many may wait.

    Taking and skipping cost as much as the bytes that they take, however many wait behind them.
    """

    def __init__(self) -> None:
        """Make an empty queue."""
        self.bytes = bytearray()
        self.at = 0
        """Where `bytes` begins, counted from the start of the stream."""
        self._skip = 0

    def feed(self, data: bytes) -> None:
        """Add the next bytes of the stream."""
        dropped = min(self._skip, len(data))
        self._skip -= dropped
        self.at += dropped
        self.bytes += data[dropped:]

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes, which must be there."""
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

    @property
    def missing(self) -> int:
        """The bytes that were skipped and have not come yet."""
        return self._skip

    def __len__(self) -> int:
        """The bytes that wait."""
        return len(self.bytes)
