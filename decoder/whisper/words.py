"""Timed pieces of a reading → words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from decoder.engine import SAMPLE_RATE, Word
from decoder.joining import is_unspaced

_EARLY_S: Final = 0.05
"""By so much the decoder's attention is ahead of the voice: the median over the words of the
bundled recordings, whose times are known."""
_CLOSING = frozenset(".,!?;:…%)]}。，！？；：、）】》」』”’")
_OPENING = frozenset("([{¿¡（【《「『“‘")


@dataclass(frozen=True, slots=True)
class Piece:
    """One or a few tokens and when they are said."""

    text: str
    """A space at its start begins a word."""
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class _Character:
    text: str
    start_s: float
    end_s: float
    probability: float


def make_words(
    pieces: Sequence[Piece], samples: int, simplify: Callable[[str], str] | None = None
) -> tuple[Word, ...]:
    """The words of a reading: what spaces part, and each character of scripts without spaces.

    A mark belongs to the word before it, an opening one to the word behind it; it adds no time.

    Args:
        pieces: in order.
        samples: length of the audio at 16 kHz, which no word exceeds; more than there are words.
        simplify: traditional to simplified Chinese.
    """
    characters = list(_characters(pieces))
    if simplify is not None:
        characters = _simplified(characters, simplify)
    words: list[Word] = []
    opening = ""
    groups = list(_groups(characters))
    for index, group in enumerate(groups):
        text = "".join(character.text for character in group)
        said = [one for one in group if one.text not in _CLOSING and one.text not in _OPENING]
        if said:
            begun = words[-1].end_sample if words else 0
            # Each of those that follow has room for a sample.
            last = samples - len(groups) + index
            start = min(max(begun, _sample(said[0].start_s)), last)
            end = min(max(start, _sample(said[-1].end_s) - 1), last) + 1
            confidence = sum(one.probability for one in said) / len(said)
            words.append(Word(opening + text, start, end, min(1.0, confidence)))
            opening = ""
        elif group[0].text in _OPENING:
            opening += text
        elif words:
            words[-1] = replace(words[-1], text=words[-1].text + text)
    return tuple(words)


def _sample(seconds: float) -> int:
    return round((seconds + _EARLY_S) * SAMPLE_RATE)


def _characters(pieces: Sequence[Piece]) -> Iterator[_Character]:
    """Each with its share of its piece's time; spaces take none."""
    for piece in pieces:
        # Half a character, where a reading ends within one.
        text = piece.text.replace("\N{REPLACEMENT CHARACTER}", "")
        count = max(1, sum(not character.isspace() for character in text))
        share = (piece.end_s - piece.start_s) / count
        at = piece.start_s
        for character in text:
            end = at if character.isspace() else at + share
            yield _Character(character, at, end, piece.probability)
            at = end


def _simplified(
    characters: Sequence[_Character], simplify: Callable[[str], str]
) -> list[_Character]:
    text = "".join(character.text for character in characters)
    simple = simplify(text)
    if len(simple) != len(text):
        # A phrase that has another length: what it stands for is lost, each character is not.
        parts = [simplify(character) for character in text]
    else:
        parts = list(simple)
    return [
        _Character(part, old.start_s, old.end_s, old.probability)
        for part, old in zip(parts, characters, strict=True)
    ]


def _groups(characters: Sequence[_Character]) -> Iterator[list[_Character]]:
    """Characters that make a word, or marks that stand alone. No group is empty."""
    group: list[_Character] = []
    for character in characters:
        text = character.text
        if text.isspace():
            if group:
                yield group
            group = []
            continue
        mark = text in _CLOSING
        parted = text in _OPENING or (is_unspaced(text) and not mark)
        if group and (parted or _ends_a_word(group[-1].text, text)):
            yield group
            group = []
        group.append(character)
    if group:
        yield group


def _ends_a_word(last: str, following: str) -> bool:
    """Whether a character ends a word that another one cannot go on: "们" before "a"."""
    if following in _CLOSING:
        return False
    return is_unspaced(last) and last not in _OPENING
