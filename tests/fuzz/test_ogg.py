"""Opus in Ogg."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.audio.compressed import compressed, opus_head, page
from tests.audio.signals import noise
from tests.fuzz.compressed import decode_and_check, demux_and_check
from tests.fuzz.examples import fuzz
from tests.fuzz.streams import sizes, stream_of

WHOLE = [
    compressed(noise(0.2, 48_000), "ogg-opus", 48_000),
    page(1, opus_head(), [19], flags=2) + page(1, b"OpusTags", [8]),
    page(1, opus_head(2, skip=0), [19], flags=2) + page(1, b"OpusTags", [8]),
]


@st.composite
def pages(draw: st.DrawFn) -> bytes:
    """A page whose lacing may lie."""
    packets = draw(
        st.lists(
            st.one_of(
                st.binary(max_size=5), st.just(b"\x19"), st.just(opus_head()), st.just(b"OpusTags")
            ),
            max_size=8,
        )
    )
    lacing = draw(
        st.one_of(
            st.just([len(one) for one in packets]), st.lists(st.integers(0, 255), max_size=255)
        )
    )
    granule = draw(st.one_of(st.integers(-1, 10_000), st.integers(-(1 << 63), (1 << 63) - 1)))
    serial, flags = draw(st.integers(1, 2)), draw(st.integers(0, 7))
    return page(serial, b"".join(packets), lacing, flags, granule)


STREAMS = stream_of(pages(), whole=WHOLE)


@given(data=STREAMS, lengths=sizes)
@fuzz
def test_decoded(data: bytes, lengths: list[int]) -> None:
    decode_and_check("ogg-opus", data, lengths)


@given(data=STREAMS, lengths=sizes)
@fuzz
def test_read(data: bytes, lengths: list[int]) -> None:
    demux_and_check("ogg-opus", data, lengths)
