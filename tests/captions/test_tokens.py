"""Text as the pieces between which a line may be broken."""

from __future__ import annotations

import pytest

from rasr.captions.timed_text import TimedText, TimedWord
from rasr.captions.tokens import joined, tokens_of


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("good morning", [("good", False), ("morning", True)]),
        ("\u4f60\u597d\u3002", [("\u4f60", False), ("\u597d\u3002", False)]),
        ("say \u201c\u597d\u201d", [("say", False), ("\u201c\u597d\u201d", True)]),
        ("\u597d,B", [("\u597d,", False), ("B", False)]),
        ("OK\uff0cB", [("OK\uff0cB", False)]),
        ("A\u597dB", [("A", False), ("\u597d", False), ("B", False)]),
        ("x" * 43, [("x" * 42, False), ("x", False)]),
        ("a\x07b", [("ab", False)]),
        # Marks that belong to nothing: the last of them counts.
        (".\uff0ca", [(".\uff0c", False), ("a", False)]),
        ("\uff0c.a", [("\uff0c.a", False)]),
        ("", []),
    ],
)
def test_a_piece_is_a_word_or_a_wide_character_with_its_marks(
    text: str, pieces: list[tuple[str, bool]]
) -> None:
    tokens = tokens_of(TimedText(text, 0, 1000))
    assert [(token.text, token.spaced) for token in tokens] == pieces


def test_times_are_those_of_the_words() -> None:
    words = (TimedWord("good", 100, 300), TimedWord("morning", 500, 900))
    first, second = tokens_of(TimedText("good morning", 100, 900, words=words))
    assert (first.start_ms, first.end_ms) == (100, 300)
    assert (second.start_ms, second.end_ms) == (500, 900)


@pytest.mark.parametrize("words", [(), (TimedWord("other", 0, 5),)])
def test_without_times_of_these_words_the_time_is_shared_by_width(
    words: tuple[TimedWord, ...],
) -> None:
    tokens = tokens_of(TimedText("aa bbbbbb", 1000, 1800, words=words))
    assert [(one.start_ms, one.end_ms) for one in tokens] == [(1000, 1200), (1200, 1800)]


@pytest.mark.parametrize(
    ("stable", "settled"),
    [(0, []), (3, []), (4, ["good"]), (11, ["good"]), (12, ["good", "morning"])],
)
def test_a_token_is_stable_if_all_of_it_is(stable: int, settled: list[str]) -> None:
    tokens = tokens_of(TimedText("good morning", 0, 900, is_final=False, stable=stable))
    assert [one.text for one in tokens if one.is_stable] == settled


def test_joined_they_are_the_text() -> None:
    assert (
        joined(tokens_of(TimedText("so  it is, \u4f60\u597d", 0, 900))) == "so it is, \u4f60\u597d"
    )
