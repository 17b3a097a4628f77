"""Pauses and the end of an utterance become marks."""

from __future__ import annotations

import pytest

from decoder import Word
from rasr.text import PausePunctuator, StopPunctuator
from tests.text.builders import words

MS = 16
"""Samples."""


def said(*texts: str, pause_ms: int = 0, final: bool = True) -> list[str]:
    """The words as they are shown, with one pause after the first."""
    first, *rest = words(*texts)
    later = [
        Word(w.text, w.start_sample + pause_ms * MS, w.end_sample + pause_ms * MS, w.confidence)
        for w in rest
    ]
    return [word.text for word in PausePunctuator()((first, *later), final)]


def test_a_final_begins_with_a_capital_and_ends_with_a_full_stop() -> None:
    assert said("turn", "it", "down") == ["Turn", "it", "down."]


def test_a_partial_has_no_full_stop_yet() -> None:
    assert said("turn", "it", "down", final=False) == ["Turn", "it", "down"]


def test_i_and_names_of_days_and_months_are_capital() -> None:
    shown = said("and", "i'll", "say", "i", "will", "open", "on", "monday", "in", "may")
    assert " ".join(shown) == "And I'll say I will open on Monday in may."


@pytest.mark.parametrize(
    ("pause_ms", "first", "second"),
    [
        (299, "Yes", "no."),
        (300, "Yes,", "no."),
        (799, "Yes,", "no."),
        (800, "Yes.", "No."),
        (2500, "Yes.", "No."),
    ],
)
def test_a_pause_becomes_a_comma_and_a_longer_one_a_full_stop(
    pause_ms: int, first: str, second: str
) -> None:
    assert said("yes", "no", pause_ms=pause_ms) == [first, second]


def test_a_word_that_ends_with_a_mark_gets_no_second_one() -> None:
    assert said("9:00", "a.m.") == ["9:00", "a.m."]


def test_chinese_gets_a_full_stop_at_the_end_of_a_final_only() -> None:
    spoken = words("你", "好", gap_samples=16_000)
    stop = StopPunctuator()
    assert [w.text for w in stop(spoken, final=True)] == ["你", "好。"]
    assert stop(spoken, final=False) == spoken
    assert stop((), final=True) == ()


def test_times_and_confidence_are_untouched() -> None:
    spoken = words("yes", "no", gap_samples=16_000)
    shown = PausePunctuator()(spoken, final=True)
    assert [(w.start_sample, w.end_sample, w.confidence) for w in shown] == [
        (w.start_sample, w.end_sample, w.confidence) for w in spoken
    ]
