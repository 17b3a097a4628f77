"""`digit_norm`: spoken numbers to digits, with the times of the words kept.

Owns where in a text digits may appear: a language's grammar finds the phrases that are numbers
beyond doubt, and only such a phrase, alone, is handed to the grammar of wetext. The rest of the
text cannot change, so that a rewriting that is wrong stays small, and each new word's time follows
from the words that it replaces, with no alignment.

Finding that there are no phrases costs 1 to 5 µs, finding those that there are 50 µs in a sentence,
and wetext 0.3 to 2 ms for each of them (`timeit`, one core). wetext's own
`normalize_with_mapping` on whole sentences costs 9 to 25 ms, and rewrites "just a second",
"mister" and "sixty minutes" as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from decoder import Word
from decoder.joining import join_words

Rewrite = Callable[[str], str]
"""A number in words → the same in digits, or unchanged where it knows better."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A number in words, at [start, end) of a text."""

    start: int
    end: int
    spoken: str
    """What to rewrite: the phrase, or a clearer way to say it ("one hundred" for "a hundred")."""
    kind: str = "number"
    """What the grammar takes it for, in the grammar's own words."""


class NumberGrammar(Protocol):
    """What a language knows about its numbers. Pure."""

    def phrases(self, text: str) -> Iterator[Phrase]:
        """The numbers of a text, in order and disjoint."""

    def written(self, phrase: Phrase, rewritten: str) -> str | None:
        """`rewritten` in its final form, or None if it is nothing that `phrase` could mean."""


@dataclass(frozen=True, slots=True)
class DigitNormaliser:
    """Digits for one language."""

    grammar: NumberGrammar
    rewrite: Rewrite

    def __call__(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """The words, with each number replaced.

        A word that is not part of a number keeps its place. The words of a number become one word
        for each piece of its written form, over the same time; where both have several pieces
        ("five million dollars", "$5 million") times are taken from the words in their order.
        """
        text, spans = _spans(words)
        out: list[Word] = []
        done = 0
        for phrase in self.grammar.phrases(text):
            written = self._written(phrase)
            touched = [
                index for index, (a, b) in enumerate(spans) if a < phrase.end and b > phrase.start
            ]
            if written is None or not touched or touched[0] < done:
                continue
            first, last = touched[0], touched[-1]
            # Words may be longer than the number where an engine's word is not one of ours.
            whole = (
                text[spans[first][0] : phrase.start] + written + text[phrase.end : spans[last][1]]
            )
            out += words[done:first]
            out += _spread(whole.split(), words[first : last + 1])
            done = last + 1
        return (*out, *words[done:])

    def _written(self, phrase: Phrase) -> str | None:
        try:
            rewritten = self.rewrite(phrase.spoken)
        except (RuntimeError, ValueError, LookupError, AssertionError):
            # A number in words is right too; a final that is lost is not.
            return None
        if rewritten == phrase.spoken:
            return None
        return self.grammar.written(phrase, rewritten)


def _spans(words: Sequence[Word]) -> tuple[str, list[tuple[int, int]]]:
    """The text of the words, and where in it each of them is."""
    text = ""
    spans = []
    for word in words:
        text = join_words((text, word.text))
        spans.append((len(text) - len(word.text), len(text)))
    return text, spans


def _spread(pieces: Sequence[str], spoken: Sequence[Word]) -> list[Word]:
    """`pieces` over the time of `spoken`: as even a share of the words for each as there is."""
    if len(pieces) > len(spoken):
        # No word's own time is known then; the first pieces share the first word's start.
        pieces = (*pieces[: len(spoken) - 1], " ".join(pieces[len(spoken) - 1 :]))
    count = len(pieces)
    bounds = [index * len(spoken) // count for index in range(count + 1)]
    return [
        Word(
            text=piece,
            start_sample=spoken[a].start_sample,
            end_sample=spoken[b - 1].end_sample,
            # A number is as certain as its least certain word.
            confidence=min(word.confidence for word in spoken[a:b]),
            times_guessed=any(word.times_guessed for word in spoken[a:b]),
        )
        for piece, a, b in zip(pieces, bounds, bounds[1:], strict=False)
    ]
