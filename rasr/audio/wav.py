"""The WAV header that clients send before raw sound, and the chunks that may follow it.

Owns the question which bytes of a stream are sound. Never changes a byte of it and never decides
how it is decoded: the declared format does, and `contradiction` only says where the two differ.

Layout of chunks: "Multimedia Programming Interface and Data Specifications 1.0" (IBM and
Microsoft, 1991); WAVE_FORMAT_EXTENSIBLE and the format codes: Microsoft's mmreg.h.

Sizes in headers are often wrong, since a program that writes to a pipe cannot come back to fill
them in: 0, 0xFFFFFFFF or a guess. So the end of the data chunk ends the sound only if three things
agree: the RIFF size leaves room behind it for another chunk; what stands there looks like one
(four printable characters and a size that fits into that room); and the room is at most 16 MiB.
Then such chunks are dropped. Everything else is sound, whatever the header says: a chunk decoded
as sound is a click, sound taken for a chunk is a lost sentence.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from rasr.audio.formats import AudioFormat, Encoding

_PREAMBLE_BYTES = 12
"""`RIFF`, the size of what follows, `WAVE`."""
_CHUNK_HEAD = struct.Struct("<4sI")
_CHUNK_HEAD_BYTES = _CHUNK_HEAD.size
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
_CODES = {1: Encoding.PCM_S16LE, 6: Encoding.ALAW, 7: Encoding.ULAW}
_CODE_NAMES = {1: "PCM", 3: "floating point", 6: "A-law", 7: "µ-law", 85: "MP3"}


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What a WAV header says of the sound behind it."""

    encoding_code: int
    """wFormatTag: 1 is PCM, 6 A-law, 7 µ-law; the subformat where the tag is EXTENSIBLE."""
    channels: int
    sample_rate: int
    """Hz."""
    bits: int
    """Per sample."""

    def __str__(self) -> str:
        name = _CODE_NAMES.get(self.encoding_code, f"coding {self.encoding_code}")
        return _described(name, self.bits, self.channels, self.sample_rate)


def contradiction(header: WavHeader, format: AudioFormat) -> str | None:
    """A sentence that says what the header says and what was declared; None if they agree."""
    bits = 8 * format.bytes_per_sample
    declared = (format.encoding, bits, 1, format.sample_rate)
    found = (_CODES.get(header.encoding_code), header.bits, header.channels, header.sample_rate)
    if found == declared:
        return None
    name = next(_CODE_NAMES[code] for code, item in _CODES.items() if item is format.encoding)
    return (
        f"the WAV header says {header}; the declared audio_format {format.name!r} is "
        f"{_described(name, bits, 1, format.sample_rate)}, and so the sound is read"
    )


class _At(Enum):
    """What the next byte belongs to."""

    PREAMBLE = auto()
    CHUNK = auto()
    """A chunk of the header."""
    DATA = auto()
    """Sound, up to a believable end of the data chunk."""
    BEHIND_DATA = auto()
    """A trailing chunk, or sound after all."""
    TRAILING_CHUNK = auto()
    SOUND = auto()
    """Nothing but sound from here on."""


