"""Streams that are frames in a row: MP3 and AAC in ADTS.

Owns finding the frames: tags before, between and behind them are skipped, and after bytes that are
no frame one is believed only with another of its kind right behind it. Sources: ISO/IEC 11172-3,
2.4.1.3, and 13818-3 (headers of MPEG audio); ISO/IEC 13818-7, 6.2 (ADTS); the ID3v2 specification,
section 3.1. Which samples of an MP3 are padding is in `lame`.

FFmpeg's own parsers are not used: they know no tags and hand them on as parts of packets.

Memory: one frame and the header behind it, or 64 KiB where no frame is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from rasr.audio.lame import Padding
from rasr.audio.packets import BrokenSound, Head, Held, Packet

_MOST_JUNK_BYTES = 64 * 1024
"""Between two frames, or before the first one."""
_ID3_HEAD_BYTES = 10
_ID3_FOOTER = 0x10


@dataclass(frozen=True, slots=True)
class FrameHead:
    length: int
    """Bytes of the whole frame."""
    kind: tuple[int, ...]
    """What all frames of a stream have in common."""
    samples: int


class FrameKind(Protocol):
    @property
    def head(self) -> Head: ...

    @property
    def head_bytes(self) -> int: ...

    def read(self, data: bytes | bytearray, at: int) -> FrameHead | None:
        """The head of the frame that begins at `at`; None if none does. `head_bytes` are there."""

    def padding(self, frame: bytes) -> Padding | None:
        """What the first frame says of the sound, if it says that instead of being sound."""


class FrameDemuxer:
    def __init__(self, kind: FrameKind) -> None:
        self._kind = kind
        self._held = Held()
        self._known: FrameHead | None = None
        """The frame before; None where nothing was found yet."""
        self._in_step = False
        """True right behind a frame."""
        self._junk = 0
        """Bytes since the frame before that were no frame."""
        self._padding = Padding()
        self._position = 0
        """Samples of all frames so far."""

    def feed(self, data: bytes) -> Iterator[Head | Packet]:
        self._held.feed(data)
        yield from self._frames(last=False)

    def flush(self) -> Iterator[Head | Packet]:
        yield from self._frames(last=True)

    def _frames(self, *, last: bool) -> Iterator[Head | Packet]:
        while True:
            found = self._next(last)
            if found is None:
                return
            if found.length > len(self._held):
                return
            frame = self._held.take(found.length)
            first = self._known is None
            self._known, self._in_step, self._junk = found, True, 0
            if first:
                yield self._kind.head
                padding = self._kind.padding(frame)
                if padding is not None:
                    self._padding = padding
                    continue
            skip, cut = self._padding.of(self._position, found.samples)
            self._position += found.samples
            yield Packet(frame, skip, cut)

    def _next(self, last: bool) -> FrameHead | None:
        """The frame at the beginning of what is held; None to wait for more."""
        held, kind = self._held.bytes, self._kind
        while len(held) >= kind.head_bytes:
            found = kind.read(held, 0)
            if found is not None and self._known is not None and found.kind != self._known.kind:
                found = None
            if found is not None and self._in_step:
                return found
            if found is not None:
                behind = found.length + kind.head_bytes
                if len(held) < behind:
                    if not last or len(held) < found.length:
                        return None
                    return found
                following = kind.read(held, found.length)
                if following is not None and following.kind == found.kind:
                    return found
            self._in_step = False
            if not self._skip_junk():
                return None
        return None

    def _skip_junk(self) -> bool:
        """Step over a tag or one byte; False to wait for more."""
        held = self._held.bytes
        if b"ID3".startswith(held[:3]) or held[:3] == b"ID3":
            if len(held) < _ID3_HEAD_BYTES:
                return False
            if all(byte < 0x80 for byte in held[6:10]):
                size = sum(
                    byte << shift for byte, shift in zip(held[6:10], (21, 14, 7, 0), strict=True)
                )
                footer = _ID3_HEAD_BYTES if held[5] & _ID3_FOOTER else 0
                self._held.skip(_ID3_HEAD_BYTES + size + footer)
                return True
        # To the next byte that can begin a frame or a tag, all at once.
        ends = [at for byte in (0xFF, 0x49) if (at := held.find(byte, 1)) > 0]
        step = min(ends, default=len(held))
        self._held.skip(step)
        self._junk += step
        if self._junk > _MOST_JUNK_BYTES:
            where = "behind its frames" if self._known is not None else "at its beginning"
            raise BrokenSound(f"there is no frame in {_MOST_JUNK_BYTES} bytes {where}")
        return True


class Mp3Frames:
    """MPEG audio layer III, of MPEG 1, 2 and 2.5."""

    head = Head("mp3float")
    head_bytes = 4

    _KBITS = (
        (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
        (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    )
    """By the index of the bit rate, for MPEG 1 and for the others."""
    _RATES = (44100, 48000, 32000)

    def read(self, data: bytes | bytearray, at: int) -> FrameHead | None:
        version, layer = data[at + 1] >> 3 & 3, data[at + 1] >> 1 & 3
        bit_rate, rate = data[at + 2] >> 4, data[at + 2] >> 2 & 3
        if data[at] != 0xFF or data[at + 1] < 0xE0 or version == 1 or layer != 1:
            return None
        # 0 is free format, whose frames do not tell their length.
        if bit_rate in (0, 15) or rate == 3:
            return None
        first = version == 3
        sample_rate = self._RATES[rate] >> (0 if first else 1 if version == 2 else 2)
        samples = 1152 if first else 576
        bits = self._KBITS[0 if first else 1][bit_rate] * 1000
        length = samples // 8 * bits // sample_rate + (data[at + 2] >> 1 & 1)
        return FrameHead(length, (version, rate), samples)

    def padding(self, frame: bytes) -> Padding | None:
        first, mono = frame[1] >> 3 & 3 == 3, frame[3] >> 6 == 3
        side_bytes = (17 if mono else 32) if first else (9 if mono else 17)
        return Padding.read(frame, self.head_bytes + side_bytes, 1152 if first else 576)


class AdtsFrames:
    """AAC in ADTS."""

    head = Head("aac")
    head_bytes = 7

    _RATES = 13
    _FRAME_SAMPLES = 1024

    def read(self, data: bytes | bytearray, at: int) -> FrameHead | None:
        if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
            return None
        rate = data[at + 2] >> 2 & 15
        length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        head_bytes = 7 if data[at + 1] & 1 else 9
        if rate >= self._RATES or length <= head_bytes:
            return None
        samples = self._FRAME_SAMPLES * ((data[at + 6] & 3) + 1)
        return FrameHead(length, (data[at + 1] & 8, data[at + 2] >> 6, rate), samples)

    def padding(self, frame: bytes) -> Padding | None:
        return None
