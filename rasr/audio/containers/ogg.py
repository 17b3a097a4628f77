"""Opus in Ogg: pages to packets.

This module reads pages, lacing and granule positions. It takes the first Opus stream and ignores
others beside it; a stream behind it (a chained file) is taken as well. Checksums are not looked at:
TCP and TLS have theirs, and a page that lies about its length is noticed by the next one. Sources:
RFC 3533, section 6 (pages); RFC 7845, sections 3 and 4 (packets, end trimming).

Memory: one page, 64 KiB, and a packet that goes over several.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from rasr.audio.containers.opus import MAX_PACKET_BYTES, OpusTrack, duration
from rasr.audio.containers.packets import ByteQueue, CodecParameters, MalformedAudio, Packet

_PAGE = struct.Struct("<4sBBqIIIB")
"""Capture pattern, version, flags, granule position, serial, number, checksum, segments."""
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_TAGS = 1
"""The place of OpusTags among the packets; the audio comes behind it."""


@dataclass(frozen=True, slots=True)
class _Page:
    flags: int
    granule: int
    """Samples of the stream up to the end of the last packet that ends here; -1 if none does."""
    serial: int
    lacing: bytes
    body: bytes


class OggDemuxer:
    """The `Demuxer` of Opus in Ogg."""

    def __init__(self) -> None:
        """Make the demuxer of one stream."""
        self._queue = ByteQueue()
        self._track: OpusTrack | None = None
        self._serial: int | None = None
        """Of the stream that is taken; None before it and behind it."""
        self._number = 0
        """Packets of the stream that have ended."""
        self._begun: bytearray | None = None
        """The packet that goes on in the next page; None if none does."""
        self._granule: int | None = None

    def feed(self, data: bytes) -> Iterator[CodecParameters | Packet]:
        """Yield what the pages that `data` completes hold."""
        self._queue.feed(data)
        while (page := self._page()) is not None:
            yield from self._read(page)

    def flush(self) -> Iterator[CodecParameters | Packet]:
        """Yield nothing: a page that is not whole is dropped."""
        yield from ()

    def _page(self) -> _Page | None:
        held = self._queue.bytes
        if not b"OggS".startswith(held[:4]) and held[:4] != b"OggS":
            raise MalformedAudio(f"at byte {self._queue.at} there is no page of Ogg (OggS)")
        if len(held) < _PAGE.size:
            return None
        _, version, flags, granule, serial, _, _, segments = _PAGE.unpack_from(held)
        if version != 0:
            raise MalformedAudio(f"its version of Ogg is {version}; allowed: 0")
        head = _PAGE.size + segments
        lacing = bytes(held[_PAGE.size : head])
        whole = head + sum(lacing)
        if len(held) < head or len(held) < whole:
            return None
        return _Page(flags, granule, serial, lacing, self._queue.take(whole)[head:])

    def _read(self, page: _Page) -> Iterator[CodecParameters | Packet]:
        if page.flags & _FIRST:
            if self._serial is not None or not page.body.startswith(b"OpusHead"):
                return
            self._serial, self._number, self._begun, self._granule = page.serial, 0, None, None
        elif self._serial is None:
            if self._track is None:
                raise MalformedAudio("it has no stream of Opus")
            return
        if page.serial != self._serial:
            return
        audio = []
        for data in self._packets(page):
            self._number += 1
            if self._number == 1:
                self._track = OpusTrack(data)
                yield self._track.parameters
            elif self._number > _TAGS + 1:
                audio.append(data)
        yield from self._timed(page, audio)
        if page.flags & _LAST:
            self._serial = None

    def _packets(self, page: _Page) -> Iterator[bytes]:
        """The packets that end in this page."""
        begun = self._begun
        if not page.flags & _CONTINUED:
            begun = bytearray()
        # Else, with nothing begun, the beginning is missing, and what is left of it is dropped.
        at = 0
        for length in page.lacing:
            if begun is not None and self._number != _TAGS:
                begun += page.body[at : at + length]
                if len(begun) > MAX_PACKET_BYTES:
                    raise MalformedAudio(
                        f"it has a packet of more than {MAX_PACKET_BYTES} bytes, which no Opus is"
                    )
            at += length
            if length < 255:
                if begun is not None:
                    yield bytes(begun)
                begun = bytearray()
        self._begun = begun if page.lacing and page.lacing[-1] == 255 else None

    def _timed(self, page: _Page, audio: list[bytes]) -> Iterator[Packet]:
        if not audio:
            return
        assert self._track is not None, "audio came before the head of Opus"
        lengths = [duration(data) for data in audio]
        cut = 0
        if page.flags & _LAST and page.granule >= 0:
            # The stream may have begun before its first page was recorded; not if it is its last.
            cut = max(0, (self._granule or 0) + sum(lengths) - page.granule)
        if page.granule >= 0:
            self._granule = page.granule
        left = sum(lengths)
        for data, length in zip(audio, lengths, strict=True):
            left -= length
            yield self._track.packet(data, max(0, min(length, cut - left)))
