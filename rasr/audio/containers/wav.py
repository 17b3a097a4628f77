"""The WAV header that clients send before raw audio, and the chunks that may follow it.

This module tells which bytes of a stream are audio. It never changes a byte of it and never decides
how it is decoded: the declared format does, and `contradiction` only says where the two differ.

Layout of chunks: "Multimedia Programming Interface and Data Specifications 1.0" (IBM and
Microsoft, 1991); WAVE_FORMAT_EXTENSIBLE and the format codes: Microsoft's mmreg.h.

Sizes in headers are often wrong, since a program that writes to a pipe cannot come back to fill
them in: 0, 0xFFFFFFFF or a guess. So the end of the data chunk ends the audio only if three things
agree: the RIFF size leaves room behind it for another chunk; what stands there looks like one
(four printable characters and a size that fits into that room); and the room is at most 16 MiB.
Then such chunks are dropped. Everything else is audio, whatever the header says: a chunk decoded
as audio is a click, audio taken for a chunk is a lost sentence.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from rasr.audio.containers.packets import ByteQueue
from rasr.audio.formats import AudioFormat, Encoding

_PREAMBLE_BYTES = 12
"""`RIFF`, the size of what follows, `WAVE`."""
_CHUNK_HEADER = struct.Struct("<4sI")
_CHUNK_HEADER_BYTES = _CHUNK_HEADER.size
_SIZE = struct.Struct("<I")
_FMT = struct.Struct("<HHIIHH")
"""The part of the fmt chunk that every WAV file has: code, channels, rate, …, bits."""
_MAX_HEADER_BYTES = 64 * 1024
"""A header that claims to be longer is not one; nor is it waited for."""
_MAX_TRAILER_BYTES = 16 * 1024 * 1024
"""Pictures in ID3 chunks take megabytes; a larger room is a size that was made up."""

_EXTENSIBLE = 0xFFFE
_SUBFORMAT_AT = 24
"""Where the fmt chunk of WAVE_FORMAT_EXTENSIBLE has the code proper, first in a GUID."""
_ENCODINGS = {
    (1, 8): Encoding.PCM_U8,
    (1, 16): Encoding.PCM_S16LE,
    (1, 24): Encoding.PCM_S24LE,
    (1, 32): Encoding.PCM_S32LE,
    (3, 32): Encoding.PCM_F32LE,
    (6, 8): Encoding.ALAW,
    (7, 8): Encoding.ULAW,
}
"""By format code and bits per sample."""
_CODE_NAMES = {1: "PCM", 3: "floating point", 6: "A-law", 7: "µ-law", 85: "MP3"}


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What a WAV header says of the audio behind it."""

    encoding_code: int
    """wFormatTag: 1 is PCM, 6 A-law, 7 µ-law; the subformat where the tag is EXTENSIBLE."""
    channels: int
    sample_rate: int
    """Hz."""
    bits: int
    """Bits per sample."""

    def __str__(self) -> str:
        """The header in words."""
        name = _CODE_NAMES.get(self.encoding_code, f"coding {self.encoding_code}")
        channels = f"{self.channels} channel{'s' * (self.channels != 1)}"
        return f"{self.bits}-bit {name}, {channels}, {self.sample_rate} Hz"


def contradiction(header: WavHeader, format: AudioFormat) -> str | None:
    """Return what the header says and what was declared, as a sentence; None if they agree."""
    found = _ENCODINGS.get((header.encoding_code, header.bits))
    declared = format.encoding
    if (found, header.channels, header.sample_rate) == (
        declared,
        format.channels,
        format.sample_rate,
    ):
        return None
    code, bits = next(key for key, encoding in _ENCODINGS.items() if encoding is declared)
    return (
        f"the WAV header says {header}; the declared audio_format {format.name!r} is "
        f"{WavHeader(code, format.channels, format.sample_rate, bits)}, and so the sound is read"
    )


class _State(Enum):
    """What the next byte belongs to."""

    PREAMBLE = auto()
    CHUNK = auto()
    """A chunk of the header."""
    DATA = auto()
    """Audio, up to a believable end of the data chunk."""
    BEHIND_DATA = auto()
    """A trailing chunk, or audio after all."""
    AUDIO = auto()
    """Nothing but audio from here on."""


