"""Where a line is broken: how bad each place is, and which of those that there are is taken."""

from __future__ import annotations

import pytest

from rasr.captions.lines import NEW_CUE_PAUSE_MS, lines_of
from rasr.captions.tokens import Token, joined


def tokens(text: str, pauses: dict[int, int] | None = None) -> list[Token]:
    """A token for each word; before some of them, by number, nobody speaks for so many ms."""
    made, at = [], 0
    for number, word in enumerate(text.split()):
        at += (pauses or {}).get(number, 0)
        made.append(Token(word, True, at, at + 100))
        at += 100
    return made


def lines(text: str, pauses: dict[int, int] | None = None) -> list[str]:
    return [joined(line) for line in lines_of(tokens(text, pauses))]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        # Forty-two characters fit, forty-three do not.
        (
            "aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbb",
            "aaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbb",
        ),
        ("aaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbb", "aaaaaaaaaaaaaaaaaaaaa"),
        # The end of a sentence is better than that of a clause, that better than a phrase.
        ("xxxx xxxx xxxx xxxx. xxxx xxxx, xxxx xxxx xxxx", "xxxx xxxx xxxx xxxx. xxxx xxxx,"),
        ("xxxx xxxx xxxx xxxx xxxx. xxxx, xxxx xxxx xxxx", "xxxx xxxx xxxx xxxx xxxx."),
        ("xxxx xxxx xxxx xxxx xxxx, xxxx and xxxx xxxx xx", "xxxx xxxx xxxx xxxx xxxx,"),
        ("xxxx xxxx xxxx xxxx xxxx xxxx and xxxx xxxx xx", "xxxx xxxx xxxx xxxx xxxx xxxx"),
        # Never behind what leads into a phrase.
        ("xxxx xxxx xxxx xxxx xxxx xxxx xxxx the xxxxxxx", "xxxx xxxx xxxx xxxx xxxx xxxx xxxx"),
        # A stub is worse than a broken phrase.
        (
            "xxxx. xxxx xxxx xxxx xxxx xxxx xxxx xxxx xxxxx",
            "xxxx. xxxx xxxx xxxx xxxx xxxx xxxx xxxx",
        ),
    ],
)
def test_a_line_ends_at_the_best_place(text: str, first: str) -> None:
    assert lines(text)[0] == first


@pytest.mark.parametrize(("pause_ms", "breaks"), [(199, False), (200, True)])
def test_a_pause_is_a_better_place_than_any_word(pause_ms: int, breaks: bool) -> None:
    words = "xxxx xxxx xxxx xxxx xxxx xxxx xxxx xxxx xxxxxx"
    first = lines(words, {6: pause_ms})[0]
    assert (first == "xxxx xxxx xxxx xxxx xxxx xxxx") is breaks


@pytest.mark.parametrize(("more_ms", "count"), [(-1, 1), (0, 2)])
def test_a_long_pause_ends_a_line(more_ms: int, count: int) -> None:
    assert len(lines("good morning", {1: NEW_CUE_PAUSE_MS + more_ms})) == count


def test_nothing_is_lost_and_an_empty_text_has_no_lines() -> None:
    text = "one two, three and four of the five. Six " * 9
    assert " ".join(lines(text)).split() == text.split()
    assert lines("") == []
