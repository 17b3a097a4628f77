"""The way in: any format, cut anyhow, becomes the same mono samples at 16 kHz."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import (
    COMPRESSED_FORMATS,
    FORMATS,
    SAMPLE_RATE,
    AudioDecoder,
    AudioFormat,
    AudioFormatError,
    Encoding,
    Samples,
    WavHeader,
    audio_decoder,
    encode,
)
from tests.audio.compressed import compressed
from tests.audio.signals import chunk, cut, cuts, fed, fmt, noise, quick, tone, wav

CODES = {Encoding.PCM_F32LE: 3, Encoding.ALAW: 6, Encoding.ULAW: 7}
RATES = (8000, 8001, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 47_999, 48_000)
RAW = st.builds(
    AudioFormat,
    st.sampled_from(Encoding),
    st.sampled_from(RATES) | st.integers(8000, 48_000),
    st.sampled_from((1, 1, 2, 3, 20)),
)


def heard(data: bytes, decoder: AudioDecoder, sizes: list[int] | None = None) -> Samples:
    pieces = [fed(decoder, piece) for piece in cut(data, sizes or [])]
    return np.concatenate([*pieces, decoder.flush()])


def wav_of(audio: bytes, item: AudioFormat) -> bytes:
    head = fmt(
        CODES.get(item.encoding, 1),
        channels=item.channels,
        rate=item.sample_rate,
        bits=8 * item.encoding.bytes_per_sample,
    )
    return wav(audio, head=head, behind=chunk(b"LIST", b"INFO"))


@given(item=RAW, sizes=cuts, with_header=st.booleans(), odd=st.integers(0, 9), data=st.data())
@quick
def test_the_cut_of_the_bytes_does_not_change_one_sample(
    item: AudioFormat, sizes: list[int], with_header: bool, odd: int, data: st.DataObject
) -> None:
    channel = data.draw(st.none() | st.integers(0, item.channels - 1))
    audio = encode(noise(0.1, item.sample_rate * item.channels), item.encoding)
    sent = wav_of(audio, item) if with_header else audio + b"\x7f" * odd
    whole, pieces = audio_decoder(item, channel=channel), audio_decoder(item, channel=channel)
    expected = heard(sent, whole)
    found = heard(sent, pieces, sizes)
    assert found.dtype == np.int16
    assert found.tolist() == expected.tolist()
    assert pieces.header == whole.header
    assert (pieces.header is not None) == with_header
    assert pieces.contradiction is None
    assert pieces.fault is None


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("encoding", Encoding)
def test_the_audio_that_was_sent_is_the_audio_that_comes_out(encoding: Encoding, rate: int) -> None:
    decoder = audio_decoder(AudioFormat(encoding, rate))
    found = heard(encode(tone(440, 1.0, rate), encoding), decoder)
    expected = tone(440, 1.0, SAMPLE_RATE)
    assert len(found) == len(expected)
    assert np.corrcoef(found, expected)[0, 1] > 0.999
    assert decoder.header is None


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_a_channel_of_many_is_what_it_is_alone_and_the_mix_is_their_mean(rate: int) -> None:
    left, right = tone(440, 0.5, rate), tone(1000, 0.5, rate, 4000)
    both = encode(np.stack([left, right], axis=1).reshape(-1), Encoding.PCM_S16LE)
    stereo, mono = AudioFormat(Encoding.PCM_S16LE, rate, 2), AudioFormat(Encoding.PCM_S16LE, rate)
    alone = [heard(one.tobytes(), audio_decoder(mono)) for one in (left, right)]
    for channel in (0, 1):
        found = heard(both, audio_decoder(stereo, channel=channel))
        assert found.tolist() == alone[channel].tolist()
    mean = (alone[0].astype(float) + alone[1]) / 2
    assert np.abs(heard(both, audio_decoder(stereo)) - mean).max() <= 2


@pytest.mark.parametrize(("channels", "channel"), [(1, 1), (2, 2), (2, -1)])
def test_a_channel_that_is_not_there_is_refused_with_a_sentence(
    channels: int, channel: int
) -> None:
    with pytest.raises(AudioFormatError) as refusal:
        audio_decoder(AudioFormat(Encoding.PCM_S16LE, 16_000, channels), channel=channel)
    assert str(refusal.value) == (
        f"'channel' is invalid: it is {channel}; allowed: a whole number from 0 to {channels - 1}"
    )


def test_the_header_is_known_with_the_first_audio_behind_it() -> None:
    decoder = audio_decoder(FORMATS["pcm16k16bit"])
    found = decoder.feed(wav(b"", data_size=100, riff_size=136, head=fmt(rate=8000)))
    assert decoder.header == WavHeader(1, 1, 8000, 16)
    assert len(found) == 0
    assert decoder.contradiction is not None
    assert decoder.contradiction.startswith("the WAV header says 16-bit PCM, 1 channel, 8000 Hz;")


def test_an_odd_byte_is_no_sample() -> None:
    assert heard(b"\x01\x00\x02", audio_decoder(FORMATS["pcm16k16bit"])).tolist() == [1]


def test_on_audio_gets_raw_audio_at_the_rate_it_came_with() -> None:
    given: list[Samples] = []
    decoder = audio_decoder(FORMATS["pcm8k16bit"], given.append)
    signal = noise(0.1, 8000)
    assert len(heard(signal.tobytes(), decoder, [3, 0, 500])) == 2 * len(signal)
    assert np.concatenate(given).tolist() == signal.tolist()
    assert decoder.source_rate == 8000


def test_on_audio_gets_compressed_audio_as_it_comes_out() -> None:
    given: list[Samples] = []
    decoder = audio_decoder(COMPRESSED_FORMATS["mp3"], given.append)
    found = heard(compressed(tone(440, 0.5, 48_000), "mp3", 48_000), decoder, [700, 600])
    assert np.concatenate(given).tolist() == found.tolist()
    assert decoder.source_rate == SAMPLE_RATE


@given(item=RAW)
@quick
def test_one_feed_of_raw_audio_is_a_second_at_most_whatever_the_format(item: AudioFormat) -> None:
    decoder = audio_decoder(item)
    counts = [len(decoder.feed(bytes(3 * item.bytes_per_second)))]
    while decoder.pending:
        counts.append(len(decoder.feed(b"")))
    assert len(counts) == 3
    # A resampler may keep a little back, and gives it with the next second.
    assert max(counts) < 1.1 * SAMPLE_RATE
    assert sum(counts) + len(decoder.flush()) == 3 * SAMPLE_RATE
