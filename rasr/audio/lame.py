"""What the first frame of an MP3 says of the others: how many there are, what of them is padding.

Encoders need some samples before the sound and fill the last frame behind it; those that can go
back in their file write down how many, in a frame that holds no sound ("Xing" or "Info", "VBRI").
Layout: the Xing header and the LAME tag behind it, as LAME's documentation of its tag has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

_FRAMES, _BYTES, _TOC, _QUALITY = 1, 2, 4, 8
_TOC_BYTES = 100
_WRITERS = (b"LAME", b"Lavf", b"Lavc")
_PADDING_AT = 21
"""Where the tag has delay and padding, 12 bits each."""
_DECODER_SAMPLES = 528 + 1
"""What a decoder of layer III is behind by."""
_VBRI_AT = 4 + 32


@dataclass(frozen=True, slots=True)
class Padding:
    """Samples that are no sound, counted from the first frame that is sound."""

    before: int = 0
    from_sample: int = 0
    to_sample: int = 0

    @classmethod
    def read(cls, frame: bytes, tag_at: int, frame_samples: int) -> Self | None:
        """What `frame` says; None if it is sound like any other.

        Args:
            tag_at: where the tag would begin.
        """
        if frame[_VBRI_AT : _VBRI_AT + 4] == b"VBRI":
            return cls()
        if frame[tag_at : tag_at + 4] not in (b"Xing", b"Info"):
            return None
        flags = int.from_bytes(frame[tag_at + 4 : tag_at + 8], "big")
        at = tag_at + 8
        frames = int.from_bytes(frame[at : at + 4], "big") if flags & _FRAMES else 0
        at += 4 * bool(flags & _FRAMES) + 4 * bool(flags & _BYTES)
        at += _TOC_BYTES * bool(flags & _TOC) + 4 * bool(flags & _QUALITY)
        packed = frame[at + _PADDING_AT : at + _PADDING_AT + 3]
        if frame[at : at + 4] not in _WRITERS or len(packed) < 3:
            return cls()
        delay, padding = divmod(int.from_bytes(packed, "big"), 1 << 12)
        end = frames * frame_samples
        from_sample = min(end, max(0, end - padding + _DECODER_SAMPLES))
        return cls(delay + _DECODER_SAMPLES, from_sample, end)

    def of(self, position: int, samples: int) -> tuple[int, int]:
        """Of a frame at `position`, the samples to skip at its beginning and to cut at its end."""
        skip = min(samples, max(0, self.before - position))
        end = position + samples
        cut = 0
        if self.from_sample < end <= self.to_sample:
            cut = min(samples - skip, end - self.from_sample)
        return skip, cut
