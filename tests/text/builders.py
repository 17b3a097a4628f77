"""Hypotheses as tests want them."""

from __future__ import annotations

from decoder import Hypothesis, Word
from decoder.joining import join_words

WORD_SAMPLES = 1600
"""0.1 s at 16 kHz."""


def words(*texts: str, gap_samples: int = 0) -> tuple[Word, ...]:
    """Words of 0.1 s each, one after the other."""
    step = WORD_SAMPLES + gap_samples
    return tuple(
        Word(text, index * step, index * step + WORD_SAMPLES, 0.9)
        for index, text in enumerate(texts)
    )


def heard(*texts: str, gap_samples: int = 0) -> Hypothesis:
    """What an engine says for these words."""
    return Hypothesis(words(*texts, gap_samples=gap_samples), join_words(texts), 0.8)


def english(text: str) -> Hypothesis:
    return heard(*text.split())


def chinese(text: str) -> Hypothesis:
    return heard(*text)
