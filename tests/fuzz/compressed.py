"""What must hold of every stream of compressed audio."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import mock

import numpy as np

from rasr.audio import COMPRESSED_FORMATS, SAMPLE_RATE, Samples, audio_decoder
from rasr.audio.containers import demuxer
from rasr.audio.containers.packets import ByteQueue, MalformedAudio
from rasr.audio.formats import Container
from tests.fuzz.streams import pieces_of

_MOST_HELD_BYTES = 192 * 1024
"""A page of Ogg and its packet, an element of WebM, or junk in MP3."""
_LONGEST_PACKET = 0.12 * SAMPLE_RATE + 2048


def decode_and_check(kind: str, data: bytes, lengths: Sequence[int]) -> None:
    """The cut changes nothing, what cannot be read is a fault, and each feed decodes a second."""
    whole, fault = _decoded(kind, [data])
    found, same_fault = _decoded(kind, pieces_of(data, lengths))
    assert same_fault == fault
    assert np.array_equal(found, whole)
    if fault is not None:
        assert fault.startswith(f"the sound cannot be read as {kind!r}: ")
        assert len(fault) < 300


def demux_and_check(kind: str, data: bytes, lengths: Sequence[int]) -> None:
    """Again and again, the stream is read in as many steps as it has bytes, and little is held."""
    steps = 0
    take, skip = ByteQueue.take, ByteQueue.skip

    def counted_take(queue: ByteQueue, count: int) -> bytes:
        nonlocal steps
        steps += 1
        return take(queue, count)

    def counted_skip(queue: ByteQueue, count: int) -> None:
        nonlocal steps
        steps += 1
        skip(queue, count)

    reader = demuxer(Container(kind))
    queue = reader._queue  # type: ignore[attr-defined]
    sentence = "none"
    repeated = data * (20_000 // max(len(data), 1) + 1)
    with (
        mock.patch.object(ByteQueue, "take", counted_take),
        mock.patch.object(ByteQueue, "skip", counted_skip),
    ):
        try:
            for piece in pieces_of(repeated, list(lengths) * 3):
                for item in reader.feed(piece):
                    assert item is not None
                assert len(queue) <= _MOST_HELD_BYTES
            list(reader.flush())
        except MalformedAudio as fault:
            sentence = str(fault)
    assert 0 < len(sentence) < 300
    assert steps <= len(repeated) + 1


def _decoded(kind: str, pieces: Sequence[bytes]) -> tuple[Samples, str | None]:
    decoder = audio_decoder(COMPRESSED_FORMATS[kind])
    found: list[Samples] = []
    for piece in pieces:
        found.append(decoder.feed(piece))
        while decoder.pending:
            found.append(decoder.feed(b""))
            assert len(found[-1]) <= SAMPLE_RATE + _LONGEST_PACKET
    found.append(decoder.flush())
    return np.concatenate(found), decoder.fault
