"""How English words are said: by the dictionary, and by rule where they are not in it.

The grapheme-to-phoneme rules are a table learnt from the dictionary by `python -m bench g2p`: how a
letter is read, given the letters around it. Of words that it has not seen, half are right to the
last phone, and one phone in nine is wrong (the same command measures it); for a hot word that is
close enough.

Phones are those of the CMU dictionary, without stress.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, product
from pathlib import Path

Phones = tuple[str, ...]
"""The phones of a word, or of a letter of it."""

RULES_FILE = Path(__file__).with_name("grapheme_to_phoneme.txt")
"""The rules, one a line: a context as `contexts_of` names it, and its phones."""

CONTEXTS = ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3))
"""Letters before and after that a rule may look at, from the least particular on."""

_REACH = max(max(width) for width in CONTEXTS)
_EDGE = "#"
_MOST_PRONUNCIATIONS = 4
"""Of one phrase; each costs a word in the search."""
_LONGEST_ACRONYM = 5
_WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*'?")
_BETWEEN = re.compile(r"[\s\-_/.,]+")


def contexts_of(word: str) -> Iterator[list[str]]:
    """For each letter the names of its contexts, as in `CONTEXTS`."""
    padded = _EDGE * _REACH + word + _EDGE * _REACH
    for at in range(_REACH, _REACH + len(word)):
        yield [
            f"{padded[at - before : at]}<{padded[at]}>{padded[at + 1 : at + 1 + after]}"
            for before, after in CONTEXTS
        ]


class GraphemeToPhonemeRules:
    """Rules from contexts of letters to phones, by which words are read."""

    def __init__(self, rules: Mapping[str, Phones]) -> None:
        self._rules = rules

    @classmethod
    def load(cls) -> GraphemeToPhonemeRules:
        """The rules of `RULES_FILE`."""
        rules = {}
        for line in RULES_FILE.read_text(encoding="utf-8").splitlines():
            context, *phones = line.split()
            rules[context] = tuple(phones)
        return cls(rules)

    def read(self, word: str) -> Phones:
        """The phones of a word of lower-case letters a to z and apostrophes."""
        return tuple(phone for contexts in contexts_of(word) for phone in self._said(contexts))

    def shorter(self, context: str, width: int) -> Phones:
        """How a context of `CONTEXTS[width]` is read by the rules of less particular ones."""
        before, rest = context.split("<")
        letter, after = rest.split(">")
        return self._said(
            [
                f"{before[len(before) - left :]}<{letter}>{after[:right]}"
                for left, right in CONTEXTS[:width]
            ]
        )

    def _said(self, contexts: Sequence[str]) -> Phones:
        for context in reversed(contexts):
            if context in self._rules:
                return self._rules[context]
        return ()


class Pronouncer:
    """The ways to say a phrase.

    Args:
        lookup: gives the phones of a dictionary word, separated by spaces; `word(2)` is its second
            pronunciation.
    """

    def __init__(self, lookup: Callable[[str], str | None]) -> None:
        self._lookup = lookup
        self._rules = GraphemeToPhonemeRules.load()
        self._found: dict[str, list[Phones]] = {}
        """What the dictionary had: PocketSphinx loses the memory of every answer that it gives, so
        each word is asked for once."""

    def say(self, phrase: str) -> list[list[Phones]]:
        """Pronunciations of `phrase`, the likeliest first: for each, the phones of each word.

        Empty where it holds anything but Latin letters: digits are to be written as words.
        """
        words = _BETWEEN.split(phrase.strip())
        if not all(_WORD.fullmatch(word) for word in words):
            return []
        ways = product(*(self._ways(word) for word in words))
        return [list(way) for way in islice(ways, _MOST_PRONUNCIATIONS)]

    def _ways(self, word: str) -> list[Phones]:
        known = self._known(word.lower())
        if known:
            return known
        ways = [self._rules.read(word.lower())]
        if word.isupper() and len(word) <= _LONGEST_ACRONYM:
            letters = [(self._known(letter) or [()])[0] for letter in word.lower()]
            ways.insert(0, tuple(phone for phones in letters for phone in phones))
        return [way for way in ways if way]

    def _known(self, word: str) -> list[Phones]:
        ways = self._found.get(word, [])
        if ways:
            return ways
        while (found := self._lookup(f"{word}({len(ways) + 1})" if ways else word)) is not None:
            ways = [*ways, tuple(found.split())]
        if ways:
            self._found[word] = ways
        return ways
