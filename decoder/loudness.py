"""What loudness tells of an utterance: where nobody speaks, and where a cut harms no word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.engine import SAMPLE_RATE, Samples, Word

_FRAME_SAMPLES: Final = SAMPLE_RATE // 100
_VOICED_DB: Final = 30.0
"""So far below its loudest frames an utterance is taken for silent: vowels span some 20 dB, and
rooms are 40 dB and more below a voice near the microphone."""
_QUIET_FRAMES: Final = 15
"""150 ms: the closure of a plosive lasts 50 to 100 ms."""
_RECENT_SAMPLES: Final = 3 * SAMPLE_RATE
_SMOOTHING_FRAMES: Final = 9
"""Loudness is averaged over 90 ms: the closure of a plosive lasts 50 to 100 ms, and a shorter
average would cut words there."""


def quiet_place(samples: Samples, first: int, last: int) -> int:
    """The quietest place of an utterance between two of its samples: the later one of two.

    Args:
        samples: shape (n,), int16, at 16 kHz.
        first: the earliest place that is allowed.
        last: the latest, at most n.
    """
    assert 0 <= first < last <= len(samples), "no room for a cut"
    begin = max(0, first // _FRAME_SAMPLES)
    levels = _levels(samples[: last - last % _FRAME_SAMPLES])
    if len(levels) <= begin:
        return last
    kernel = np.ones(_SMOOTHING_FRAMES) / _SMOOTHING_FRAMES
    padded = np.pad(levels, _SMOOTHING_FRAMES // 2, mode="edge")
    smooth = np.convolve(padded, kernel, "valid")[begin:]
    index = len(smooth) - 1 - int(np.argmin(smooth[::-1]))
    return (begin + index) * _FRAME_SAMPLES + _FRAME_SAMPLES // 2


def ends_quietly(samples: Samples) -> bool:
    """True if nobody speaks at the end of an utterance, for as long as a pause between words.

    Where a room is loud it is never true.

    Args:
        samples: shape (n,), int16, at 16 kHz.
    """
    voiced = _voiced(_levels(samples[-_RECENT_SAMPLES:]))
    return len(voiced) > _QUIET_FRAMES and not voiced[-_QUIET_FRAMES:].any()


def spread_words(texts: Sequence[str], confidences: Sequence[float], audio: Samples) -> list[Word]:
    """Words over the time of an utterance where nobody knows their own times.

    Each has the share of the voiced parts that its letters are of all letters. It is a guess: half
    of the words are off by more than a tenth of a second.

    Args:
        texts: one for each word, none empty.
        confidences: one for each word, 0 to 1.
        audio: of the whole utterance, shape (n,), int16, at 16 kHz.
    """
    lengths = np.array([sum(map(str.isalnum, text)) + 1 for text in texts])
    bounds = np.concatenate([[0], np.cumsum(lengths)]) / max(1, lengths.sum())
    places = _voiced_places(audio, bounds)
    return [
        Word(text, int(places[index]), int(places[index + 1]), confidence, times_guessed=True)
        for index, (text, confidence) in enumerate(zip(texts, confidences, strict=True))
    ]


def without_silence(words: Sequence[Word], audio: Samples) -> list[Word]:
    """Words whose times begin and end with voiced frames, for engines that let a word begin where
    the one before it ends. A word without a voiced frame stays as it is.

    Args:
        words: with times within the audio.
        audio: of the whole utterance, shape (n,), int16, at 16 kHz.
    """
    voiced = _voiced(_levels(audio))
    trimmed = []
    for word in words:
        first, end = word.start_sample // _FRAME_SAMPLES, -(-word.end_sample // _FRAME_SAMPLES)
        frames = np.flatnonzero(voiced[first:end])
        if len(frames):
            word = replace(
                word,
                start_sample=max(word.start_sample, (first + int(frames[0])) * _FRAME_SAMPLES),
                end_sample=min(word.end_sample, (first + int(frames[-1]) + 1) * _FRAME_SAMPLES),
            )
        trimmed.append(word)
    return trimmed


def _voiced_places(audio: Samples, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Where in the audio so much of its voiced time has passed; shares are 0 to 1."""
    levels = _levels(audio)
    if not len(levels):
        return np.round(shares * len(audio)).astype(np.int64)
    passed = np.concatenate([[0], np.cumsum(_voiced(levels))]).astype(np.float64)
    # Silence is passed in no time: a share ends before it and begins behind it.
    at = np.interp(shares * passed[-1], *_strictly_rising(passed)) * _FRAME_SAMPLES
    places: NDArray[np.int64] = np.minimum(np.round(at), len(audio)).astype(np.int64)
    return places


def _strictly_rising(passed: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """`passed` without its flat stretches, and the frames where it stood, for `np.interp`."""
    kept = np.flatnonzero(np.diff(passed, append=passed[-1] + 1.0) > 0)
    return passed[kept], kept


def _voiced(levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which frames are voiced, by their levels."""
    if not len(levels):
        return np.zeros(0, np.bool_)
    return np.asarray(levels >= np.quantile(levels, 0.95) - _VOICED_DB)


def _levels(samples: Samples) -> NDArray[np.float64]:
    """Loudness of each whole frame, dB below full scale."""
    count = len(samples) // _FRAME_SAMPLES
    frames = samples[: count * _FRAME_SAMPLES].reshape(count, _FRAME_SAMPLES).astype(np.float64)
    power = np.mean(np.square(frames), axis=1) / (1 << 30)
    return np.asarray(10.0 * np.log10(power + 1e-10))
