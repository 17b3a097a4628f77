from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import Encoding, SampleDecoder, encode
from tests.audio.sound import cut, cuts, noise, quick


@given(data=st.binary(max_size=400), sizes=cuts, encoding=st.sampled_from(Encoding))
@quick
def test_the_cut_of_the_bytes_does_not_change_the_samples(
    data: bytes, sizes: list[int], encoding: Encoding
) -> None:
    whole = SampleDecoder(encoding)
    pieces = SampleDecoder(encoding)
    expected = whole.feed(data)
    found = np.concatenate([pieces.feed(piece) for piece in cut(data, sizes)])
    assert found.dtype == np.int16
    assert found.tolist() == expected.tolist()
    assert pieces.odd_bytes == whole.odd_bytes == len(data) % encoding.bytes_per_sample


def test_pcm_is_little_endian_and_signed() -> None:
    assert SampleDecoder(Encoding.PCM_S16LE).feed(b"\x01\x00\xff\xff\x00\x80").tolist() == [
        1,
        -1,
        -32768,
    ]


@pytest.mark.parametrize("encoding", Encoding)
def test_what_is_encoded_is_decoded_again(encoding: Encoding) -> None:
    sound = noise(0.1, 8000)
    heard = SampleDecoder(encoding).feed(encode(sound, encoding))
    tolerance = 0 if encoding is Encoding.PCM_S16LE else np.abs(sound.astype(float)) / 16 + 16
    assert (np.abs(heard.astype(float) - sound) <= tolerance).all()
