"""Events of a recognition as text with times."""

from __future__ import annotations

from decoder import Hypothesis, Word
from rasr.captions import TimedText, TimedWord, timed_text
from rasr.recognition.events import Final, Partial

WORDS = (Word("good", 3200, 4800, 0.9), Word("day", 4808, 8000, 0.8))
"""0.2 s behind the beginning of the segment, which is the pre-roll."""


def test_a_final_lasts_from_its_first_word_to_its_last_on_the_clock_of_the_recognition() -> None:
    final = Final(3, 16_000, 40_000, Hypothesis(WORDS, "Good day.", 0.85))
    assert timed_text(final) == TimedText(
        "Good day.",
        1200,
        1500,
        is_final=True,
        words=(TimedWord("good", 1200, 1300), TimedWord("day", 1301, 1500)),
    )


def test_a_partial_may_still_change() -> None:
    hypothesis = Hypothesis(WORDS[:1], "good", 0.0)
    partial = Partial(3, 16_000, 24_000, hypothesis, stable_words=1)
    assert timed_text(partial) == TimedText(
        "good", 1200, 1300, is_final=False, words=(TimedWord("good", 1200, 1300),), stable=4
    )


def test_what_is_stable_is_counted_in_characters_of_the_text() -> None:
    assert timed_text(Partial(3, 16_000, 24_000, Hypothesis(WORDS, "good day"), 1)).stable == 4
    assert timed_text(Partial(3, 16_000, 24_000, Hypothesis(WORDS, "good day"), 2)).stable == 8


def test_a_text_that_does_not_begin_with_its_words_has_nothing_stable() -> None:
    assert timed_text(Partial(3, 16_000, 24_000, Hypothesis(WORDS, "bad day"), 1)).stable == 0


def test_without_words_a_text_lasts_as_long_as_its_audio() -> None:
    final = Final(0, 16_000, 40_000, Hypothesis((), "good day", 0.5))
    assert timed_text(final) == TimedText("good day", 1000, 2500, is_final=True)


def test_unless_told_otherwise_a_text_is_final_and_only_its_own_times_are_known() -> None:
    text = TimedText("good day", 0, 1000)
    assert (text.is_final, text.words, text.stable) == (True, (), 0)
