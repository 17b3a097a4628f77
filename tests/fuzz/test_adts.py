"""AAC in ADTS."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.audio.compressed import compressed
from tests.audio.signals import noise
from tests.fuzz.compressed import decode_and_check, demux_and_check
from tests.fuzz.examples import fuzz
from tests.fuzz.streams import sizes, stream_of

WHOLE = [
    compressed(noise(0.2, 48_000), "aac", 48_000),
    compressed(noise(0.2, 16_000), "aac", 16_000),
]
HEADERS = st.builds(
    lambda second, rest, body: bytes([0xFF, second, *rest]) + body,
    st.sampled_from([0xF0, 0xF1, 0xF8, 0xF9]),
    st.lists(st.integers(0, 255), min_size=5, max_size=5),
    st.one_of(st.binary(max_size=8), st.integers(0, 400).map(bytes)),
)
STREAMS = stream_of(HEADERS, whole=WHOLE)


@given(data=STREAMS, lengths=sizes)
@fuzz
def test_decoded(data: bytes, lengths: list[int]) -> None:
    decode_and_check("aac", data, lengths)


@given(data=STREAMS, lengths=sizes)
@fuzz
def test_read(data: bytes, lengths: list[int]) -> None:
    demux_and_check("aac", data, lengths)
