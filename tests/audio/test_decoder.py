from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import FORMATS, AudioFormat, Encoding, RawDecoder, Samples, WavHeader, encode
from tests.audio.sound import chunk, cut, cuts, fmt, noise, quick, tone, wav

CODES = {Encoding.PCM_S16LE: 1, Encoding.ALAW: 6, Encoding.ULAW: 7}
ENGINE_RATES = (8000, 16000)


def heard(data: bytes, inlet: RawDecoder, sizes: list[int] | None = None) -> Samples:
    pieces = [inlet.feed(piece) for piece in cut(data, sizes or [])]
    return np.concatenate([*pieces, inlet.flush()])


def wav_of(sound: bytes, item: AudioFormat) -> bytes:
    head = fmt(CODES[item.encoding], rate=item.sample_rate, bits=8 * item.bytes_per_sample)
    return wav(sound, head=head, behind=chunk(b"LIST", b"INFO"))


@given(
    item=st.sampled_from(list(FORMATS.values())),
    target_rate=st.sampled_from(ENGINE_RATES),
    sizes=cuts,
    with_header=st.booleans(),
    odd=st.booleans(),
)
@quick
def test_the_cut_of_the_bytes_does_not_change_one_sample(
    item: AudioFormat, target_rate: int, sizes: list[int], with_header: bool, odd: bool
) -> None:
    data = encode(noise(0.25, item.sample_rate), item.encoding)
    if with_header:
        data = wav_of(data, item)
    elif odd:
        data += b"\x7f"
    whole, pieces = RawDecoder(item, target_rate), RawDecoder(item, target_rate)
    expected = heard(data, whole)
    found = heard(data, pieces, sizes)
    assert found.dtype == np.int16
    assert found.tolist() == expected.tolist()
    assert pieces.header == whole.header
    assert (pieces.header is not None) == with_header
    assert pieces.received_samples == whole.received_samples
    assert pieces.odd_bytes == whole.odd_bytes


@pytest.mark.parametrize("target_rate", ENGINE_RATES)
@pytest.mark.parametrize("item", FORMATS.values(), ids=FORMATS.keys())
def test_the_sound_that_was_sent_is_the_sound_that_comes_out(
    item: AudioFormat, target_rate: int
) -> None:
    inlet = RawDecoder(item, target_rate)
    found = heard(encode(tone(440, 1.0, item.sample_rate), item.encoding), inlet)
    expected = tone(440, 1.0, target_rate)
    assert len(found) == len(expected)
    assert np.corrcoef(found, expected)[0, 1] > 0.999
    assert inlet.received_samples == item.sample_rate
    assert inlet.header is None


def test_the_header_is_known_with_the_first_sound_behind_it() -> None:
    inlet = RawDecoder(FORMATS["pcm16k16bit"], 16000)
    inlet.feed(wav(b"", data_size=100, riff_size=136, head=fmt(rate=8000)))
    assert inlet.header == WavHeader(1, 1, 8000, 16)
    assert inlet.received_samples == 0


def test_an_odd_byte_is_counted_and_is_no_sample() -> None:
    inlet = RawDecoder(FORMATS["pcm16k16bit"], 16000)
    assert heard(b"\x01\x00\x02", inlet).tolist() == [1]
    assert inlet.odd_bytes == 1


def test_the_tap_gets_the_sound_at_the_rate_it_came_with() -> None:
    tapped: list[Samples] = []
    inlet = RawDecoder(FORMATS["pcm8k16bit"], 16000, tap=tapped.append)
    sound = noise(0.1, 8000)
    assert len(heard(sound.tobytes(), inlet, [3, 0, 500])) == 2 * len(sound)
    assert np.concatenate(tapped).tolist() == sound.tolist()
