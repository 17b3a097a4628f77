"""Raw audio: bytes of one encoding ⇄ samples.

`RawDecoder` owns the order WAV header → samples → one channel → resampling, and the bytes that wait
for the rest of their frame (one sample of every channel). It never guesses the encoding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from rasr.audio.containers.packets import ByteQueue
from rasr.audio.containers.wav import WavHeader, WavSkipper, contradiction
from rasr.audio.formats import SAMPLE_RATE, AudioFormat, AudioFormatError, Encoding, Samples
from rasr.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from rasr.audio.resample import Resampler

_MOST_SECONDS = 1
"""The audio that one feed decodes: up to 1 ms of work where it is resampled and checked. A message
of 1 MiB of µ-law is 131 s, which would hold up everybody else if it were taken at once."""


class RawDecoder:
    """The `AudioDecoder` of raw audio."""

    fault = None
    """Raw bytes are audio, whatever they are."""

    def __init__(
        self,
        format: AudioFormat,
        on_audio: Callable[[Samples], None] | None = None,
        channel: int | None = None,
    ) -> None:
        """Make the decoder of one stream.

        Raises:
            AudioFormatError: the format has no such channel.
        """
        if channel is not None and not 0 <= channel < format.channels:
            raise AudioFormatError(
                f"'channel' is invalid: it is {channel}; allowed: a whole number "
                f"from 0 to {format.channels - 1}"
            )
        self.source_rate = format.sample_rate
        self._format = format
        self._unread = ByteQueue()
        self._on_audio = on_audio
        self._skipper = WavSkipper()
        self._frames = _FrameReader(format, channel)
        self._resampler = Resampler(format.sample_rate, SAMPLE_RATE)

    @property
    def header(self) -> WavHeader | None:
        """What the WAV header says, once it is read whole; None without one."""
        return self._skipper.header

    @property
    def contradiction(self) -> str | None:
        """A sentence, if what the header says and what was declared are not the same."""
        header = self._skipper.header
        return None if header is None else contradiction(header, self._format)

    @property
    def pending(self) -> bool:
        """True while bytes that were fed have not been decoded."""
        return len(self._unread) > 0

    def feed(self, data: bytes) -> Samples:
        """Return the next samples of what was fed, int16, 16 kHz; maybe a read-only view."""
        most = _MOST_SECONDS * self._format.bytes_per_second
        if self.pending or len(data) > most:
            self._unread.feed(data)
            data = self._unread.take(min(most, len(self._unread)))
        return self._resampler.feed(self._decoded(self._skipper.feed(data)))

    def flush(self) -> Samples:
        """Return all samples that are left. A frame that is not whole is dropped."""
        left = self._skipper.feed(self._unread.take(len(self._unread))) + self._skipper.flush()
        rest = self._resampler.feed(self._decoded(left))
        return np.concatenate((rest, self._resampler.flush()))

    def _decoded(self, data: bytes) -> Samples:
        samples = self._frames.feed(data)
        if self._on_audio is not None and len(samples):
            self._on_audio(samples)
        return samples


class _FrameReader:
    """Reads bytes, cut anywhere, as frames, and makes mono samples of them."""

    def __init__(self, format: AudioFormat, channel: int | None) -> None:
        self._format = format
        self._channel = channel
        self._begun = b""
        """The first bytes of a frame that is not whole yet."""

    def feed(self, data: bytes) -> Samples:
        """Return a sample for each frame that `data` completes, at the rate of the format."""
        if self._begun:
            data = self._begun + data
        size = self._format.bytes_per_frame
        count = len(data) // size
        if count * size == len(data):
            self._begun = b""
        else:
            self._begun = data[count * size :]
            data = data[: count * size]
        channels, encoding = self._format.channels, self._format.encoding
        if channels == 1:
            return decode(data, encoding)
        if self._channel is None:
            return _mixed(decode(data, encoding).reshape(count, channels))
        frames = np.frombuffer(data, np.uint8).reshape(count, channels, encoding.bytes_per_sample)
        return decode(frames[:, self._channel].tobytes(), encoding)


def decode(data: bytes, encoding: Encoding) -> Samples:
    """Return the samples of whole bytes, of all channels interleaved: shape (n,), int16.

    Integers keep their upper 16 bits. Floating point is clipped to ±1 and multiplied by 32768;
    what is not a number becomes 0. The array may be a read-only view of `data`.
    """
    match encoding:
        case Encoding.PCM_S16LE:
            return np.frombuffer(data, "<i2").astype(np.int16, copy=False)
        case Encoding.PCM_U8:
            # The byte as the upper half of a sample, its top bit inverted.
            return (np.frombuffer(data, np.uint8).astype(np.int16) ^ 0x80) << 8
        case Encoding.PCM_S24LE:
            octets = np.frombuffer(data, np.uint8).reshape(-1, 3)
            return np.frombuffer(octets[:, 1:].tobytes(), "<i2").astype(np.int16, copy=False)
        case Encoding.PCM_S32LE:
            return np.frombuffer(data, "<i2")[1::2].astype(np.int16)
        case Encoding.PCM_F32LE:
            return _of_floats(np.frombuffer(data, "<f4"))
        case Encoding.ULAW:
            return ulaw_decode(data)
        case Encoding.ALAW:
            return alaw_decode(data)
        case _:
            assert_never(encoding)


def encode(samples: Samples, encoding: Encoding) -> bytes:
    """Return the bytes that a client sends for `samples`."""
    match encoding:
        case Encoding.PCM_S16LE:
            return samples.astype("<i2", copy=False).tobytes()
        case Encoding.PCM_U8:
            return ((samples >> 8) + 128).astype(np.uint8).tobytes()
        case Encoding.PCM_S24LE:
            octets = np.frombuffer(encode(samples, Encoding.PCM_S32LE), np.uint8)
            return octets.reshape(-1, 4)[:, 1:].tobytes()
        case Encoding.PCM_S32LE:
            return (samples.astype("<i4") << 16).tobytes()
        case Encoding.PCM_F32LE:
            return (samples.astype("<f4") / 32768).tobytes()
        case Encoding.ULAW:
            return ulaw_encode(samples)
        case Encoding.ALAW:
            return alaw_encode(samples)
        case _:
            assert_never(encoding)


def _of_floats(floats: NDArray[np.float32]) -> Samples:
    # Chosen, not computed: arithmetic with what is not a number warns.
    scaled = np.where(np.isnan(floats), np.float32(0), floats)
    np.clip(scaled, -1, 1, out=scaled)
    scaled *= 32768
    np.rint(scaled, out=scaled)
    np.minimum(scaled, 32767, out=scaled)
    return scaled.astype(np.int16)


def _mixed(frames: Samples) -> Samples:
    """The mean of the channels, to the nearest: shape (frames, channels) to (frames,)."""
    channels = frames.shape[1]
    total = frames[:, 0].astype(np.int32)
    # By channel, because numpy's sum over a short axis takes ten times as long.
    for channel in range(1, channels):
        total += frames[:, channel]
    mean: Samples = np.rint(total / channels).astype(np.int16)
    return mean
