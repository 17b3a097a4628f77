"""What of a recognition's results stands in a segment of SIS."""

from __future__ import annotations

import pytest

from decoder import Hypothesis, Word
from rasr.recognition.events import Final, to_ms
from rasr.wire.sis.messages import WordInfo
from rasr.wire.sis.results import event_ms, segment_of
from tests.wire.sis.conversation import Conversation


def test_words_tell_which_of_their_times_are_guessed() -> None:
    words = (Word("one", 0, 1600, 0.9), Word("two", 1600, 3200, 0.9, times_guessed=True))
    final = Final(0, 16_000, 32_000, Hypothesis(words, "one two", 0.9))
    assert segment_of(final, with_words=True).word_info == (
        WordInfo("one", 1000, 1100),
        WordInfo("two", 1100, 1200, times_guessed=True),
    )
    assert segment_of(final, with_words=False).word_info is None


def test_words_tell_how_sure_the_engine_is_where_that_is_asked_and_known() -> None:
    words = (Word("one", 0, 1600, 0.91236), Word("two", 1600, 3200, 0.0))
    final = Final(0, 0, 32_000, Hypothesis(words, "one two", 0.5))
    told = segment_of(final, with_words=True, with_confidence=True).word_info
    assert told is not None
    assert [word.body for word in told] == [
        {"word": "one", "start_time": 0, "end_time": 100, "confidence": 0.9124},
        {"word": "two", "start_time": 100, "end_time": 200},
    ]


@pytest.mark.parametrize(("asked", "wanted"), [("yes", True), ("no", False)])
def test_word_times_are_worth_their_cost_only_where_words_are_asked_for(
    asked: str, wanted: bool
) -> None:
    talk = Conversation().start(need_word_info=asked)
    assert talk.recognition is not None
    assert talk.recognition.config.word_times is wanted


@pytest.mark.parametrize(
    ("sample", "passed", "nearest"), [(0, 0, 0), (15, 0, 1), (16, 1, 1), (24, 1, 2), (31, 1, 2)]
)
def test_times_are_whole_milliseconds(sample: int, passed: int, nearest: int) -> None:
    found = (event_ms(sample), to_ms(sample))
    assert found == (passed, nearest)
    assert [type(one) for one in found] == [int, int]
