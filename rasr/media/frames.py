"""What the server and a process that decodes a file tell each other.

The process is told an order, a line of JSON. It answers with frames: a kind, a length, a payload.
Whatever a file may bring it to say is bytes of bounded length and nothing else, so that a process
that a file has taken over can harm its own call alone.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Self

from rasr.audio import FileFormat

HEAD = struct.Struct("<BI")
"""Kind and length."""
MOST_BYTES = 1 << 16
"""Of a payload: two seconds of audio."""


class FrameKind(IntEnum):
    """What a frame says."""

    BEGUN = 1
    """The process is there. Its payload is empty."""
    PIECE = 2
    """Samples: mono, int16, little-endian."""
    END = 3
    """The file is over. Its payload is empty."""
    FAULT = 4
    """The file cannot be read: a sentence for whoever sent it."""
    INFO = 5
    """What the file says of its audio, as JSON: the fields of `AudioInfo`."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a process is to do."""

    declared: FileFormat
    sample_rate: int
    """Hz of the samples."""
    processor_s: int
    """Time of a core that it may take."""
    memory_bytes: int
    """That it may take beside what it has."""
    channel: int | None = None
    """The one to decode; None for the mean of all."""
    only_info: bool = False
    """Nothing is to be decoded, only to be told."""

    def encode(self) -> bytes:
        """The order as a line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Self:
        """The order of a line."""
        values = json.loads(line)
        return cls(**values | {"declared": FileFormat(values["declared"])})


def frame(kind: FrameKind, payload: bytes = b"") -> bytes:
    """A frame as bytes."""
    return HEAD.pack(kind, len(payload)) + payload
