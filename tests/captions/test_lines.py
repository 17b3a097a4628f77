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


def first_line(*words: str, pause_behind: int | None = None) -> str:
    return lines(" ".join(words), {} if pause_behind is None else {pause_behind: 200})[0]


WORSE = {
    "a clause": (",", "xx"),
    "a phrase": ("x", "and"),
    "anywhere": ("x", "xx"),
}
"""What ends the line if it is full, and the word behind it, by how bad it is to break there."""


@pytest.mark.parametrize(
    ("end", "worse", "pays_up_to"),
    [
        # A degree is worth 17 empty characters of 42, two are worth 24: 6 * (empty / 42) ** 2.
        (".", "a clause", 17),
        (",", "a phrase", 24),
        ("pause", "a phrase", 17),
        # More than two degrees are worth any line that is no stub.
        (".", "a phrase", 25),
        (",", "anywhere", 25),
        (".", "anywhere", 25),
    ],
)
@pytest.mark.parametrize("empty", [16, 17, 18, 23, 24, 25, 26])
def test_a_better_place_is_worth_an_emptier_line(
    end: str, worse: str, pays_up_to: int, empty: int
) -> None:
    behind, after = WORSE[worse]
    early = "x" * (41 - empty) + (end if len(end) == 1 else "x")
    late = "x" * (empty - 2) + behind
    first = first_line(early, late, after, pause_behind=1 if end == "pause" else None)
    assert first == (early if empty <= pays_up_to else f"{early} {late}")


@pytest.mark.parametrize(("empty", "breaks"), [(24, True), (25, False)])
def test_a_phrase_is_worth_two_degrees_more_than_any_place(empty: int, breaks: bool) -> None:
    early, late = "x" * (42 - empty), "x" * (empty - 5)
    first = first_line(early, "and", late, "xxx")
    assert first == (early if breaks else f"{early} and {late}")


def test_a_phrase_is_never_broken_where_any_other_place_is_no_stub() -> None:
    early = "x" * 17
    # Twenty-five more characters, every one of which leads into what follows.
    assert first_line(early, *["very"] * 5, "xxx") == early


def characters(text: str) -> list[Token]:
    """A token for each piece between "|", with no spaces: Chinese."""
    return [Token(one, False, at * 100, at * 100 + 100) for at, one in enumerate(text.split("|"))]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        # Where nothing tells a better place, a line is full.
        ("|".join("一" * 25), 20),
        # Before what links, and marks around it change nothing.
        ("|".join(["一"] * 14 + ["但"] + ["一"] * 10), 14),
        ("|".join(["一"] * 14 + ["但”"] + ["一"] * 10), 14),
        # Never before what follows, or behind what leads.
        ("|".join(["一"] * 20 + ["的"] + ["一"] * 10), 19),
        ("|".join(["一"] * 20 + ["的”"] + ["一"] * 10), 19),
        ("|".join(["一"] * 19 + ["和"] + ["一"] * 10), 19),
        ("|".join(["一"] * 18 + ["“和"] + ["一"] * 10), 18),
        # Quotation marks do not hide the end of a sentence.
        ("|".join(["一"] * 12 + ["了。”"] + ["一"] * 10), 13),
    ],
)
def test_a_chinese_line_ends_at_the_best_place(text: str, first: int) -> None:
    assert len(lines_of(characters(text))[0]) == first
