"""`digit_norm`: numbers to digits, or digits to words, with the times of the words kept.

Owns where in a text digits may appear: a language's grammar finds the phrases that are numbers
beyond doubt, and only such a phrase, alone, is handed to the grammar of wetext. The rest of the
text cannot change, so that a rewriting that is wrong stays small, and each new word's time follows
from the words that it replaces, with no alignment.

Engines that write digits and marks get the same: what they write is spelt out first, so that
"$5", "5 dollars" and "five dollars" become one thing. Where that leads to no number, or to another
one, the engine's own writing stays. A mark between words ends a phrase: "1, 2, 3" is not 123.

Finding that there are no phrases costs 1 to 5 µs, finding those that there are 50 µs in a sentence,
and wetext 0.3 to 2 ms for each of them (`timeit`, one core). wetext's own
`normalize_with_mapping` on whole sentences costs 9 to 25 ms, and rewrites "just a second",
"mister" and "sixty minutes" as well.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from decoder import Word
from decoder.joining import join_words
from rasr.text.letter_case import beginnings
from rasr.text.marks import split_marks
from rasr.text.spoken import Speller
from rasr.text.timing import shared_by_letters

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
    """Digits for one language: `digit_norm: yes`."""

    grammar: NumberGrammar
    rewrite: Rewrite
    speller: Speller

    def __call__(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """The words, with each number replaced.

        A word that is not part of a number keeps its place. The words of a number become one word
        for each piece of its written form, over the same time; where both have several pieces
        ("five million dollars", "$5 million") times are taken from the words in their order.
        """
        out: list[Word] = []
        for run in _runs(_terms(words, self.speller)):
            out += self._normalised(run)
        return tuple(out)

    def _normalised(self, run: Sequence[_Term]) -> Iterator[Word]:
        text, starts, ends = _spans([term.said for term in run])
        done = 0
        for phrase in self.grammar.phrases(text):
            # The terms that have something of the phrase.
            first, last = bisect_right(ends, phrase.start), bisect_left(starts, phrase.end)
            if first >= last or first < done:
                continue
            start, end = starts[first], ends[last - 1]
            terms = run[first:last]
            is_whole = (start, end) == (phrase.start, phrase.end)
            if not is_whole and any(term.is_spelt for term in terms):
                continue
            written = self._written(phrase)
            if written is None or not _is_same_number(written, terms):
                continue
            # Words may be longer than the number where an engine's word is not one of ours.
            whole = text[start : phrase.start] + written + text[phrase.end : end]
            yield from _words_of(run[done:first])
            yield from _replaced(whole.split(), terms)
            done = last
        yield from _words_of(run[done:])

    def _written(self, phrase: Phrase) -> str | None:
        try:
            rewritten = self.rewrite(phrase.spoken)
        except (RuntimeError, ValueError, LookupError, AssertionError):
            # A number in words is right too; a final that is lost is not.
            return None
        if rewritten == phrase.spoken:
            return None
        return self.grammar.written(phrase, rewritten)


@dataclass(frozen=True, slots=True)
class DigitSpeller:
    """Words instead of digits, for engines that write digits: `digit_norm: no`."""

    speller: Speller

    def __call__(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """The words, with each that has digits spelt out, over the same time.

        Marks stay at its ends. What begins a sentence gets a capital letter.
        """
        out: list[Word] = []
        begins = beginnings([word.text for word in words])
        at = 0
        for term in _terms(words, self.speller):
            first, at = at, at + len(term.words)
            pieces = list(self.speller.spoken(term.core)) if term.has_digits else []
            if not pieces:
                out += term.words
                continue
            if begins[first]:
                pieces[0] = pieces[0][:1].upper() + pieces[0][1:]
            out += _with_marks(shared_by_letters(pieces, term.words), term.opening, term.closing)
        return tuple(out)


@dataclass(frozen=True, slots=True)
class _Term:
    """Words that are said as one: nearly always one word."""

    words: Sequence[Word]
    core: str
    """Their text without the marks around it."""
    said: str
    """The core as it is said, where it is written in another way."""
    opening: str = ""
    closing: str = ""

    @property
    def is_spelt(self) -> bool:
        return self.said != self.core

    @property
    def has_digits(self) -> bool:
        return any(map(str.isdigit, self.core))


def _terms(words: Sequence[Word], speller: Speller) -> list[_Term]:
    texts = [word.text for word in words]
    if all(map(str.isalpha, texts)):
        return [_Term((word,), word.text, word.text) for word in words]
    terms = []
    for first, last in speller.together(texts):
        text = join_words(texts[first:last])
        opening, core, closing = split_marks(text)
        if not core:
            opening, core, closing = "", text, ""
        said = core
        if any(map(str.isdigit, core)) or "-" in core:
            said = join_words(speller.spoken(core)) or core
        terms.append(_Term(words[first:last], core, said, opening, closing))
    return terms


def _runs(terms: Sequence[_Term]) -> Iterator[list[_Term]]:
    """Terms among which a number may stretch."""
    run: list[_Term] = []
    for term in terms:
        if run and (run[-1].closing or term.opening or (run[-1].has_digits and term.has_digits)):
            yield run
            run = []
        run.append(term)
    if run:
        yield run


def _words_of(terms: Sequence[_Term]) -> Iterator[Word]:
    for term in terms:
        yield from term.words


def _is_same_number(written: str, terms: Sequence[_Term]) -> bool:
    """False if an engine's own digits have become others on the way through words."""
    digits = "".join(filter(str.isdigit, written))
    # "2,000,000" is written "2 million".
    has_scale = any(map(str.isalpha, written))
    for term in terms:
        own = "".join(filter(str.isdigit, term.core))
        if not digits.startswith(own.rstrip("0") if has_scale else own):
            return False
    return True


def _replaced(pieces: Sequence[str], terms: Sequence[_Term]) -> list[Word]:
    """`pieces` in place of terms, with their marks and with the case of words that stay."""
    in_case = {term.core.lower(): term.core for term in terms}
    words = [word for term in terms for word in term.words]
    shared = _spread([in_case.get(piece, piece) for piece in pieces], words)
    return _with_marks(shared, terms[0].opening, terms[-1].closing)


def _with_marks(words: list[Word], opening: str, closing: str) -> list[Word]:
    if words and (opening or closing):
        words[0] = replace(words[0], text=opening + words[0].text)
        words[-1] = replace(words[-1], text=words[-1].text + closing)
    return words


def _spans(texts: Sequence[str]) -> tuple[str, list[int], list[int]]:
    """The text of the words, and where in it each of them begins and ends."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = ""
    length = 0
    for text in texts:
        piece = join_words((last[-1:], text))[len(last[-1:]) :]
        pieces.append(piece)
        length += len(piece)
        starts.append(length - len(text))
        ends.append(length)
        last = text or last
    return "".join(pieces), starts, ends


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
