"""Streams of audio that are nearly right: what strangers send, by accident or not."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from hypothesis import strategies as st

sizes = st.lists(
    st.one_of(st.integers(0, 12), st.integers(0, 700), st.integers(0, 5000)), max_size=12
)
"""Where a stream is cut: the lengths of its first pieces."""

numbers = st.one_of(
    st.integers(0, 32),
    st.integers(0, (1 << 32) - 1),
    st.sampled_from([0x7F, 0x80, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFF0]),
)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """`whole`, a piece of it, or either with some bytes changed, doubled or left out."""
    begin = draw(st.integers(0, len(whole)))
    end = draw(st.integers(begin, len(whole)))
    data = bytearray(whole if draw(st.booleans()) else whole[begin:end])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = draw(st.binary(max_size=3))
            case 1:
                del data[at : at + draw(st.integers(1, 300))]
            case 2:
                data[at:at] = data[at : at + draw(st.integers(1, 300))]
            case _:
                data[at : at + 4] = struct.pack("<I", draw(numbers))
    return bytes(data)


def stream_of(*parts: st.SearchStrategy[bytes], whole: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Parts in any order, behind a beginning that is right or not."""
    files = st.sampled_from(list(whole)).flatmap(damaged)
    any_part = st.one_of(*parts, files, st.binary(max_size=40))
    return st.builds(
        lambda begin, rest: begin + b"".join(rest),
        st.one_of(st.just(b""), st.sampled_from(list(whole)), files),
        st.lists(any_part, max_size=8),
    )


def pieces_of(data: bytes, lengths: Sequence[int]) -> list[bytes]:
    """`data` cut into pieces of these lengths, and the rest."""
    pieces = []
    for length in lengths:
        pieces.append(data[:length])
        data = data[length:]
    return [*pieces, data]
