"""Whether a voice is too low and too slow to be human: audio recorded at a higher sample rate.

This module owns the measures of one excerpt (pitch, its movement, the rhythm of syllables) and the
limits of what people do; `audio_check` decides when to measure.

What it can tell, measured on 9 recordings of 7 speakers in windows of 5 s, with and without noise:
played at half speed, men's voices have a median pitch of 40 to 62 Hz, which no voice has, and
syllables come half as often; the product of pitch and rhythm, 140 to 230 then, is 297 or more for
every voice at its own speed, the deepest included. So of men's voices most are noticed. Of women's
voices almost none are: at half speed one is a slow man's. The other direction, audio of 8 kHz
declared as 16 kHz, is not judged at all: a man's voice is then like a fast woman's, a woman's like
a child's or a song, and every limit tried took melodies for it.

Pitch is by autocorrelation, normalised by that of the window (P. Boersma, "Accurate short-term
analysis of the fundamental frequency", IFA Proceedings 17, 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rasr.audio.formats import Samples

_RATE = 4000
"""Hz at which pitch and rhythm are measured: enough for both, a quarter of the work."""
_FRAME = 200
"""50 ms: two periods of 40 Hz."""
_HOP = 100
_FFT = 512
_LAGS = slice(5, 150)
"""800 down to 27 Hz."""
_LEVEL_STEP = 40
"""10 ms."""
_FLOOR = 30.0
"""Added to the level of the audio, so that the depth of silence does not count as rhythm."""
_AUDIBLE = 100.0
"""RMS; frames below this or below 0.3 of the loud ones are not asked for a pitch."""
_VOICED = 0.6
_FIRST_PEAK = 0.88
"""The shortest lag whose peak reaches this part of the highest one is the period."""
_LEAST_VOICED = 40
"""Frames: one second."""

_MAX_PITCH_HZ = 62.0
_MAX_PITCH_TIMES_RHYTHM = 205.0
_MIN_VOICED_SHARE = 0.55
_PITCH_SPREAD = (0.06, 1.0)
_MIN_GLIDE_OCTAVES = 0.012
"""From frame to frame. A bass instrument keeps its notes, mains hum does not move at all."""


@dataclass(frozen=True, slots=True)
class VoiceMeasures:
    """The pitch and the rhythm of an excerpt with voice in it."""

    pitch_hz: float
    """The median pitch."""
    pitch_spread: float
    """Distance of the quartiles as a part of the median."""
    glide_octaves: float
    """Median step of the pitch from one frame to the next, 25 ms later."""
    voiced_share: float
    """Frames with a pitch among those that are not quiet."""
    rhythm_hz: float
    """Centre of the modulation spectrum: that of the logarithmic level, 1 to 25 Hz."""

    @property
    def slowed_down(self) -> bool:
        """True if no voice is like this unless it is played too slowly."""
        return (
            self.pitch_hz < _MAX_PITCH_HZ
            and self.pitch_hz * self.rhythm_hz < _MAX_PITCH_TIMES_RHYTHM
            and self.voiced_share > _MIN_VOICED_SHARE
            and _PITCH_SPREAD[0] < self.pitch_spread < _PITCH_SPREAD[1]
            and self.glide_octaves > _MIN_GLIDE_OCTAVES
        )


def measure_voice(excerpt: Samples, sample_rate: int) -> VoiceMeasures | None:
    """Return the measures of an excerpt of about 5 s; None without a second of voice.

    Args:
        sample_rate: Hz, 8000 or more.
    """
    reduced = _reduced(excerpt, sample_rate)
    pitch, voiced = _pitch(reduced)
    if voiced.sum() < _LEAST_VOICED:
        return None
    lower, median, upper = np.percentile(pitch[voiced], (25, 50, 75))
    glides = np.abs(np.diff(np.log2(pitch)))[voiced[1:] & voiced[:-1]]
    return VoiceMeasures(
        pitch_hz=float(median),
        pitch_spread=float((upper - lower) / median),
        glide_octaves=float(np.median(glides)) if len(glides) else 0.0,
        voiced_share=float(voiced.mean()),
        rhythm_hz=_rhythm(reduced),
    )


def _reduced(excerpt: Samples, sample_rate: int) -> NDArray[np.float64]:
    """The excerpt at 4 kHz: each value is the mean of the samples of 0.25 ms."""
    count = len(excerpt) * _RATE // sample_rate
    edges = np.arange(count + 1) * sample_rate // _RATE
    sums = np.add.reduceat(excerpt[: edges[-1]], edges[:-1], dtype=np.int64)
    return sums / np.diff(edges)


def _pitch(audio: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Pitch in Hz of each frame that is not quiet, and whether it is one."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, _FRAME)[::_HOP]
    frames = frames - frames.mean(axis=1, keepdims=True)
    level = np.sqrt((frames**2).mean(axis=1))
    frames = frames[level > max(_AUDIBLE, 0.3 * float(np.percentile(level, 95)))]
    window = np.hanning(_FRAME)
    own = _autocorrelation(window[np.newaxis])
    correlation = _autocorrelation(frames * window)
    # The small number keeps the quotient from growing at lags where the window's own vanishes.
    likeness = correlation / correlation[:, :1] / (own / own[:, :1] + 1e-3)
    likeness = likeness[:, _LAGS]

    inner = likeness[:, 1:-1]
    peaks = (inner > likeness[:, :-2]) & (inner >= likeness[:, 2:])
    peaks &= inner > _FIRST_PEAK * inner.max(axis=1, keepdims=True)
    row, at = np.arange(len(likeness)), peaks.argmax(axis=1) + 1
    before, top, after = likeness[row, at - 1], likeness[row, at], likeness[row, at + 1]
    bend = before - 2 * top + after
    shift = np.where(bend < 0, (before - after) / (2 * np.where(bend < 0, bend, -1.0)), 0.0)
    pitch = _RATE / (_LAGS.start + at + np.clip(shift, -0.5, 0.5))
    return pitch, peaks.any(axis=1) & (top > _VOICED)


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    power = np.abs(np.fft.rfft(frames, _FFT)) ** 2
    return np.fft.irfft(power)[:, :_FRAME]


def _rhythm(audio: NDArray[np.float64]) -> float:
    steps = audio[: len(audio) // _LEVEL_STEP * _LEVEL_STEP].reshape(-1, _LEVEL_STEP)
    level = np.log(np.sqrt((steps**2).mean(axis=1)) + _FLOOR)
    spectrum = np.abs(np.fft.rfft((level - level.mean()) * np.hanning(len(level)))) ** 2
    hz = np.fft.rfftfreq(len(level), _LEVEL_STEP / _RATE)
    band = (hz > 1) & (hz < 25)
    total = float(spectrum[band].sum())
    return float((spectrum[band] * hz[band]).sum()) / total if total > 0 else 0.0
