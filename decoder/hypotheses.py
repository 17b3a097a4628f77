"""Arithmetic on hypotheses: moving them to another clock, and joining neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from decoder.engine import Hypothesis, Word
from decoder.joining import join_words


def placed(hypothesis: Hypothesis, at_sample: int) -> Hypothesis:
    """`hypothesis` of audio that began at `at_sample`, on the clock that counts it."""
    if not at_sample:
        return hypothesis
    # Spelt out: `dataclasses.replace` takes five times as long, and partials have many words.
    words = tuple(
        Word(
            word.text,
            word.start_sample + at_sample,
            word.end_sample + at_sample,
            word.confidence,
            word.times_guessed,
        )
        for word in hypothesis.words
    )
    return Hypothesis(
        words,
        hypothesis.text,
        hypothesis.confidence,
        hypothesis.findings,
        hypothesis.second_pass,
    )


def joined(pieces: Sequence[Hypothesis]) -> Hypothesis:
    """Hypotheses of neighbouring audio, already placed on one clock, as one.

    Confidence is the mean over the pieces, weighted by their number of words. What is found besides
    words is what the first piece that says something says.
    """
    if len(pieces) == 1:
        return pieces[0]
    words = tuple(word for piece in pieces for word in piece.words)
    weight = sum(len(piece.words) for piece in pieces)
    confidence = sum(piece.confidence * len(piece.words) for piece in pieces) / max(weight, 1)
    return Hypothesis(
        words,
        join_words(word.text for word in words),
        confidence,
        next((piece.findings for piece in pieces if piece.findings is not None), None),
        any(piece.second_pass for piece in pieces),
    )