class WavSkipper:
    """Takes the bytes of a stream, cut anyhow, and hands on those that are audio.

    A byte is held back only while it may still belong to a header. Audio that does not begin with
    `RIFF....WAVE` and a header that makes sense comes out as it went in. The work grows with the
    bytes, however small the chunks between them are.
    """

    def __init__(self) -> None:
        """Make the skipper of one stream."""
        self._state = _State.PREAMBLE
        self._queue = ByteQueue()
        """Bytes not yet told apart. The whole header stays here: it may turn out not to be one."""
        self._chunk_at = _PREAMBLE_BYTES
        """Where in the queue the next chunk of the header begins."""
        self._fmt: WavHeader | None = None
        self._header: WavHeader | None = None
        self._left = 0
        """Bytes to the end of the data chunk, padding included."""
        self._room = 0
        """Bytes behind the data chunk that the RIFF size leaves to trailing chunks."""

    @property
    def header(self) -> WavHeader | None:
        """What the header says, once it is read whole; None where there is none."""
        return self._header

    def feed(self, data: bytes) -> bytes:
        """Return the audio known by now."""
        if self._state is _State.AUDIO:
            return data
        self._queue.feed(data)
        pieces = []
        while (piece := self._step()) is not None:
            pieces.append(piece)
        return b"".join(pieces)

    def flush(self) -> bytes:
        """Return what was held back and turns out to be audio: no more bytes will come.

        A header that was cut off holds none, so it is dropped.
        """
        cut_header = self._state is _State.CHUNK
        self._state = _State.AUDIO
        held = self._take(len(self._queue))
        return b"" if cut_header else held

    def _step(self) -> bytes | None:
        """The audio found by telling apart one more piece of the queue; None to wait for more."""
        match self._state:
            case _State.PREAMBLE:
                return self._preamble()
            case _State.CHUNK:
                return self._chunk()
            case _State.DATA:
                audio = self._take(self._left)
                self._left -= len(audio)
                if self._left == 0:
                    self._state = _State.BEHIND_DATA
                    return audio
                return audio or None
            case _State.BEHIND_DATA:
                return self._behind_data()
            case _State.AUDIO:
                return self._take(len(self._queue)) or None
            case _:
                assert_never(self._state)

    def _preamble(self) -> bytes | None:
        held = self._queue.bytes
        riff, wave = held[:4], held[8:_PREAMBLE_BYTES]
        if not (b"RIFF".startswith(riff) and b"WAVE".startswith(wave)):
            return self._all_audio()
        if len(held) < _PREAMBLE_BYTES:
            return None
        self._state = _State.CHUNK
        return b""

    def _chunk(self) -> bytes | None:
        held = self._queue.bytes
        body = self._chunk_at + _CHUNK_HEADER_BYTES
        if len(held) < body:
            return None
        name, size = _CHUNK_HEADER.unpack_from(held, self._chunk_at)
        if name == b"data" and self._fmt is not None:
            return self._data(body, size)
        end = body + _padded(size)
        if name == b"data" or not _printable(name) or end > _MAX_HEADER_BYTES:
            return self._all_audio()
        if name == b"fmt ":
            if len(held) < end:
                return None
            if size < _FMT.size:
                return self._all_audio()
            self._fmt = _read_fmt(bytes(held[body : body + size]))
        self._chunk_at = end
        return b""

    def _data(self, body: int, size: int) -> bytes:
        (riff_size,) = _SIZE.unpack_from(self._queue.bytes, 4)
        self._header = self._fmt
        self._left = _padded(size)
        self._room = _CHUNK_HEADER_BYTES + riff_size - body - self._left
        believable = _CHUNK_HEADER_BYTES <= self._room <= _MAX_TRAILER_BYTES
        self._state = _State.DATA if believable else _State.AUDIO
        self._queue.skip(body)
        return b""

    def _behind_data(self) -> bytes | None:
        if self._queue.missing:
            return None
        held = self._queue.bytes
        if self._room < _CHUNK_HEADER_BYTES or not _printable(held[:4]):
            return self._all_audio()
        if len(held) < _CHUNK_HEADER_BYTES:
            return None
        _, size = _CHUNK_HEADER.unpack_from(held)
        if _CHUNK_HEADER_BYTES + size > self._room:
            return self._all_audio()
        whole = _CHUNK_HEADER_BYTES + _padded(size)
        self._room -= whole
        self._queue.skip(whole)
        return b""

    def _all_audio(self) -> bytes:
        self._state = _State.AUDIO
        return self._take(len(self._queue))

    def _take(self, count: int) -> bytes:
        return self._queue.take(min(count, len(self._queue)))


def _read_fmt(body: bytes) -> WavHeader:
    code, channels, sample_rate, _, _, bits = _FMT.unpack_from(body)
    if code == _EXTENSIBLE and len(body) >= _SUBFORMAT_AT + 2:
        code = int.from_bytes(body[_SUBFORMAT_AT : _SUBFORMAT_AT + 2], "little")
    return WavHeader(code, channels, sample_rate, bits)


def _padded(size: int) -> int:
    """The bytes that a chunk's body takes: a whole number of 16-bit words."""
    return size + size % 2


def _printable(name: bytes | bytearray) -> bool:
    return name.isascii() and name.decode().isprintable()
