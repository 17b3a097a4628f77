"""G.711: the two logarithmic 8-bit encodings of telephony, µ-law and A-law.

This module has both directions between bytes and 16-bit samples; it knows nothing of streams.

Numbers are those of ITU-T Recommendation G.711 (11/1988), tables 1 (A-law) and 2 (µ-law): eight
segments of sixteen steps on each side of zero, each segment twice as coarse as the one before.
The recommendation counts in 13 (A-law) and 14 (µ-law) bits with sign; samples here carry that in
the upper bits of 16, so A-law reaches ±32256 and µ-law ±32124.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rasr.audio.formats import Samples

_SIGN = 0x80
"""Set for a positive value in both laws, once the inversions are undone."""

_ULAW_BIAS = 33
"""Added before the segment is found, so that each µ-law segment begins at a power of two."""
_ULAW_MAX = 8158
"""Largest µ-law magnitude, of 14 bits: the virtual decision value of table 2a is 8159."""
_ALAW_INVERSION = 0x55
"""G.711 §3.2: A-law inverts the even bits, so that silence does not become a run of zeros."""


@cache
def ulaw_table() -> Samples:
    """Return the sample for each µ-law byte: shape (256,), int16, read-only."""
    code = ~np.arange(256) & 0xFF
    segment, step = code >> 4 & 7, code & 15
    magnitude = ((2 * step + _ULAW_BIAS) << segment) - _ULAW_BIAS
    return _signed((~code & _SIGN) != 0, magnitude << 2)


@cache
def alaw_table() -> Samples:
    """Return the sample for each A-law byte: shape (256,), int16, read-only."""
    code = np.arange(256) ^ _ALAW_INVERSION
    segment, step = code >> 4 & 7, code & 15
    # The two lowest segments are equally fine; from the second on, a step has an implied 16.
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0))
    return _signed((code & _SIGN) != 0, magnitude << 3)


def ulaw_decode(data: bytes) -> Samples:
    """Return one sample for each byte: shape (n,), int16."""
    return ulaw_table()[np.frombuffer(data, dtype=np.uint8)]


def alaw_decode(data: bytes) -> Samples:
    """Return one sample for each byte: shape (n,), int16."""
    return alaw_table()[np.frombuffer(data, dtype=np.uint8)]


def ulaw_encode(samples: Samples) -> bytes:
    """Return one byte for each sample; louder ones than the law reaches become its loudest."""
    magnitude = np.abs(samples.astype(np.int32)) >> 2
    biased = np.minimum(magnitude, _ULAW_MAX) + _ULAW_BIAS
    segment = _bit_length(biased) - 6
    step = biased >> (segment + 1) & 15
    # Table 2a, note: the whole byte goes out inverted, the sign bit with it.
    code = ~(segment << 4 | step) & 0x7F
    return _packed(samples, code)


def alaw_encode(samples: Samples) -> bytes:
    """Return one byte for each sample."""
    magnitude = np.minimum(np.abs(samples.astype(np.int32)) >> 3, 4095)
    segment = np.maximum(_bit_length(magnitude) - 5, 0)
    step = magnitude >> np.maximum(segment, 1) & 15
    return _packed(samples, (segment << 4 | step) ^ _ALAW_INVERSION)


def _packed(samples: Samples, code: NDArray[np.int32]) -> bytes:
    signed: NDArray[np.uint8] = np.where(samples >= 0, code | _SIGN, code).astype(np.uint8)
    return signed.tobytes()


def _bit_length(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """Bits that each of the values ≥ 0 takes, exactly: shape and dtype of `values`."""
    return np.frexp(values.astype(np.float64))[1].astype(np.int32)


def _signed(positive: NDArray[np.bool_], magnitude: NDArray[np.int_]) -> Samples:
    table = np.where(positive, magnitude, -magnitude).astype(np.int16)
    table.flags.writeable = False
    return table
