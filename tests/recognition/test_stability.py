"""Which words of a growing text are called stable."""

from __future__ import annotations

import pytest

from decoder import Hypothesis, Word
from rasr.recognition.stability import StablePrefix


def partial(text: str, *confidences: float) -> Hypothesis:
    given = (*confidences, *[0.9] * len(text.split()))
    words = tuple(
        Word(word, 1600 * number, 1600 * (number + 1), given[number])
        for number, word in enumerate(text.split())
    )
    return Hypothesis(words, text, 0.9)


@pytest.mark.parametrize(
    ("confidence", "stable"),
    [
        (0.8, 3),
        (0.79, 1),
        # Not known: agreement has to do.
        (0.0, 3),
    ],
)
def test_words_count_until_one_that_the_engine_is_not_sure_of(
    confidence: float, stable: int
) -> None:
    prefix = StablePrefix()
    assert prefix.push(partial("a b c d", 0.9, confidence)) == 0
    assert prefix.push(partial("a b c d", 0.9, confidence)) == stable


def test_both_readings_have_to_be_sure() -> None:
    prefix = StablePrefix()
    prefix.push(partial("a b c", 0.9, 0.5))
    assert prefix.push(partial("a b c", 0.9, 0.9)) == 1
    assert prefix.push(partial("a b c d", 0.9, 0.9)) == 3


def test_the_last_word_never_counts() -> None:
    prefix = StablePrefix()
    prefix.push(partial("a b"))
    assert prefix.push(partial("a b")) == 1


def test_where_two_readings_differ_nothing_behind_counts() -> None:
    prefix = StablePrefix()
    prefix.push(partial("a x c d"))
    assert prefix.push(partial("a b c d")) == 1
