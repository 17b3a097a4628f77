"""A review marks words and phone numbers, each with its times."""

from __future__ import annotations

import pytest

from rasr.recordings.analysis import AnalysedSegment, WordList, analyse, word_lists_of
from rasr.recordings.analysis.review import marks_of
from rasr.settings import WordListSettings
from rasr.wire.sis.analysis import AnalysisOptions, Mark
from tests.recordings.analysis.test_calls import segment

WORDS = WordList("sensitive", ("refund", "money back", "投诉", "C++", "cat"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I want a Refund, now.", ["Refund"]),
        ("my money  back please", ["money  back"]),
        ("a category of cats", []),
        ("the cat", ["cat"]),
        ("C++ is hard", ["C++"]),
        ("我要投诉你们", ["投诉"]),
        ("refund refund", ["refund", "refund"]),
        ("", []),
    ],
)
def test_words_are_found_whole(text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in WORDS.found(text)] == found


@pytest.mark.parametrize(
    "number",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "+86 13812345678",
        "010-12345678",
        "0755 1234567",
        "400-810-1234",
        "800 8101 234",
        "+1 415 555 2671",
        "+442079460958",
        "415-555-2671",
        "(415) 555-2671",
    ],
)
def test_phone_numbers_are_found(number: str) -> None:
    numbers = WordList("phone", phone_numbers=True)
    for text in (number, f"call {number}.", f"请打{number}找我"):
        assert [text[start:end] for start, end in numbers.found(text)] == [number]


@pytest.mark.parametrize(
    "text",
    ["138", "1381234567", "138123456789", "2026-01-02", "$1,000,000", "12 34 56", "10:30", "+5"],
)
def test_other_numbers_are_none(text: str) -> None:
    assert list(WordList("phone", phone_numbers=True).found(text)) == []


def test_a_mark_has_the_times_of_its_words() -> None:
    said = segment("I want my money back", 1000, 6000)
    assert marks_of(said, [WORDS]) == (Mark("sensitive", "money back", 4000, 6000),)
    without = segment("I want my money back", 1000, 6000, words=False)
    assert marks_of(without, [WORDS]) == (Mark("sensitive", "money back", 1000, 6000),)


def test_marks_stand_beside_the_analysis_under_the_names_of_their_lists() -> None:
    said = [segment("give me my money back", 0, 5000), segment("call 13812345678", 6000, 8000)]
    lists = [WORDS, WordList("phone", phone_numbers=True)]
    found: list[AnalysedSegment] = analyse([said], AnalysisOptions(), word_lists=lists)
    by_list = {mark.name: (mark.text, mark.start_time) for one in found for mark in one.marks}
    assert by_list == {"sensitive": ("money back", 3000), "phone": ("13812345678", 7000)}


def test_lists_are_of_their_projects() -> None:
    settings = {
        "all": WordListSettings(words=("a",)),
        "theirs": WordListSettings(words=("b",), projects=("p1",)),
    }
    assert [one.name for one in word_lists_of(settings, "p1")] == ["all", "theirs"]
    assert [one.name for one in word_lists_of(settings, "p2")] == ["all"]
