"""How much of a growing text is stable."""

from __future__ import annotations

from itertools import takewhile

from decoder import Hypothesis

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
