"""Text → tokens: the pieces between which a line may be broken, each with its time.

A token is a word with its marks, or a single Chinese character with the marks that belong to it: a
line never begins with a closing mark and never ends with an opening one. Times come from the words
of a text where they are known, else the time of the whole text is shared out by width.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rasr.captions.measure import LINE_WIDTH, is_wide, width
from rasr.captions.timed_text import TimedText, TimedWord

OPENING = frozenset("（【《「『〈［｛“‘([{")
CLOSING = frozenset("，。、；：！？）】》」』〉］｝”’…—·％%‰℃,.!?;:)]}")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text that is not broken, and when it was said."""

    text: str
    """Never empty, no white space in it, at most a line wide."""
    spaced: bool
    """True if a space stands before it where it does not begin a line."""
    start_ms: int
    end_ms: int
    is_stable: bool = False
    """True if all of it is among the stable characters of a text that is not final."""


def tokens_of(text: TimedText) -> tuple[Token, ...]:
    """The tokens of `text`, in order."""
    pieces = list(_pieces(text.text))
    letters = [len(piece) for piece, _ in pieces]
    times = _times(text, "".join(piece for piece, _ in pieces))
    stable = sum(len(piece) for piece, _ in _pieces(text.text[: text.stable]))
    tokens = []
    at = 0
    for (piece, spaced), length in zip(pieces, letters, strict=True):
        start_ms, end_ms = times[at][0], times[at + length - 1][1]
        at += length
        tokens.append(Token(piece, spaced, start_ms, end_ms, at <= stable))
    return tuple(tokens)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Text of each token, and whether a space stands before it."""
    for number, word in enumerate(text.split()):
        spaced = number > 0
        for piece in _parts(_printable(word)):
            yield piece, spaced
            spaced = False


def _printable(word: str) -> str:
    # Controls and half surrogate pairs have no place in a file of text.
    return "".join(one for one in word if unicodedata.category(one) not in ("Cc", "Cs"))


def _parts(word: str) -> Iterator[str]:
    """`word` cut before and behind each wide character, its marks left with it."""
    part = ""
    # What the marks at the end of `part` belong to.
    carries_marks = ""
    for one in word:
        belongs = (
            not part
            or one in CLOSING
            or part[-1] in OPENING
            or not (is_wide(one) or is_wide(carries_marks or part[-1]))
        )
        if not belongs:
            yield from _cut(part)
            part, carries_marks = "", ""
        part += one
        if one not in CLOSING:
            carries_marks = one
    if part:
        yield from _cut(part)


def _cut(part: str) -> Iterator[str]:
    """`part` in pieces that are no wider than a line: one piece, but for what nobody says."""
    piece, used = "", 0
    for one in part:
        more = width(one)
        if used + more > LINE_WIDTH:
            yield piece
            piece, used = "", 0
        piece += one
        used += more
    yield piece


def _times(text: TimedText, letters: str) -> list[tuple[int, int]]:
    """Start and end of each letter of `text`, white space left out, in ms."""
    if text.words:
        timed = [(letter, one) for one in text.words for letter in _letters(one)]
        if "".join(letter for letter, _ in timed) == letters:
            return [(word.start_ms, word.end_ms) for _, word in timed]
    start, length = text.start_ms, max(0, text.end_ms - text.start_ms)
    total = max(1, width(letters))
    times = []
    past = 0
    for letter in letters:
        begins = start + length * past // total
        past += width(letter)
        times.append((begins, start + length * past // total))
    return times


def _letters(word: TimedWord) -> str:
    return "".join(map(_printable, word.text.split()))


def joined(tokens: Sequence[Token]) -> str:
    """The text of `tokens` in one line."""
    return "".join(
        f" {one.text}" if one.spaced and number else one.text for number, one in enumerate(tokens)
    )
