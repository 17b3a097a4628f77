"""MP3: frames, tags, and what is neither."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.audio.compressed import compressed
from tests.audio.signals import noise
from tests.fuzz.compressed import decode_and_check, demux_and_check
from tests.fuzz.examples import fuzz
from tests.fuzz.streams import sizes, stream_of

WHOLE = [
    compressed(noise(0.2, 48_000), "mp3", 48_000),
    compressed(noise(0.2, 16_000), "mp3", 16_000, live=True, write_xing="0"),
]
HEADERS = st.builds(
    lambda second, third, fourth, body: bytes([0xFF, second, third, fourth]) + body,
    st.integers(0xE0, 0xFF),
    st.integers(0, 255),
    st.integers(0, 255),
    st.one_of(st.binary(max_size=8), st.integers(0, 400).map(bytes)),
)
TAGS = st.builds(
    lambda flags, size, body: b"ID3\4\0" + bytes([flags]) + bytes(size) + body,
    st.integers(0, 255),
    st.lists(st.integers(0, 130), min_size=4, max_size=4),
    st.binary(max_size=20),
)
STREAMS = stream_of(HEADERS, TAGS, whole=WHOLE)


@given(data=STREAMS, lengths=sizes)
@fuzz
def test_decoded(data: bytes, lengths: list[int]) -> None:
    decode_and_check("mp3", data, lengths)


@given(data=STREAMS, lengths=sizes)
@fuzz
def test_read(data: bytes, lengths: list[int]) -> None:
    demux_and_check("mp3", data, lengths)
