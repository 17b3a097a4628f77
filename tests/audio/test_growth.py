"""Hostile streams of every container: the work grows with the bytes, however they are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from rasr.audio.containers import demuxer
from rasr.audio.containers.packets import ByteQueue, MalformedAudio
from rasr.audio.containers.wav import WavSkipper
from rasr.audio.formats import Container
from tests.audio.compressed import compressed, element, opus_head, page
from tests.audio.signals import noise, wav
from tests.growth import assert_linear

TRACK = element(
    0xAE, element(0xD7, b"\1") + element(0x86, b"A_OPUS") + element(0x63A2, opus_head())
)
TRACKS = element(0x1A45DFA3, b"") + element(0x1654AE6B, TRACK)
OPUS = page(1, opus_head(), [19], flags=2) + page(1, b"OpusTags", [8])
MP3 = compressed(noise(0.5, 48_000), "mp3", 48_000)
AAC = compressed(noise(0.5, 48_000), "aac", 48_000)
ID3 = b"ID3\4\0\0\0\0\0\0"

HOSTILE: dict[str, tuple[str, bytes, bytes]] = {
    "chunks of no bytes behind the audio": (
        "wav",
        wav(b"\0\0", data_size=2, riff_size=16 << 20),
        b"LIST\0\0\0\0",
    ),
    "chunks of no bytes before it": ("wav", wav(b"")[:36], b"LIST\0\0\0\0"),
    "audio in a header": ("wav", wav(b""), b"\1\2"),
    "packets of a byte": ("ogg-opus", OPUS, page(1, b"\x19" * 255, [1] * 255)),
    "pages of nothing": ("ogg-opus", OPUS, page(1, b"", [])),
    "pages of another stream": ("ogg-opus", OPUS, page(2, b"\x19" * 255, [1] * 255)),
    "streams that begin": ("ogg-opus", OPUS, page(2, opus_head(), [19], flags=2)),
    "elements of no bytes": ("webm-opus", TRACKS, b"\xec\x80"),
    "blocks of a byte": ("webm-opus", TRACKS, element(0xA3, b"\x81\0\0\0\x19")),
    "groups of nothing": ("webm-opus", TRACKS, b"\xa0\x80"),
    "clusters in clusters": ("webm-opus", TRACKS, b"\x1f\x43\xb6\x75\xff"),
    "tracks of nothing": (
        "webm-opus",
        element(0x1A45DFA3, b""),
        element(0x1654AE6B, TRACK + element(0xAE, b"") * 20),
    ),
    "frames of mp3": ("mp3", b"", MP3),
    "tags of nothing": ("mp3", MP3, ID3),
    "first bytes of frames": ("mp3", MP3, b"\xff" * 6000 + MP3),
    "first bytes of tags": ("mp3", MP3, b"I" * 6000 + MP3),
    "headers of frames that lie": ("mp3", MP3, b"\xff\xfb\x90\x00" * 1500 + MP3),
    "frames of aac": ("aac", b"", AAC),
    "headers of frames of aac": ("aac", AAC, b"\xff\xf1\x50\x80\x40\x1f\xfc" * 900 + AAC),
}


def fed(kind: str, pieces: Callable[[], Iterator[bytes]]) -> None:
    if kind == "wav":
        skipper = WavSkipper()
        for piece in pieces():
            skipper.feed(piece)
        return
    reader = demuxer(Container(kind))
    try:
        for piece in pieces():
            for _ in reader.feed(piece):
                pass
    except MalformedAudio as fault:
        pytest.fail(f"the stream is not what it is to be: {fault}")


def cut(data: bytes, length: int) -> Iterator[bytes]:
    return (data[at : at + length] for at in range(0, len(data), length))


@pytest.mark.parametrize("length", [5, 1 << 30], ids=["small", "whole"])
@pytest.mark.parametrize("case", HOSTILE)
def test_the_work_grows_with_the_bytes(case: str, length: int) -> None:
    kind, begin, repeated = HOSTILE[case]
    size = 4000 if length == 5 else 48_000

    def stream(count: int) -> bytes:
        return begin + repeated * (count // len(repeated) + 1)

    assert_linear(stream, lambda data: fed(kind, partial(cut, data, length)), size)


def test_nor_does_it_grow_with_what_waits_behind() -> None:
    def stream(count: int) -> bytes:
        return MP3 + b"\xff" * (count // 16) + bytes(count)

    def read(data: bytes) -> None:
        with pytest.raises(MalformedAudio):
            list(demuxer(Container.MP3).feed(data))

    assert_linear(stream, read, 100_000)


def test_a_queue_that_copied_what_waits_would_be_noticed() -> None:
    """The measure itself: a queue in which each step costs as much as what waits behind it."""

    class Copying(ByteQueue):
        def take(self, count: int) -> bytes:
            taken, self.bytes = bytes(self.bytes[:count]), bytearray(self.bytes[count:])
            return taken

    def drained(data: bytes) -> None:
        queue = Copying()
        queue.feed(data)
        while len(queue):
            queue.take(8)

    with pytest.raises(AssertionError, match="ms"):
        assert_linear(bytes, drained, 40_000)
