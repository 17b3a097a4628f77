"""Where a sentence ends, and which marks stand around a word."""

from __future__ import annotations

import pytest

from rasr.text.marks import ends_sentence, split_marks, without_inner_marks


@pytest.mark.parametrize(
    ("text", "following", "ends"),
    [
        *(("day.", None, True), ("day!", None, True), ("day?", None, True), ("day", None, False)),
        *(("好。", None, True), ("好！", None, True), ("好？", None, True), ("好，", None, False)),
        *(("day,", None, False), ("day;", None, False), ("", None, False), (".", None, True)),
        # Marks behind the stop change nothing.
        *(('day."', None, True), ("day.”", None, True), ("day.)", None, True), ('"', None, False)),
        # A small letter goes on with the sentence, whatever stands before it and behind it.
        *(("day.", "Then", True), ("day.", "then", False), ("day!", '"then', False)),
        *(("day.", "iPhone", False), ("day.", "i", False), ("day.", "I", True)),
        *(("day.", "5", True), ("day.", "好", True), ("day.", '"Then', True), ("day.", "", True)),
        # Several points are no abbreviation.
        *(("so...", None, True), ("Mr..", None, True), ("so…", None, True)),
        # Titles, abbreviations and initials.
        *(("Mr.", "Smith", False), ("Mrs.", None, False), ('"Dr.', "No", False)),
        *(("J.", "Smith", False), ("U.S.", "Then", False), ("(U.S.", "Then", False)),
        *(("I.", "Then", True), ("A.", "Then", False), ("4.", "Then", True), ("é.", "Then", True)),
        # A number stands behind "No."; without one it is an answer.
        *(("No.", "5", False), ("No.", "Then", True), ("No.", None, True)),
    ],
)
def test_a_sentence_ends_with_its_stop(text: str, following: str | None, ends: bool) -> None:
    assert ends_sentence(text, following) is ends


@pytest.mark.parametrize(
    ("text", "opening", "core", "closing"),
    [
        ("day", "", "day", ""),
        ('"Day,"', '"', "Day", ',"'),
        ("(U.S.)", "(", "U.S.", ")"),
        ('"Mr."', '"', "Mr.", '"'),
        ("U.S.,", "", "U.S.", ","),
        ("-5", "", "-5", ""),
        (".5,", "", ".5", ","),
        ("'90s", "", "'90s", ""),
        ("(-5)", "(", "-5", ")"),
        ("-day", "-", "day", ""),
        ("—", "", "", "—"),
        ("", "", "", ""),
    ],
)
def test_marks_are_split_from_a_word(text: str, opening: str, core: str, closing: str) -> None:
    assert split_marks(text) == (opening, core, closing)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("well—no", ["well", "no"]),
        ("so...what", ["so", "what"]),
        ("rock-hearted", ["rock-hearted"]),
        ("3.5", ["3.5"]),
        ("", []),
    ],
)
def test_dashes_and_dots_between_words_hold_none_together(text: str, words: list[str]) -> None:
    assert without_inner_marks(text) == words
