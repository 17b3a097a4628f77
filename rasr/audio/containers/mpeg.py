"""MPEG audio, streams that are frames in a row: MP3, and AAC in ADTS.

This module finds the frames: tags before, between and behind them are skipped, and after bytes that
are no frame one is believed only with another of its kind right behind it. Sources: ISO/IEC
11172-3, 2.4.1.3, and 13818-3 (headers of MPEG audio); ISO/IEC 13818-7, 6.2 (ADTS); the ID3v2
specification, section 3.1; LAME's documentation of its tag (which samples are padding).

FFmpeg's own parsers are not used: they know no tags and hand them on as parts of packets.

Memory: one frame and the header behind it, or 64 KiB where no frame is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

from rasr.audio.containers.packets import ByteQueue, CodecParameters, MalformedAudio, Packet

_MOST_JUNK_BYTES = 64 * 1024
"""Between two frames, or before the first one."""
_MAY_BEGIN = re.compile(rb"[\xffI]")
"""A frame, or a tag. Looking for each alone would read all that waits again for every byte."""
_ID3_HEADER_BYTES = 10
_ID3_FOOTER = 0x10

_FRAMES, _BYTES, _TOC, _QUALITY = 1, 2, 4, 8
"""Flags of the Xing header: which fields it has."""
_TOC_BYTES = 100
_WRITERS = (b"LAME", b"Lavf", b"Lavc")
_PADDING_AT = 21
"""Where LAME's tag has delay and padding, 12 bits each."""
_DECODER_SAMPLES = 528 + 1
"""What a decoder of layer III is behind by."""
_VBRI_AT = 4 + 32


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What the header of a frame says."""

    length: int
    """Bytes of the whole frame."""
    kind: tuple[int, ...]
    """What all frames of a stream have in common."""
    samples: int
    """Of each channel."""


@dataclass(frozen=True, slots=True)
class Padding:
    """Which samples of an MP3 are no audio, counted from the first frame that is audio.

    Encoders need some samples before the audio and fill the last frame behind it; those that can
    go back in their file write down how many, in a first frame that holds no audio ("Xing" or
    "Info", "VBRI").
    """

    before: int = 0
    """Samples at the beginning."""
    from_sample: int = 0
    """Where the padding at the end begins."""
    to_sample: int = 0
    """Where it ends."""

    @classmethod
    def read(cls, frame: bytes, tag_at: int, frame_samples: int) -> Self | None:
        """Return what `frame` says; None if it is audio like any other.

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

    def within(self, position: int, samples: int) -> tuple[int, int]:
        """Return the samples to skip at the beginning and to cut at the end of a frame."""
        skip = min(samples, max(0, self.before - position))
        end = position + samples
        cut = 0
        if self.from_sample < end <= self.to_sample:
            cut = min(samples - skip, end - self.from_sample)
        return skip, cut


class FrameKind(Protocol):
    """What `FrameDemuxer` must know of one kind of frames."""

    @property
    def parameters(self) -> CodecParameters:
        """How the frames are encoded."""

    @property
    def header_bytes(self) -> int:
        """The length of a header."""

    def read(self, data: bytes | bytearray, at: int) -> FrameHeader | None:
        """Return the header of the frame that begins at `at`; None if none does.

        `header_bytes` are there.
        """

    def padding(self, frame: bytes) -> Padding | None:
        """Return what the first frame says of padding, if it does so instead of being audio."""


