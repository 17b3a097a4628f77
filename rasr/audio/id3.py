"""The tag before the frames of an MP3 file that says what it is: ID3, version 2.3.

Only text frames are written, as UTF-16, which every player reads.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

FRAMES: Final[Mapping[str, str]] = {
    "title": "TIT2",
    "album": "TALB",
    "artist": "TPE1",
    "track": "TRCK",
}
"""What may be said, and the frame that says it."""
_UTF_16: Final = b"\x01"


def id3_tag(texts: Mapping[str, str]) -> bytes:
    """The tag with these texts, by the names of `FRAMES`; those that are empty are left out."""
    frames = b"".join(_frame(FRAMES[name], text) for name, text in texts.items() if text)
    # A size has seven bits in each byte, so that no byte looks like the begin of a frame of sound.
    size = bytes(len(frames) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + frames


def _frame(name: str, text: str) -> bytes:
    data = _UTF_16 + text.encode("utf-16")
    return name.encode("ascii") + struct.pack(">IH", len(data), 0) + data
