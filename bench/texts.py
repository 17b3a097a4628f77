"""Texts that are compared: one way to make words of them, and how many of the words are wrong.

Engines write differently what they hear alike: "Mr. Dashwood", "mister dashwood"; "ill-disposed",
"ill disposed"; "$5", "five dollars". Here all of them become the words that are said, of what was
said as of what was written, so that no engine is better or worse for its spelling. The module is
pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import jiwer

from decoder.joining import is_unspaced
from rasr.cli.word_error_rate import edit_distance
from rasr.text.marks import TITLES
from rasr.text.spoken import Speller, load_spellers


def tokens(text: str) -> list[str]:
    """Split a text into the words that are said: small letters, no marks, no digits.

    A Chinese character is a word; in a text with such characters numbers are said in Chinese.
    """
    language = "chinese" if any(map(is_unspaced, text)) else "english"
    said = _spellers()[language].spoken(text)
    # A title without its point is the same word.
    return [TITLES.get(word, word) for word in said]


@cache
def _spellers() -> dict[str, Speller]:
    return load_spellers()


def aligned(said: Sequence[str], heard: Sequence[str]) -> list[tuple[int, int]]:
    """Return which words are the same, by number, in the alignment with the fewest mistakes."""
    if not said or not heard:
        return []
    (alignment,) = jiwer.process_words(" ".join(said), " ".join(heard)).alignments
    return [
        (chunk.ref_start_idx + offset, chunk.hyp_start_idx + offset)
        for chunk in alignment
        if chunk.type == "equal"
        for offset in range(chunk.ref_end_idx - chunk.ref_start_idx)
    ]


@dataclass(frozen=True, slots=True)
class Mistakes:
    """How texts differ from what was said: in words, in Chinese in characters."""

    said: int = 0
    """Words that were said."""
    substituted: int = 0
    lost: int = 0
    added: int = 0

    def __add__(self, other: Mistakes) -> Mistakes:
        return Mistakes(
            self.said + other.said,
            self.substituted + other.substituted,
            self.lost + other.lost,
            self.added + other.added,
        )

    @property
    def count(self) -> int:
        """All of them."""
        return self.substituted + self.lost + self.added

    @property
    def rate(self) -> float:
        """Their share of the words that were said; NaN where nothing was said."""
        return self.count / self.said if self.said else float("nan")


def mistakes(said: str, written: str) -> Mistakes:
    """Compare a text with what was said, by the fewest changes that make one of the other."""
    wanted, got = tokens(said), tokens(written)
    if not wanted:
        return Mistakes(added=len(got))
    found = jiwer.process_words(" ".join(wanted), " ".join(got))
    return Mistakes(len(wanted), found.substitutions, found.deletions, found.insertions)


def told_twice(said: str, written: str) -> int:
    """Count the added words that only repeat those before or behind them."""
    wanted, got = tokens(said), tokens(written)
    if not wanted:
        return 0
    (alignment,) = jiwer.process_words(" ".join(wanted), " ".join(got)).alignments
    count = 0
    for chunk in alignment:
        first, last = chunk.hyp_start_idx, chunk.hyp_end_idx
        length = last - first
        near = got[max(first - length, 0) : first], got[last : last + length]
        if chunk.type == "insert" and got[first:last] in near:
            count += length
    return count


@dataclass(frozen=True, slots=True)
class Settled:
    """What partials showed as stable, and how much of it the final took back."""

    shown: int = 0
    """Words."""
    changed: int = 0

    def __add__(self, other: Settled) -> Settled:
        return Settled(self.shown + other.shown, self.changed + other.changed)

    @property
    def rate(self) -> float:
        """The share that was taken back; NaN where nothing was shown as stable."""
        return self.changed / self.shown if self.shown else float("nan")


def settled(stable: Iterable[str], final: str) -> Settled:
    """Compare the stable beginnings of the partials of one utterance with its final.

    Each is compared with that beginning of the final which it is nearest to: case, marks and
    spelling apart, the fewest words to change. What counts is the worst of them.
    """
    wanted = tokens(final)
    shown = [tokens(text) for text in dict.fromkeys(stable)]
    changed = (
        min(edit_distance(one, wanted[:length]) for length in range(len(wanted) + 1))
        for one in shown
    )
    return Settled(max(map(len, shown), default=0), max(changed, default=0))
