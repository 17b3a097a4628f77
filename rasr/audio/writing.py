"""Samples to bytes of a format, piece by piece: raw, WAV, MP3, and the two laws of telephony.

This module resamples to the rate that is asked for and holds what a format needs at its ends. What
was written so far is never changed: a WAV header of a stream says that its length is not known, as
FFmpeg's does, and `wav_header` makes the true one for whoever has the whole.
"""

from __future__ import annotations

import struct
from enum import StrEnum

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from rasr.audio.formats import Samples
from rasr.audio.g711 import alaw_encode, ulaw_encode
from rasr.audio.resample import Resampler

_UNKNOWN = 0xFFFFFFFF
_MP3_RATES = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})
_MP3_BITS_PER_SAMPLE = 3
"""At 16 kHz 48 kbit/s: speech is no worse for more."""


class WrittenFormat(StrEnum):
    """What samples are written as."""

    PCM = "pcm"
    WAV = "wav"
    MP3 = "mp3"
    ALAW = "alaw"
    ULAW = "ulaw"


class AudioWriter:
    """One stream of mono samples, from `source_rate` to bytes of `format` at `rate` (Hz)."""

    def __init__(self, format: WrittenFormat, source_rate: int, rate: int) -> None:
        """
        Raises:
            ValueError: the format does not go with the rate.
        """
        self._resampler = Resampler(source_rate, rate)
        self._format = format
        self._header = wav_header(rate, None) if format is WrittenFormat.WAV else b""
        self._mp3 = _Mp3(rate) if format is WrittenFormat.MP3 else None

    def feed(self, samples: Samples) -> bytes:
        """What is certain by now; it may be nothing."""
        return self._written(self._resampler.feed(samples))

    def flush(self) -> bytes:
        """The rest. Nothing may be fed after it."""
        rest = self._written(self._resampler.flush())
        return rest + self._mp3.flush() if self._mp3 is not None else rest

    def _written(self, samples: Samples) -> bytes:
        match self._format:
            case WrittenFormat.ALAW:
                return alaw_encode(samples)
            case WrittenFormat.ULAW:
                return ulaw_encode(samples)
            case WrittenFormat.MP3:
                assert self._mp3 is not None
                return self._mp3.feed(samples)
            case _:
                header, self._header = self._header, b""
                return header + samples.astype("<i2", copy=False).tobytes()


def wav_header(rate: int, data_bytes: int | None) -> bytes:
    """The 44 bytes before the samples of a mono WAV file of 16 bits.

    Args:
        data_bytes: of the samples; None where that is not known yet.
    """
    size = _UNKNOWN if data_bytes is None else data_bytes
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        _UNKNOWN if data_bytes is None else size + 36,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        rate,
        2 * rate,
        2,
        16,
        b"data",
        size,
    )


class _Mp3:
    """FFmpeg's encoder, whose frames need no container."""

    def __init__(self, rate: int) -> None:
        if rate not in _MP3_RATES:
            raise ValueError(f"mp3 has no sample rate of {rate} Hz")
        self._rate = rate
        codec = av.CodecContext.create("libmp3lame", "w")
        assert isinstance(codec, AudioCodecContext)
        codec.sample_rate = rate
        codec.layout = "mono"
        codec.format = "s16p"
        codec.bit_rate = rate * _MP3_BITS_PER_SAMPLE
        codec.open()
        self._codec = codec
        self._rest = np.zeros(0, np.int16)

    def feed(self, samples: Samples) -> bytes:
        """The frames that are full."""
        self._rest = np.concatenate([self._rest, samples])
        size = self._codec.frame_size
        whole = len(self._rest) // size * size
        frames, self._rest = self._rest[:whole], self._rest[whole:]
        return b"".join(
            self._encoded(frames[start : start + size]) for start in range(0, whole, size)
        )

    def flush(self) -> bytes:
        """The last frame, and what the encoder held back."""
        last = self._encoded(self._rest) if len(self._rest) else b""
        return last + b"".join(bytes(packet) for packet in self._codec.encode(None))

    def _encoded(self, samples: Samples) -> bytes:
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16p", layout="mono")
        frame.sample_rate = self._rate
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))
