"""What is done to the sound of every engine alike: silence at its ends, loudness, the pause."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rasr.audio.formats import Samples
from rasr.synthesis.speech import Piece, SaidWord, Sound

_SILENT = 64
"""Below this amplitude (-54 dB) nothing is said."""
_EDGE_S = 0.02
"""Kept before the first sound and behind the last: a word does not begin at its loudest."""


def finished(sound: Sound, piece: Piece) -> Sound:
    """The sound of a piece as loud as it is wanted, with the pause behind it and no other."""
    heard = heard_part(sound.samples, sound.rate)
    kept = sound.samples[heard].astype(np.float32) * piece.manner.gain
    pause = np.zeros(round(piece.pause_s * sound.rate), np.int16)
    samples = np.concatenate([np.rint(kept).astype(np.int16), pause])
    shift, end = heard.start / sound.rate, len(kept) / sound.rate
    words = tuple(_within(word.later(-shift), end) for word in sound.words)
    return Sound(samples, sound.rate, words)


def heard_part(samples: Samples, rate: int) -> slice:
    """The samples from the first sound to the last one, with a little silence around them."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SILENT)
    if not loud.size:
        return slice(0, 0)
    edge = round(_EDGE_S * rate)
    return slice(max(int(loud[0]) - edge, 0), int(loud[-1]) + 1 + edge)


def _within(word: SaidWord, end_s: float) -> SaidWord:
    start = min(max(word.start_s, 0.0), end_s)
    return replace(word, start_s=start, end_s=max(min(word.end_s, end_s), start))
