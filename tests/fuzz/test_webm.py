"""Opus in WebM."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.audio.compressed import compressed, element, opus_head
from tests.audio.signals import noise
from tests.fuzz.compressed import decode_and_check, demux_and_check
from tests.fuzz.examples import fuzz
from tests.fuzz.streams import sizes, stream_of

NAMES = (
    *(0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE, 0xD7, 0x86, 0x63A2, 0x6D80),
    *(0xA3, 0xA0, 0xA1, 0x75A2, 0xEC, 0xFF),
)
TRACK = element(
    0xAE, element(0xD7, b"\1") + element(0x86, b"A_OPUS") + element(0x63A2, opus_head())
)
WHOLE = [
    compressed(noise(0.2, 48_000), "webm-opus", 48_000),
    compressed(noise(0.2, 48_000), "webm-opus", 48_000, live=True),
    element(0x1A45DFA3, b"") + element(0x1654AE6B, TRACK),
]
ELEMENTS = st.recursive(
    st.builds(
        element,
        st.sampled_from(NAMES),
        st.one_of(st.binary(max_size=12), st.just(b"\x81\0\0\0\x19"), st.just(opus_head())),
        st.one_of(st.none(), st.integers(-1, 300), st.integers(0, (1 << 56) - 1)),
    ),
    lambda inner: st.builds(
        lambda name, parts, size: element(name, b"".join(parts), size),
        st.sampled_from(NAMES),
        st.lists(inner, max_size=4),
        st.one_of(st.none(), st.just(-1)),
    ),
    max_leaves=6,
)
STREAMS = stream_of(ELEMENTS, whole=WHOLE)


@given(data=STREAMS, lengths=sizes)
@fuzz
def test_decoded(data: bytes, lengths: list[int]) -> None:
    decode_and_check("webm-opus", data, lengths)


@given(data=STREAMS, lengths=sizes)
@fuzz
def test_read(data: bytes, lengths: list[int]) -> None:
    demux_and_check("webm-opus", data, lengths)
