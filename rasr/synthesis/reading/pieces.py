"""Words to pieces: sentences, and of a long one its parts, so that sound comes early and evenly.

A piece ends with a sentence. A sentence that is longer than a piece may be is cut at its marks, and
only where it has none between two words. The first piece may be asked to be short: it is what
somebody waits for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rasr.synthesis.reading.marks import INNER, STOPS
from rasr.synthesis.speech import Word

_PAUSES = {".": 0.35, "?": 0.35, "!": 0.35, ";": 0.25, ":": 0.2, ",": 0.15, "": 0.0}
"""Seconds of silence behind a piece that ends with this mark."""
_SHORTEST = 2
"""A sentence of fewer parts joins the one behind it: "Yes. I know." has one melody."""
_MOST_PARTS = 20
"""Of one word."""
_LONGEST_PART = 40
"""Letters."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long pieces may be, in parts of words: Chinese characters, words of letters."""

    most: int = 40
    first: int | None = None
    """Of the first piece, where an engine is slow; None for as long as others."""


def divided(word: Word) -> Iterator[Word]:
    """The word, or the words that it becomes where it is longer than a piece should be: a number
    of a thousand digits, a thousand letters without a space."""
    parts = [
        (part[at : at + _LONGEST_PART], syllable)
        for part, syllable in zip(word.said, word.syllables, strict=True)
        for at in range(0, len(part), _LONGEST_PART)
    ]
    if len(parts) <= _MOST_PARTS and len(parts) == len(word.said):
        yield word
        return
    # Its text is shared out too where each letter is a part; else the first one has it.
    fits = len(word.text) == len(parts)
    for at in range(0, len(parts), _MOST_PARTS):
        some = parts[at : at + _MOST_PARTS]
        text = word.text[at : at + _MOST_PARTS] if fits else word.text if at == 0 else ""
        last = at + _MOST_PARTS >= len(parts)
        yield Word(
            text,
            tuple(part for part, _ in some),
            tuple(syllable for _, syllable in some) if word.pinyin else (),
            word.mark if last else "",
        )


def cut(words: Sequence[Word], lengths: Lengths, *, begins: bool) -> Iterator[tuple[int, int]]:
    """The pieces of some words, as ranges [first, last), in order. What stands behind the last of
    them is not known to be a whole piece: more words may belong to it.

    Args:
        begins: the first of them is the first of all.
    """
    first, size = 0, 0
    most = (lengths.first or lengths.most) if begins else lengths.most
    inner: int | None = None
    for index, word in enumerate(words):
        while index > first and size + len(word.said) > most:
            end = inner or index
            yield first, end
            first, inner, most = end, None, lengths.most
            size = sum(len(one.said) for one in words[end:index])
        size += len(word.said)
        if word.mark and word.mark in STOPS and size >= _SHORTEST:
            yield first, index + 1
            first, size, inner, most = index + 1, 0, None, lengths.most
        elif word.mark and word.mark in INNER:
            inner = index + 1


def pause_behind(word: Word, tempo: float) -> float:
    """The silence behind a piece that ends with this word."""
    return _PAUSES[word.mark] / tempo
