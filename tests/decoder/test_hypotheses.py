"""Arithmetic on hypotheses keeps what is known of each word."""

from __future__ import annotations

from decoder import Hypothesis, Word
from decoder.hypotheses import joined, placed

HEARD = Word("one", 0, 100, 0.9)
GUESSED = Word("two", 100, 200, 0.8, times_guessed=True)


def test_a_word_that_is_moved_is_the_same_but_for_its_times() -> None:
    moved = placed(Hypothesis((HEARD, GUESSED), "one two", 0.85), 1000)
    assert moved == Hypothesis(
        (
            Word("one", 1000, 1100, 0.9),
            Word("two", 1100, 1200, 0.8, times_guessed=True),
        ),
        "one two",
        0.85,
    )


def test_words_that_are_joined_keep_what_is_known_of_each() -> None:
    whole = joined([Hypothesis((HEARD,), "one", 0.9), Hypothesis((GUESSED,), "two", 0.8)])
    assert whole.words == (HEARD, GUESSED)
