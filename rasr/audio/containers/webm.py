"""Opus in WebM or Matroska: elements to packets.

This module reads EBML and blocks. It takes the first track of Opus and ignores the others, pictures
included, as it ignores seek tables, tags and times: the audio is what the blocks hold, one after
the other. A second recording behind the first one is taken as well. Sources: RFC 8794 (EBML), RFC
9559 (Matroska), the WebM container guidelines.

Memory: one element that is needed whole, 128 KiB at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from rasr.audio.containers.opus import MAX_PACKET_BYTES, OPUS_RATE, OpusTrack
from rasr.audio.containers.packets import ByteQueue, CodecParameters, MalformedAudio, Packet


class _Id(IntEnum):
    """The elements that matter here."""

    EBML = 0x1A45DFA3
    SEGMENT = 0x18538067
    CLUSTER = 0x1F43B675
    TRACKS = 0x1654AE6B
    TRACK_ENTRY = 0xAE
    TRACK_NUMBER = 0xD7
    CODEC_ID = 0x86
    CODEC_PRIVATE = 0x63A2
    CONTENT_ENCODINGS = 0x6D80
    SIMPLE_BLOCK = 0xA3
    BLOCK_GROUP = 0xA0
    BLOCK = 0xA1
    DISCARD_PADDING = 0x75A2


_ENTERED = frozenset({_Id.SEGMENT, _Id.CLUSTER, _Id.BLOCK_GROUP})
"""What is read element by element; everything else is read whole or skipped."""
_ENDLESS = frozenset({_Id.SEGMENT, _Id.CLUSTER})
"""What may have an unknown size. It ends where something begins that cannot be in it; since no
element means something else inside than outside, nothing has to be known about that."""
_LACING = 0x06
_LEAST_BLOCK_BYTES = 4
"""Number of the track, time, flags."""


@dataclass(slots=True)
class _Entry:
    """What a TrackEntry says."""

    number: int = 0
    codec: str = ""
    private: bytes = b""
    encoded: bool = False


@dataclass(slots=True)
class _Group:
    """The block of a BlockGroup; its padding may come behind it."""

    end: int
    data: bytes | None = None
    cut_samples: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    number: int
    track: OpusTrack


class WebmDemuxer:
    """The `Demuxer` of Opus in WebM."""

    def __init__(self) -> None:
        """Make the demuxer of one stream."""
        self._queue = ByteQueue()
        self._found: _Found | None = None
        self._group: _Group | None = None

    def feed(self, data: bytes) -> Iterator[CodecParameters | Packet]:
        """Yield what the elements that `data` completes hold."""
        self._queue.feed(data)
        if self._queue.at == 0 and not _Id.EBML.to_bytes(4, "big").startswith(
            self._queue.bytes[:4]
        ):
            raise MalformedAudio("it does not begin with an EBML header (1A 45 DF A3)")
        while True:
            if self._group is not None and self._queue.at >= self._group.end:
                yield from self._end_group()
            read = self._element()
            if read is None:
                return
            yield from read

    def flush(self) -> Iterator[CodecParameters | Packet]:
        """Yield the block of a group whose padding did not come."""
        yield from self._end_group()

    def _element(self) -> list[CodecParameters | Packet] | None:
        """What the next element yields; None if it has not come whole."""
        held = self._queue.bytes
        read = _element_head(held, 0)
        if read is None:
            return None
        name, size, body = read
        if size is None and name not in _ENDLESS:
            raise MalformedAudio(f"its element {name:X} has an unknown size, which it may not have")
        if name in _ENTERED:
            self._queue.skip(body)
            if name == _Id.BLOCK_GROUP:
                self._group = _Group(self._queue.at + (size or 0))
            return []
        assert size is not None
        match name:
            case _Id.TRACKS:
                whole = self._whole(name, body, size)
                return None if whole is None else [self._tracks(whole)]
            case _Id.SIMPLE_BLOCK | _Id.BLOCK:
                return self._block(name, body, size)
            case _Id.DISCARD_PADDING:
                whole = self._whole(name, body, size)
                if whole is None:
                    return None
                if self._group is not None:
                    ns = int.from_bytes(whole, "big", signed=True)
                    self._group.cut_samples = max(0, round(ns * OPUS_RATE / 1e9))
            case _:
                self._queue.skip(body + size)
        return []

    def _whole(self, name: int, body: int, size: int) -> bytes | None:
        if size > MAX_PACKET_BYTES:
            raise MalformedAudio(
                f"its element {name:X} has {size} bytes; allowed: at most {MAX_PACKET_BYTES}"
            )
        if len(self._queue) < body + size:
            return None
        return self._queue.take(body + size)[body:]

    def _tracks(self, data: bytes) -> CodecParameters:
        codecs = []
        for name, body in _children(data):
            if name != _Id.TRACK_ENTRY:
                continue
            entry = _entry(body)
            if entry.codec == "A_OPUS" and not entry.encoded:
                self._found = _Found(entry.number, OpusTrack(entry.private))
                return self._found.track.parameters
            codecs.append(entry.codec + " (compressed again)" * entry.encoded)
        raise MalformedAudio(
            f"it has no track of Opus (A_OPUS); its tracks: {', '.join(codecs)[:60] or 'none'}"
        )

    def _block(self, name: int, body: int, size: int) -> list[CodecParameters | Packet] | None:
        if self._found is None:
            raise MalformedAudio("it has sound before it has said how it is coded (Tracks)")
        held = self._queue.bytes
        if size < _LEAST_BLOCK_BYTES or (len(held) > body and held[body] == 0):
            raise MalformedAudio("it has a block without the number of a track")
        number = _number(held, body)
        if number is None:
            return None
        track, after = number
        if track != self._found.number:
            self._queue.skip(body + size)
            return []
        whole = self._whole(name, body, size)
        if whole is None:
            return None
        # Behind the number: a time of two bytes, flags.
        at = after - body + 3
        if len(whole) < at:
            raise MalformedAudio("it has a block that is too short")
        if whole[at - 1] & _LACING:
            raise MalformedAudio("it has several frames in a block (lacing); allowed: one")
        if name == _Id.SIMPLE_BLOCK:
            return [self._found.track.packet(whole[at:])]
        if self._group is not None:
            self._group.data = whole[at:]
        return []

    def _end_group(self) -> Iterator[Packet]:
        group, self._group = self._group, None
        if group is not None and group.data is not None and self._found is not None:
            yield self._found.track.packet(group.data, group.cut_samples)


def _entry(data: bytes) -> _Entry:
    entry = _Entry()
    for name, body in _children(data):
        match name:
            case _Id.TRACK_NUMBER:
                entry.number = int.from_bytes(body, "big")
            case _Id.CODEC_ID:
                entry.codec = body.rstrip(b"\0").decode("ascii", "replace")
            case _Id.CODEC_PRIVATE:
                entry.private = body
            case _Id.CONTENT_ENCODINGS:
                entry.encoded = True
            case _:
                pass
    return entry


def _children(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        read = _element_head(data, at)
        if read is None or read[1] is None or read[2] + read[1] > len(data):
            raise MalformedAudio("its list of tracks (Tracks) is damaged")
        name, at, body = read[0], read[2] + read[1], read[2]
        yield name, data[body:at]


def _element_head(data: bytes | bytearray, at: int) -> tuple[int, int | None, int] | None:
    """Name, size (None for unknown) and where the body begins; None if it is not all there."""
    if at >= len(data):
        return None
    width = 9 - data[at].bit_length()
    if width > 4:
        raise MalformedAudio(f"it has something that is no element of EBML ({data[at]:02X})")
    name = int.from_bytes(data[at : at + width], "big")
    at += width
    if at >= len(data):
        return None
    if data[at] == 0:
        raise MalformedAudio(f"its element {name:X} has a size that cannot be read")
    number = _number(data, at)
    if number is None:
        return None
    size, body = number
    endless = size == (1 << 7 * (body - at)) - 1
    return name, None if endless else size, body


def _number(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """A number of variable length and where it ends; None if it is not all there."""
    if at >= len(data) or data[at] == 0:
        return None
    width = 9 - data[at].bit_length()
    if at + width > len(data):
        return None
    marked = int.from_bytes(data[at : at + width], "big")
    return marked & ((1 << 7 * width) - 1), at + width