class FrameDemuxer:
    """The `Demuxer` of frames in a row."""

    def __init__(self, kind: FrameKind) -> None:
        """Make the demuxer of one stream."""
        self._kind = kind
        self._queue = ByteQueue()
        self._known: FrameHeader | None = None
        """The header of the frame before; None where nothing was found yet."""
        self._in_step = False
        """True right behind a frame."""
        self._junk = 0
        """Bytes since the frame before that were no frame."""
        self._padding = Padding()
        self._position = 0
        """Samples of all frames so far."""

    def feed(self, data: bytes) -> Iterator[CodecParameters | Packet]:
        """Yield the frames that `data` completes."""
        self._queue.feed(data)
        yield from self._frames(last=False)

    def flush(self) -> Iterator[CodecParameters | Packet]:
        """Yield the last frame, behind which no other one comes."""
        yield from self._frames(last=True)

    def _frames(self, *, last: bool) -> Iterator[CodecParameters | Packet]:
        while True:
            found = self._next(last)
            if found is None:
                return
            if found.length > len(self._queue):
                return
            frame = self._queue.take(found.length)
            first = self._known is None
            self._known, self._in_step, self._junk = found, True, 0
            if first:
                yield self._kind.parameters
                padding = self._kind.padding(frame)
                if padding is not None:
                    self._padding = padding
                    continue
            skip, cut = self._padding.within(self._position, found.samples)
            self._position += found.samples
            yield Packet(frame, skip, cut)

    def _next(self, last: bool) -> FrameHeader | None:
        """The frame at the beginning of what is held; None to wait for more."""
        held, kind = self._queue.bytes, self._kind
        while len(held) >= kind.header_bytes:
            found = kind.read(held, 0)
            if found is not None and self._known is not None and found.kind != self._known.kind:
                found = None
            if found is not None and self._in_step:
                return found
            if found is not None:
                behind = found.length + kind.header_bytes
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
        held = self._queue.bytes
        if b"ID3".startswith(held[:3]) or held[:3] == b"ID3":
            if len(held) < _ID3_HEADER_BYTES:
                return False
            if all(byte < 0x80 for byte in held[6:10]):
                size = sum(
                    byte << shift for byte, shift in zip(held[6:10], (21, 14, 7, 0), strict=True)
                )
                footer = _ID3_HEADER_BYTES if held[5] & _ID3_FOOTER else 0
                self._queue.skip(_ID3_HEADER_BYTES + size + footer)
                return True
        # To the next byte that can begin a frame or a tag, all at once.
        begins = _MAY_BEGIN.search(held, 1)
        step = len(held) if begins is None else begins.start()
        self._queue.skip(step)
        self._junk += step
        if self._junk > _MOST_JUNK_BYTES:
            where = "behind its frames" if self._known is not None else "at its beginning"
            raise MalformedAudio(f"there is no frame in {_MOST_JUNK_BYTES} bytes {where}")
        return True


class Mp3Frames:
    """MPEG audio layer III, of MPEG 1, 2 and 2.5."""

    parameters = CodecParameters("mp3float")
    header_bytes = 4

    _KBITS = (
        (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
        (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    )
    """kbit/s by the index of the bit rate, for MPEG 1 and for the others."""
    _RATES = (44100, 48000, 32000)

    def read(self, data: bytes | bytearray, at: int) -> FrameHeader | None:
        """Return the header of the frame that begins at `at`; None if none does."""
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
        return FrameHeader(length, (version, rate), samples)

    def padding(self, frame: bytes) -> Padding | None:
        """Return what a Xing, Info or VBRI frame says; None for a frame of audio."""
        first, mono = frame[1] >> 3 & 3 == 3, frame[3] >> 6 == 3
        side_bytes = (17 if mono else 32) if first else (9 if mono else 17)
        return Padding.read(frame, self.header_bytes + side_bytes, 1152 if first else 576)


class AdtsFrames:
    """AAC in ADTS."""

    parameters = CodecParameters("aac")
    header_bytes = 7

    _RATES = 13
    _FRAME_SAMPLES = 1024

    def read(self, data: bytes | bytearray, at: int) -> FrameHeader | None:
        """Return the header of the frame that begins at `at`; None if none does."""
        if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
            return None
        rate = data[at + 2] >> 2 & 15
        length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        header_bytes = 7 if data[at + 1] & 1 else 9
        if rate >= self._RATES or length <= header_bytes:
            return None
        samples = self._FRAME_SAMPLES * ((data[at + 6] & 3) + 1)
        return FrameHeader(length, (data[at + 1] & 8, data[at + 2] >> 6, rate), samples)

    def padding(self, frame: bytes) -> Padding | None:
        """Return None: ADTS says nothing of padding."""
        return None
