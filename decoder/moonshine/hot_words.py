"""Hot words in a decoding loop: letters that begin or continue a word of the list are preferred.

A list is a tree of letters, not of tokens: whichever way a model splits a word, each token that
goes on along the tree earns the boost of its letters, and what was earned is taken back if the
match breaks before the end of a word. So a word of the list need not be whole in the vocabulary,
and its beginning alone is not preferred.

The boost of a letter is added to the logarithm of the token's probability. Half a natural logarithm
a letter found names that were missed, and left other sentences as they were.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from decoder.engine import HotWord
from decoder.moonshine.vocabulary import Vocabulary

_LETTERS_KEPT: Final = 120_000
"""Of all lists together, 36 MB at most: a letter takes 300 bytes in a list of long words that have
nothing in common."""
_MOST_LETTERS: Final = 64
"""Of one hot word; a longer one is a sentence, and is refused."""


@dataclass(slots=True, eq=False)
class Node:
    """A place in the tree: what has been matched so far."""

    children: dict[str, Node] = field(default_factory=dict)
    earned: float = 0.0
    """What the letters up to here have earned."""
    kept: float = 0.0
    """As much of it is kept if the match breaks here: that of words that are complete."""
    is_end: bool = False
    """A word of the list ends here."""
    moves: Moves | None = None
    """Made when first asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """The tokens that go on in the tree from one place."""

    tokens: NDArray[np.intp]
    nodes: tuple[Node, ...]
    """Where each of them leads."""
    earned: NDArray[np.float64]
    """Of those nodes."""


@dataclass(frozen=True, slots=True)
class Match:
    """How far one path of a search is in the tree."""

    node: Node
    settled: float = 0.0
    """What matches that are over have earned."""

    @property
    def bonus(self) -> float:
        """What the path has earned so far."""
        return self.settled + self.node.earned


class HotWordList:
    """The words of one list. It may be shared by threads."""

    def __init__(self, words: Sequence[HotWord], tokens: TokenTexts, boost: float) -> None:
        """
        Args:
            boost: of each letter of a word of boost 1, natural logarithm.
        """
        self._tokens = tokens
        self._root = Node()
        refused = []
        for word in words:
            spelt = " ".join(word.text.split()).casefold()
            if not any(map(str.isalnum, spelt)) or len(spelt) > _MOST_LETTERS:
                refused.append(word)
            else:
                self._add(" " + spelt, boost * word.boost)
        self.refused = tuple(refused)
        """Those that have no letters, or too many."""

    def start(self) -> Match:
        """Nothing is matched yet."""
        return Match(self._root)

    def goes_on(self, token: int) -> bool:
        """True if a token begins with a letter: the word before it is longer than it seemed."""
        return bool(self._root.children) and self._tokens.goes_on[token]

    def over(self, match: Match) -> Match:
        """Where a token leads that leaves the tree between words: a whole word has earned it."""
        node = match.node
        return Match(self._root, match.settled + (node.earned if node.is_end else node.kept))

    def broken(self, match: Match) -> Match:
        """Where a token leads that leaves the tree inside a word: that word has earned nothing."""
        return Match(self._root, match.settled + match.node.kept)

    def steps(self, match: Match) -> Iterator[tuple[Moves, float]]:
        """The tokens that go on from here, and those that begin anew; each with what is settled."""
        yield self._moves(match.node), match.settled
        if match.node is not self._root:
            yield self._moves(self._root), self.over(match).settled

    def _add(self, spelt: str, boost: float) -> None:
        node, earned, kept = self._root, 0.0, 0.0
        for letter in spelt:
            if node.is_end and not letter.isalnum():
                kept = node.earned
            earned += boost if letter.isalnum() else 0.0
            node = node.children.setdefault(letter, Node())
            # Of two words with the same beginning the larger boost counts.
            node.earned, node.kept = max(node.earned, earned), max(node.kept, kept)
        node.is_end = True

    def _moves(self, node: Node) -> Moves:
        if node.moves is None:
            found: list[tuple[int, Node]] = []
            self._walk(node, "", found)
            # Two threads may both make it, and both are right.
            node.moves = Moves(
                np.array([token for token, _ in found], np.intp),
                tuple(target for _, target in found),
                np.array([target.earned for _, target in found], np.float64),
            )
        return node.moves

    def _walk(self, node: Node, spelt: str, found: list[tuple[int, Node]]) -> None:
        for letter, child in node.children.items():
            text = spelt + letter
            if len(text) <= self._tokens.longest:
                found.extend((token, child) for token in self._tokens.spelling(text))
                self._walk(child, text, found)


class TokenTexts:
    """The tokens of a vocabulary by their text, whatever its case."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    @cached_property
    def _by_text(self) -> dict[str, list[int]]:
        by_text: dict[str, list[int]] = {}
        for token in range(len(self._vocabulary)):
            text = self._vocabulary.text(token).casefold()
            if text.strip() and "\ufffd" not in text:
                by_text.setdefault(text, []).append(token)
        return by_text

    @cached_property
    def goes_on(self) -> list[bool]:
        """For each token: it begins with a letter or a digit, and so goes on with a word."""
        texts = (self._vocabulary.text(token) for token in range(len(self._vocabulary)))
        return [text[:1].isalnum() for text in texts]

    @cached_property
    def longest(self) -> int:
        """Letters of the longest token."""
        return max(map(len, self._by_text), default=0)

    def spelling(self, text: str) -> Sequence[int]:
        """The tokens that are this text, in small letters, with its leading space."""
        return self._by_text.get(text, ())


NO_HOT_WORDS = HotWordList((), TokenTexts(Vocabulary(())), 0.0)
"""A list that prefers nothing."""


class HotWordLists:
    """The lists that were used last: sessions that have the same words share one.

    As many are kept as have `_LETTERS_KEPT` letters together, and the newest however long it is.
    """

    def __init__(self, vocabulary: Vocabulary, boost: float) -> None:
        self._tokens = TokenTexts(vocabulary)
        self._boost = boost
        self._lists: OrderedDict[tuple[HotWord, ...], HotWordList] = OrderedDict()
        self._letters = 0
        """Of the lists that are kept."""
        self._lock = threading.Lock()

    def get(self, words: tuple[HotWord, ...]) -> HotWordList | None:
        """The list of these words; None for no words."""
        if not words:
            return None
        with self._lock:
            known = self._lists.get(words)
            if known is None:
                known = HotWordList(words, self._tokens, self._boost)
                self._lists[words] = known
                self._letters += _letters(words)
                while self._letters > _LETTERS_KEPT and len(self._lists) > 1:
                    oldest, _ = self._lists.popitem(last=False)
                    self._letters -= _letters(oldest)
            self._lists.move_to_end(words)
            return known


def _letters(words: Sequence[HotWord]) -> int:
    """Of all words, refused ones too: a list of those is kept as well. One more for each word."""
    return sum(len(word.text) + 1 for word in words)
