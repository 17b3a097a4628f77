"""Tokens, lines, cues and files of captions: the work grows with the text."""

from __future__ import annotations

import pytest

from rasr.captions import TimedText, TimedWord, cues_of, subtitles
from rasr.captions.files import srt, vtt
from rasr.captions.measure import width
from tests.growth import assert_linear

PIECES = {
    "a word": "a",
    "words": "a ",
    "long words": "information ",
    "closing marks": ")",
    "opening marks": "(",
    "letters and marks": "a)",
    "chinese": "好",
    "chinese and marks": "好，",
    "mixed": "a好",
    "sentences": "Yes he can. ",
    "controls": "\0",
    "leaders": "the ",
}


@pytest.mark.parametrize("piece", PIECES)
def test_the_work_grows_with_a_text(piece: str) -> None:
    def text(count: int) -> TimedText:
        return TimedText(PIECES[piece] * (count // len(PIECES[piece])), 0, 10 * count)

    assert_linear(text, cues_of, 2000)


@pytest.mark.parametrize("grows", [False, True])
def test_and_with_its_words(grows: bool) -> None:
    def text(count: int) -> TimedText:
        words = tuple(TimedWord("word", 100 * at, 100 * at + 90) for at in range(count))
        whole = " ".join(word.text for word in words)
        stable = len(whole) // 2 if grows else 0
        return TimedText(whole, 0, 100 * count, words=words, is_final=not grows, stable=stable)

    assert_linear(text, cues_of, 400)


@pytest.mark.parametrize("write", [vtt, srt])
def test_and_a_file_with_its_cues(write: object) -> None:
    def texts(count: int) -> list[TimedText]:
        # They come too close to be read one by one, so that each moves all that are behind it.
        return [TimedText("good morning & <all>", at, at + 1) for at in range(count)]

    assert callable(write)
    assert_linear(texts, lambda given: write(subtitles(given)), 100)


@pytest.mark.parametrize("piece", ["a ", "a", "好", "the library "])
def test_each_letter_is_measured_a_few_times_and_not_for_each_word_of_its_line(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = 0

    def counted(text: str) -> int:
        nonlocal measured
        measured += len(text)
        return width(text)

    monkeypatch.setattr("rasr.captions.lines.width", counted)
    text = piece * (3000 // len(piece))
    cues_of(TimedText(text, 0, 60_000))
    assert measured <= 4 * len(text)
