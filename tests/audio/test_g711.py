from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np
import pytest

from rasr.audio import Samples
from rasr.audio.g711 import (
    alaw_decode,
    alaw_encode,
    alaw_table,
    ulaw_decode,
    ulaw_encode,
    ulaw_table,
)

Decode = Callable[[bytes], Samples]
Encode = Callable[[Samples], bytes]
EVERY_CODE = bytes(range(256))
LAWS = pytest.mark.parametrize(
    ("decode", "encode"),
    [
        pytest.param(ulaw_decode, ulaw_encode, id="ulaw"),
        pytest.param(alaw_decode, alaw_encode, id="alaw"),
    ],
)


@pytest.mark.parametrize(
    ("decode", "code", "sample"),
    [
        (ulaw_decode, 0xFF, 0),
        (ulaw_decode, 0x7F, 0),
        (ulaw_decode, 0x80, 32124),
        (ulaw_decode, 0x00, -32124),
        (ulaw_decode, 0xFE, 8),
        (ulaw_decode, 0x6F, -132),
        (alaw_decode, 0xD5, 8),
        (alaw_decode, 0x55, -8),
        (alaw_decode, 0xAA, 32256),
        (alaw_decode, 0x2A, -32256),
        (alaw_decode, 0xC5, 264),
        (alaw_decode, 0x75, -528),
    ],
)
def test_a_code_has_the_value_that_the_recommendation_gives(
    decode: Decode, code: int, sample: int
) -> None:
    assert decode(bytes([code])).tolist() == [sample]


@pytest.mark.parametrize(
    ("decode", "codec"), [(ulaw_decode, "pcm_mulaw"), (alaw_decode, "pcm_alaw")]
)
def test_every_code_is_decoded_as_ffmpeg_decodes_it(decode: Decode, codec: str) -> None:
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = 8000
    context.layout = "mono"
    (frame,) = context.decode(av.Packet(EVERY_CODE))
    assert decode(EVERY_CODE).tolist() == frame.to_ndarray()[0].tolist()


@LAWS
def test_a_decoded_code_encodes_to_the_same_value(decode: Decode, encode: Encode) -> None:
    values = decode(EVERY_CODE)
    assert decode(encode(values)).tolist() == values.tolist()


@LAWS
def test_every_sample_keeps_its_sign_its_order_and_its_size_to_one_part_in_sixteen(
    decode: Decode, encode: Encode
) -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    heard = decode(encode(every)).astype(np.int32)
    error = np.abs(heard - every)
    assert (np.diff(heard) >= 0).all()
    assert (error <= np.maximum(16, np.abs(every.astype(np.int32)) / 16)).all()
    assert heard[every > 0].min() >= 0 >= heard[every < 0].max()


@LAWS
def test_both_signs_are_treated_alike(decode: Decode, encode: Encode) -> None:
    positive = np.arange(1, 32768).astype(np.int16)
    assert (decode(encode(positive)) == -decode(encode(-positive))).all()


@LAWS
def test_no_bytes_are_no_samples(decode: Decode, encode: Encode) -> None:
    assert decode(b"").shape == (0,)
    assert encode(np.empty(0, np.int16)) == b""


@pytest.mark.parametrize("table", [ulaw_table, alaw_table])
def test_the_tables_which_all_streams_share_cannot_be_written(table: Callable[[], Samples]) -> None:
    assert len(table()) == 256
    with pytest.raises(ValueError, match="read-only"):
        table()[0] = 1
