"""Whether bytes that came as 16-bit samples are of another encoding.

This module owns the other readings of the same bytes and how far one of them must be the better. It
judges one excerpt of loud audio; `audio_check` decides when. It does not ask whether it is speech.

Recorded audio is smooth: the mean step from sample to sample is 0.02 to 0.76 of the mean level.
Bytes read as what they are not are nearly as rough as noise, 1.33. Measured on 2 s of each of 11
recordings of speech and noise, at 8 and 16 kHz, at five levels from -20 to +12 dB, through G.711
and in 8 and 12 bits, beside tones, square waves and noise of several colours:

| | audio read rightly | read wrongly |
| --- | --- | --- |
| roughness with swapped bytes ÷ as sent | 0.54 or more | 9 in 10 at most 0.43 |
| likeness of the histograms of low and high bytes | 0.77 or less | 8-bit samples: 0.93 or more |
| roughness of all bytes as a row of 8-bit samples | recordings 0.81 or more | 0.75 or less |
| roughness as 32-bit floats | always some beyond ±8 | floats: 0.66 or less |

The limits below stand inside these gaps. Very quiet audio with swapped bytes may go unnoticed.
"""

from __future__ import annotations

from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from rasr.audio.formats import Samples
from rasr.audio.g711 import alaw_table, ulaw_table

_NEVER = float("inf")
_SWAPPED_AT_MOST = 0.45
"""Roughness with swapped bytes, as a part of that of the audio as sent."""
_SWAPPED_ROUGHNESS = (0.5, 1.5)
"""As sent. Smoother audio is right as it is; rougher audio is a whistle near half the rate."""
_ALIKE_FROM = 0.85
_BYTES_AT_MOST = 0.76
_FLOATS_AT_MOST = 0.8
_FLOATS_WITHIN = 8.0
_COMPRESSED_LEVEL = (17_300, 20_500)
"""Standard deviation of a coder's output read as samples; of perfectly random ones 18919."""
_COMPRESSED_ROUGHNESS = (1.25, 1.45)


class ActualEncoding(Enum):
    """What bytes that were declared as 16-bit samples, low byte first, seem to be."""

    SWAPPED = auto()
    """16-bit samples, high byte first."""
    EIGHT_BIT = auto()
    """µ-law, A-law or linear samples of one byte."""
    FLOATING_POINT = auto()
    """32-bit samples in [-1, 1]."""
    COMPRESSED = auto()
    """The output of MP3, AAC, Opus, FLAC or the like; it also looks like encrypted bytes."""


def encoding_mismatch(excerpt: Samples) -> ActualEncoding | None:
    """Return what an excerpt of loud audio seems to be, if not 16-bit samples, low byte first.

    It begins at an even position in its stream, is of any rate, and lasts one second or more.
    """
    raw = excerpt.astype("<i2", copy=False).tobytes()
    octets = np.frombuffer(raw, np.uint8)
    as_sent = _roughness(excerpt)
    alike = _alikeness(octets[::2], octets[1::2])
    if alike > _ALIKE_FROM:
        as_bytes = min(_roughness(row) for row in _eight_bit(octets))
        if as_bytes < min(_BYTES_AT_MOST, as_sent):
            return ActualEncoding.EIGHT_BIT
        if _between(as_sent, _COMPRESSED_ROUGHNESS) and _between(excerpt.std(), _COMPRESSED_LEVEL):
            return ActualEncoding.COMPRESSED
    if _float_roughness(raw) < min(_FLOATS_AT_MOST, as_sent):
        return ActualEncoding.FLOATING_POINT
    swapped = _roughness(excerpt.byteswap())
    if _between(as_sent, _SWAPPED_ROUGHNESS) and swapped < _SWAPPED_AT_MOST * as_sent:
        return ActualEncoding.SWAPPED
    return None


def _eight_bit(octets: NDArray[np.uint8]) -> tuple[Samples, Samples, NDArray[np.uint8]]:
    return ulaw_table()[octets], alaw_table()[octets], octets


def _float_roughness(raw: bytes) -> float:
    floats = np.frombuffer(raw, "<f4", count=len(raw) // 4)
    # A comparison with NaN is False, which is what is wanted of it here.
    if not (np.abs(floats) < _FLOATS_WITHIN).all():
        return _NEVER
    return _roughness(floats)


def _roughness(values: NDArray[np.int16] | NDArray[np.uint8] | NDArray[np.float32]) -> float:
    """The mean step between neighbours as a part of the mean distance from the mean."""
    centred = values.astype(np.float32)
    centred -= centred.mean()
    level = float(np.abs(centred).mean())
    return float(np.abs(np.diff(centred)).mean()) / level if level > 0 else _NEVER


def _alikeness(low: NDArray[np.uint8], high: NDArray[np.uint8]) -> float:
    """The part that the histograms of both have in common, 0 to 1, but for the commonest byte.

    That one may stand for silence in any coding: clicks in digital silence are nearly all zeros.
    """
    counts = np.stack([np.bincount(half, minlength=256) for half in (low, high)])
    counts[:, counts.sum(axis=0).argmax()] = 0
    return 2 * float(counts.min(axis=0).sum()) / max(1, int(counts.sum()))


def _between(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
