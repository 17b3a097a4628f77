"""What is measured of frames of audio: how loud they are, and how periodic.

Levels are RMS in int16 units: 0 is digital silence, 32768 the largest that a frame can hold.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 16000
"""Hz of the audio whose periodicity is measured."""
WINDOW_SAMPLES: Final = SAMPLE_RATE * 40 // 1000
"""Samples in which a period is looked for: two periods and more of the lowest voice."""

_DECIMATION: Final = 4
_LENGTH: Final = WINDOW_SAMPLES // _DECIMATION
_LAGS: Final = np.arange(SAMPLE_RATE // _DECIMATION // 400, SAMPLE_RATE // _DECIMATION // 60 + 1)
_POINTS: Final = 256
"""Points of the Fourier transform, more than the window and the longest lag together: the circular
correlation does not wrap around."""
_LEAST_POWER: Final = 1e-3


def frame_levels(samples: NDArray[np.int16], frame_samples: int) -> list[float]:
    """RMS of each frame of `samples`, shape (k * frame_samples,), int16, in order.

    All frames of a chunk in one call: numpy's overhead is most of the cost of one.
    """
    return _rms(_frames(samples, frame_samples))


def emphasised_levels(samples: NDArray[np.int16], frame_samples: int) -> list[float]:
    """RMS of the differences between neighbouring samples of each frame, as `frame_levels`.

    The level behind a pre-emphasis filter, which rises by 6 dB an octave: hum, rumble and wind all
    but vanish, and speech stands out of them by its formants.
    """
    frames = _frames(samples, frame_samples)
    return _rms(frames[:, 1:] - frames[:, :-1])


def periodicity(window: NDArray[np.int16]) -> float:
    """The best match of the audio with itself a period later: the sign of a voice.

    The vocal cords repeat themselves 60 to 400 times a second, and do so for many periods; a click
    or a hiss does not. It is the highest autocorrelation at such a lag, after cutting off what is
    above 2 kHz, where voices are hoarse.

    Args:
        window: shape (WINDOW_SAMPLES,), int16, at 16 kHz.

    Returns:
        1 for a perfect match; noise gets 0.2 to 0.4.
    """
    audio = window.reshape(_LENGTH, _DECIMATION).sum(axis=1, dtype=np.float64)
    audio -= audio.mean()
    spectrum = np.fft.rfft(audio, _POINTS)
    match = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, _POINTS)[_LAGS]
    power = np.cumsum(audio * audio)
    # Each half against the power that it has itself: syllables swell and fade.
    first = power[_LENGTH - 1 - _LAGS]
    second = power[-1] - power[_LAGS - 1]
    return float(np.max(match / np.sqrt(np.maximum(first * second, _LEAST_POWER))))


def _frames(samples: NDArray[np.int16], frame_samples: int) -> NDArray[np.float32]:
    # int16 overflows when squared; float32 keeps 7 digits, which is more than a level needs.
    return samples.astype(np.float32).reshape(-1, frame_samples)


def _rms(frames: NDArray[np.float32]) -> list[float]:
    levels: list[float] = np.sqrt(np.einsum("ij,ij->i", frames, frames) / frames.shape[1]).tolist()
    return levels
