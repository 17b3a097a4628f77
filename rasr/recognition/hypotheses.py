"""Arithmetic on hypotheses: moving, joining, and how much of a partial is stable."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from decoder import Hypothesis, Word
from decoder.joining import join_words


def placed(hypothesis: Hypothesis, at_sample: int) -> Hypothesis:
    """`hypothesis` of a segment that began at `at_sample`, on the clock that counts it."""
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
    """Hypotheses of neighbouring segments, already placed on one clock, as one.

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


_SURE = 0.8
"""Confidence of a word that is called stable, where the engine has one. Of the words that two
readings of Moonshine tiny agree on 5 % change later, of those with so much confidence in both of
them less than 1 %."""


class StablePrefix:
    """How many words at the start of a growing text are unlikely to change.

    Those that two partials in a row agree on and are sure of, without the last word of the newer
    one: engines change that most (LocalAgreement-2 of Liu et al., «Low-latency sequence-to-sequence
    speech recognition and translation by partial hypothesis selection», 2020). The number never
    shrinks.

    A partial that begins otherwise than what was called stable is not to be shown: a single reading
    is more often wrong than two that agreed. If the next one begins as it does, it is believed.
    """

    def __init__(self) -> None:
        self._settled: list[str] = []
        """What was called stable; case and marks of it may change."""
        self._other: list[str] = []
        """As the last partial began, where that was otherwise."""
        self._sure: list[str] = []
        """Of the last partial: the words before the first one that the engine is not sure of."""
        self.words = 0
        """Stable so far."""

    def push(self, hypothesis: Hypothesis) -> int | None:
        """Take the next partial.

        Returns:
            The number of its words that are stable; None: it is not to be shown.
        """
        begins = [_bare(word.text) for word in hypothesis.words[: self.words]]
        is_believed = begins in (self._settled, self._other)
        self._other = begins
        if not is_believed:
            return None
        sure = [
            word.text
            for word in takewhile(
                # 0.0: not known.
                lambda word: word.confidence == 0.0 or word.confidence >= _SURE,
                hypothesis.words,
            )
        ]
        equal = 0
        for old, new in zip(self._sure, sure, strict=False):
            if old != new:
                break
            equal += 1
        self._sure = sure
        self.words = max(self.words, min(equal, len(hypothesis.words) - 1))
        self._settled = [_bare(word.text) for word in hypothesis.words[: self.words]]
        return self.words


def _bare(text: str) -> str:
    """A word without case and marks."""
    return "".join(filter(str.isalnum, text)).casefold()
