"""Bytes of every raw encoding: the values, the cut, the channels."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.audio import SAMPLE_RATE, AudioFormat, Encoding, Samples, audio_decoder, encode
from tests.audio.signals import cut, cuts, fed, noise, quick

FFMPEG = {
    Encoding.PCM_S16LE: "pcm_s16le",
    Encoding.PCM_U8: "pcm_u8",
    Encoding.PCM_S24LE: "pcm_s24le",
    Encoding.PCM_S32LE: "pcm_s32le",
    Encoding.PCM_F32LE: "pcm_f32le",
    Encoding.ULAW: "pcm_mulaw",
    Encoding.ALAW: "pcm_alaw",
}
TOLERANCE = {
    Encoding.PCM_U8: 255.0,
    Encoding.ULAW: 1 / 16,
    Encoding.ALAW: 1 / 16,
}
"""What an encoding of 8 bits loses: above 1 in steps, below as a part of the sample."""


def decoded(
    data: bytes,
    encoding: Encoding,
    channels: int = 1,
    channel: int | None = None,
    sizes: list[int] | None = None,
) -> Samples:
    """The samples of bytes at 16 kHz, where nothing is resampled."""
    format = AudioFormat(encoding, SAMPLE_RATE, channels)
    decoder = audio_decoder(format, channel=channel)
    pieces = [fed(decoder, piece) for piece in cut(data, sizes or [])]
    return np.concatenate([*pieces, decoder.flush()])


def by_ffmpeg(data: bytes, encoding: Encoding) -> Samples:
    context = av.CodecContext.create(FFMPEG[encoding], "r")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = SAMPLE_RATE
    context.layout = "mono"
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    pieces = [
        piece.to_ndarray().reshape(-1)
        for frame in context.decode(av.Packet(data))
        for piece in resampler.resample(frame)
    ]
    return np.concatenate(pieces)


@given(
    data=st.binary(max_size=400),
    sizes=cuts,
    encoding=st.sampled_from(Encoding),
    channels=st.integers(1, 5),
    data_of_channel=st.data(),
)
@quick
def test_the_cut_of_the_bytes_does_not_change_the_samples(
    data: bytes, sizes: list[int], encoding: Encoding, channels: int, data_of_channel: st.DataObject
) -> None:
    channel = data_of_channel.draw(st.none() | st.integers(0, channels - 1))
    whole = decoded(data, encoding, channels, channel)
    found = decoded(data, encoding, channels, channel, sizes)
    assert found.dtype == np.int16
    assert found.tolist() == whole.tolist()
    # A frame that is not whole is no sample.
    assert len(found) == len(data) // (channels * encoding.bytes_per_sample)


def test_pcm_is_little_endian_and_signed() -> None:
    data = b"\x01\x00\xff\xff\x00\x80"
    assert decoded(data, Encoding.PCM_S16LE).tolist() == [1, -1, -32768]


@pytest.mark.parametrize("encoding", [item for item in Encoding if item != Encoding.PCM_F32LE])
def test_integers_are_decoded_as_ffmpeg_decodes_them(encoding: Encoding) -> None:
    data = np.random.default_rng(3).integers(0, 256, 12 * 1000, np.uint8).tobytes()
    assert decoded(data, encoding).tolist() == by_ffmpeg(data, encoding).tolist()


def test_floating_point_is_decoded_as_ffmpeg_decodes_it() -> None:
    values = np.random.default_rng(3).uniform(-1.2, 1.2, 10_000).astype("<f4")
    edges = np.array([0, 1, -1, 1.5, -1.5, 32767.5 / 32768, 0.5 / 32768, 1.5 / 32768], "<f4")
    data = np.concatenate([edges, values]).tobytes()
    found = decoded(data, Encoding.PCM_F32LE)
    assert found[:8].tolist() == [0, 32767, -32768, 32767, -32768, 32767, 0, 2]
    assert found.tolist() == by_ffmpeg(data, Encoding.PCM_F32LE).tolist()


def test_what_is_no_number_is_silence_and_what_is_infinite_is_full_scale() -> None:
    bits = np.array([0x7FC00000, 0x7F800001, 0xFFC00000, 0x7F800000, 0xFF800000], "<u4")
    largest = np.array([3.4e38, -3.4e38, 1e-45], "<f4")
    found = decoded(bits.tobytes() + largest.tobytes(), Encoding.PCM_F32LE)
    assert found.tolist() == [0, 0, 0, 32767, -32768, 32767, -32768, 0]


@pytest.mark.parametrize("encoding", Encoding)
def test_what_is_encoded_is_decoded_again(encoding: Encoding) -> None:
    signal = noise(0.1, 8000)
    found = decoded(encode(signal, encoding), encoding)
    tolerance = TOLERANCE.get(encoding, 0.0)
    allowed = (
        np.abs(signal.astype(float)) * tolerance + 16 if 0 < tolerance < 1 else np.array(tolerance)
    )
    assert (np.abs(found.astype(float) - signal) <= allowed).all()


# Channels


def interleaved(*channels: Samples) -> Samples:
    return np.stack(channels, axis=1).reshape(-1)


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("count", [2, 3, 20])
def test_each_channel_can_be_decoded_on_its_own(encoding: Encoding, count: int) -> None:
    signals = [noise(0.05, 16000, seed=seed) for seed in range(count)]
    data = encode(interleaved(*signals), encoding)
    for channel, signal in enumerate(signals):
        alone = decoded(encode(signal, encoding), encoding)
        assert decoded(data, encoding, count, channel).tolist() == alone.tolist()


@pytest.mark.parametrize("count", [2, 3, 20])
def test_the_mix_is_the_mean_of_the_channels(count: int) -> None:
    signals = [noise(0.05, 16000, 12_000, seed) for seed in range(count)]
    data = encode(interleaved(*signals), Encoding.PCM_S16LE)
    mean = np.mean(np.stack(signals).astype(float), axis=0)
    assert np.abs(decoded(data, Encoding.PCM_S16LE, count) - mean).max() <= 0.5


@pytest.mark.parametrize("value", [32767, -32768])
@pytest.mark.parametrize("count", [2, 20])
def test_full_scale_in_every_channel_does_not_overflow(value: int, count: int) -> None:
    loud = np.full(1000, value, np.int16)
    data = encode(interleaved(*[loud] * count), Encoding.PCM_S16LE)
    assert decoded(data, Encoding.PCM_S16LE, count).tolist() == loud.tolist()