class WavSkipper:
    """Takes the bytes of a stream, cut anyhow, and hands on those that are sound.

    A byte is held back only while it may still belong to a header. Sound that does not begin with
    `RIFF....WAVE` and a header that makes sense comes out as it went in.
    """

    def __init__(self) -> None:
        self._at = _At.PREAMBLE
        self._held = b""
        """Bytes not yet told apart. The whole header stays here: it may turn out not to be one."""
        self._chunk_at = _PREAMBLE_BYTES
        """Where in `_held` the next chunk of the header begins."""
        self._fmt: WavHeader | None = None
        self._header: WavHeader | None = None
        self._left = 0
        """Bytes to the end of the data chunk or of the trailing chunk, padding included."""
        self._room = 0
        """Bytes behind the data chunk that the RIFF size leaves to trailing chunks."""

    @property
    def header(self) -> WavHeader | None:
        """What the header says, once it is read whole; None where there is none."""
        return self._header

    def feed(self, data: bytes) -> bytes:
        """The sound known by now."""
        if self._at is _At.SOUND:
            return data
        self._held += data
        sound = b""
        while (piece := self._step()) is not None:
            sound += piece
        return sound

    def flush(self) -> bytes:
        """No more bytes will come: what was held back and turns out to be sound.

        A header that was cut off holds none, so it is dropped.
        """
        cut_header = self._at is _At.CHUNK
        held, self._held, self._at = self._held, b"", _At.SOUND
        return b"" if cut_header else held

    def _step(self) -> bytes | None:
        """The sound found by telling apart one more piece of `_held`; None to wait for more."""
        match self._at:
            case _At.PREAMBLE:
                return self._preamble()
            case _At.CHUNK:
                return self._chunk()
            case _At.DATA:
                sound = self._take(self._left)
                self._left -= len(sound)
                if self._left == 0:
                    self._at = _At.BEHIND_DATA
                    return sound
                return sound or None
            case _At.BEHIND_DATA:
                return self._behind_data()
            case _At.TRAILING_CHUNK:
                self._left -= len(self._take(self._left))
                if self._left:
                    return None
                self._at = _At.BEHIND_DATA
                return b""
            case _At.SOUND:
                return self._take(len(self._held)) or None
            case _:
                assert_never(self._at)

    def _preamble(self) -> bytes | None:
        riff, wave = self._held[:4], self._held[8:_PREAMBLE_BYTES]
        if not (b"RIFF".startswith(riff) and b"WAVE".startswith(wave)):
            return self._all_sound()
        if len(self._held) < _PREAMBLE_BYTES:
            return None
        self._at = _At.CHUNK
        return b""

    def _chunk(self) -> bytes | None:
        body = self._chunk_at + _CHUNK_HEAD_BYTES
        if len(self._held) < body:
            return None
        name, size = _CHUNK_HEAD.unpack_from(self._held, self._chunk_at)
        if name == b"data" and self._fmt is not None:
            return self._data(body, size)
        end = body + _padded(size)
        if name == b"data" or not _printable(name) or end > _MAX_HEADER_BYTES:
            return self._all_sound()
        if name == b"fmt ":
            if len(self._held) < end:
                return None
            if size < _FMT.size:
                return self._all_sound()
            self._fmt = _read_fmt(self._held[body : body + size])
        self._chunk_at = end
        return b""

    def _data(self, body: int, size: int) -> bytes:
        (riff_size,) = _SIZE.unpack_from(self._held, 4)
        self._header = self._fmt
        self._left = _padded(size)
        self._room = _CHUNK_HEAD_BYTES + riff_size - body - self._left
        believable = _CHUNK_HEAD_BYTES <= self._room <= _MAX_TRAILER_BYTES
        self._at = _At.DATA if believable else _At.SOUND
        self._take(body)
        return b""

    def _behind_data(self) -> bytes | None:
        if self._room < _CHUNK_HEAD_BYTES or not _printable(self._held[:4]):
            return self._all_sound()
        if len(self._held) < _CHUNK_HEAD_BYTES:
            return None
        _, size = _CHUNK_HEAD.unpack_from(self._held)
        if _CHUNK_HEAD_BYTES + size > self._room:
            return self._all_sound()
        self._left = _CHUNK_HEAD_BYTES + _padded(size)
        self._room -= self._left
        self._at = _At.TRAILING_CHUNK
        return b""

    def _all_sound(self) -> bytes:
        self._at = _At.SOUND
        return self._take(len(self._held))

    def _take(self, count: int) -> bytes:
        taken, self._held = self._held[:count], self._held[count:]
        return taken


def _read_fmt(body: bytes) -> WavHeader:
    code, channels, sample_rate, _, _, bits = _FMT.unpack_from(body)
    if code == _EXTENSIBLE and len(body) >= _SUBFORMAT_AT + 2:
        code = int.from_bytes(body[_SUBFORMAT_AT : _SUBFORMAT_AT + 2], "little")
    return WavHeader(code, channels, sample_rate, bits)


def _described(coding: str, bits: int, channels: int, sample_rate: int) -> str:
    return f"{bits}-bit {coding}, {channels} channel{'s' * (channels != 1)}, {sample_rate} Hz"


def _padded(size: int) -> int:
    """The bytes that a chunk's body takes: a whole number of 16-bit words."""
    return size + size % 2


def _printable(name: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in name)
