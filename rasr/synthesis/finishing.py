"""What is done to the sound of every engine alike: silence at its ends, loudness, the pause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rasr.synthesis.speech import Piece, SaidWord, Sound

_SILENT = 64
"""Below this amplitude (-54 dB) nothing is said."""
_EDGE_S = 0.02
"""Kept before the first sound and behind the last: a word does not begin at its loudest."""


def finished(sound: Sound, piece: Piece) -> Sound:
    """The sound of a piece as loud as it is wanted, with the pause behind it and no other."""
    loud = np.flatnonzero(np.abs(sound.samples.astype(np.int32)) > _SILENT)
    edge = round(_EDGE_S * sound.rate)
    first = max(int(loud[0]) - edge, 0) if loud.size else 0
    last = int(loud[-1]) + 1 + edge if loud.size else 0
    kept = sound.samples[first:last].astype(np.float32) * piece.manner.gain
    pause = np.zeros(round(piece.pause_s * sound.rate), np.int16)
    samples = np.concatenate([np.rint(kept).astype(np.int16), pause])
    shift, end = first / sound.rate, len(kept) / sound.rate
    words = tuple(_within(word.later(-shift), end) for word in sound.words)
    return Sound(samples, sound.rate, words)


def _within(word: SaidWord, end_s: float) -> SaidWord:
    start = min(max(word.start_s, 0.0), end_s)
    return replace(word, start_s=start, end_s=max(min(word.end_s, end_s), start))
