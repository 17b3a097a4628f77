"""Bytes of one encoding, cut anywhere, to samples.

Owns the byte that waits for the other half of its sample. Never guesses the encoding and never
changes the rate.
"""

from __future__ import annotations

from typing import assert_never

import numpy as np

from rasr.audio.formats import Encoding, Samples
from rasr.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode


class SampleDecoder:
    """The samples of a byte stream."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._half = b""

    @property
    def odd_bytes(self) -> int:
        """Bytes that wait for the rest of their sample: 0 or 1."""
        return len(self._half)

    def feed(self, data: bytes) -> Samples:
        """The samples completed by `data`. The array may be a read-only view of it."""
        match self._encoding:
            case Encoding.PCM_S16LE:
                return self._pcm(data)
            case Encoding.ULAW:
                return ulaw_decode(data)
            case Encoding.ALAW:
                return alaw_decode(data)
            case _:
                assert_never(self._encoding)

    def _pcm(self, data: bytes) -> Samples:
        if self._half:
            data = self._half + data
        whole = len(data) // 2
        self._half = data[2 * whole :]
        return np.frombuffer(data, dtype="<i2", count=whole).astype(np.int16, copy=False)


def encode(samples: Samples, encoding: Encoding) -> bytes:
    """The bytes that a client sends for `samples`."""
    match encoding:
        case Encoding.PCM_S16LE:
            return samples.astype("<i2", copy=False).tobytes()
        case Encoding.ULAW:
            return ulaw_encode(samples)
        case Encoding.ALAW:
            return alaw_encode(samples)
        case _:
            assert_never(encoding)
