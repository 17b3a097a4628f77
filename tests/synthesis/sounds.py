"""What is measured of a sound: its fundamental frequency, its loudness."""

from __future__ import annotations

import numpy as np

from rasr.synthesis.speech import Sound

_LOWEST_HZ, _HIGHEST_HZ = 60, 400
_WINDOW_S = 0.05
_VOICED = 0.5
"""A window is voiced if so much of it comes back after a period."""


def loudness(sound: Sound) -> float:
    """The root of the mean square of the samples."""
    return float(np.sqrt(np.mean(sound.samples.astype(np.float64) ** 2)))


def fundamental_hz(sound: Sound) -> float:
    """The middle one of the fundamental frequencies of all voiced windows, by autocorrelation."""
    size = round(_WINDOW_S * sound.rate)
    least, most = sound.rate // _HIGHEST_HZ, sound.rate // _LOWEST_HZ
    found = []
    for start in range(0, len(sound.samples) - size, size // 2):
        window = sound.samples[start : start + size].astype(np.float64)
        window -= window.mean()
        against = np.correlate(window, window, "full")[size - 1 :]
        lag = least + int(against[least:most].argmax())
        if against[0] > 0 and against[lag] > _VOICED * against[0]:
            found.append(sound.rate / lag)
    return float(np.median(found))
