"""The step between the decoder and the wire: digits, punctuation, case, then the text.

Owns which steps make the text of one engine what was asked for, so that `digits` and `punctuation`
mean the same whichever engine speaks. `TextTools` owns what is slow to load and is made once, when
the server starts; a processor costs little and is made for each recognition. What it remembers are
the last numbers that it has rewritten, because each partial has those of the one before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from decoder import Hypothesis, Word
from decoder.engine import Writing
from decoder.joining import join_words
from decoder.sherpa.punctuation import PunctuationModel
from rasr.text.bare import without_marks
from rasr.text.chinese import ChineseNumbers, spell_single
from rasr.text.digits import DigitNormaliser, DigitSpeller, NumberGrammar, Rewrite
from rasr.text.english import EnglishNumbers
from rasr.text.letter_case import in_sentence_case
from rasr.text.model_punctuator import ModelPunctuator
from rasr.text.punctuation import PausePunctuator, Punctuator, StopPunctuator
from rasr.text.spoken import RememberingSpeller, Speller, load_spellers

_REMEMBERED = 64
"""Numbers of one recognition: more than one long utterance has."""

_QUICK_NUMBERS = 4
"""Numbers in digits of which the slowest ("$1234.56", 10 ms) hold up the event loop for 40 ms."""
_QUICK_DIGITS = 40
"""Digits of all words together; a number of so many takes 10 ms, and one of 700 takes 650 ms."""
_QUICK_WORDS = 60
"""Words that may all be of one number, read digit by digit: 25 ms. 180 of them, what one minute of
speech has, take 140 ms."""

Step = Callable[[Sequence[Word], bool], tuple[Word, ...]]
"""Words and whether they are final → words that take their place."""


class TextProcessor(Protocol):
    """What is done to the hypotheses of one recognition before they are told."""

    def is_slow(self, hypothesis: Hypothesis) -> bool:
        """True if `process` may take so long with it that it must run off the event loop."""

    def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """`hypothesis` rewritten.

        Args:
            final: True if it does not change any more.
        """

    def substitute(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """What stands in where `process` is late or has failed. It is quick."""


@dataclass(frozen=True, slots=True)
class StepProcessor:
    """Steps one after the other; None leaves one out.

    By rules a sentence takes 25 to 100 µs, and each new number in it 2 to 10 ms.
    """

    numbers: Step | None = None
    marks: Step | None = None
    """By rules: marks and case written, or taken away."""
    model: Step | None = None
    """Writes marks in place of `marks`, before the numbers: it knows them as words."""

    def is_slow(self, hypothesis: Hypothesis) -> bool:
        """True with a model, and for a text whose numbers may be many or long."""
        return self.model is not None or self._numbers_may_be_slow(hypothesis)

    def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """`hypothesis` rewritten; its text is its words joined.

        Words keep their order and lie within the time of the words that they replace. Where nothing
        is to be done, or the engine gives no words, it is returned as it is.
        """
        marks = self.marks if self.model is None else None
        return _after((self.model, self.numbers, marks), hypothesis, final)

    def substitute(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """`hypothesis` by the rules that are quick: its numbers stay if they may be slow, or may be
        what has failed."""
        by_rules = self.model is not None and not self._numbers_may_be_slow(hypothesis)
        return _after((self.numbers if by_rules else None, self.marks), hypothesis, final)

    def _numbers_may_be_slow(self, hypothesis: Hypothesis) -> bool:
        if self.numbers is None:
            return False
        digits = [sum(map(str.isdigit, word.text)) for word in hypothesis.words]
        return (
            len(digits) > _QUICK_WORDS
            or sum(digits) > _QUICK_DIGITS
            or sum(map(bool, digits)) > _QUICK_NUMBERS
        )


@dataclass(frozen=True, slots=True)
class _Language:
    """What is loaded for one language."""

    numbers: NumberGrammar
    rewrite: Rewrite
    speller: Speller
    punctuator: Punctuator
    latin: bool
    """It writes capital letters, and "." and not "。"."""


class TextTools:
    """The grammars and punctuators of all languages, loaded: 0.5 s and 50 MB, mostly wetext.

    A language that is not known here keeps its numbers as the engine writes them, and gets no marks
    but those of an engine or a model.
    """

    def __init__(self, models: Mapping[str, PunctuationModel] | None = None) -> None:
        """Load all of them.

        Args:
            models: that write marks, by the English names of the languages they are to serve.
        """
        spellers = load_spellers()
        self._languages: Mapping[str, _Language] = {
            "english": _Language(
                EnglishNumbers(), _wetext("en"), spellers["english"], PausePunctuator(), True
            ),
            "chinese": _Language(
                ChineseNumbers(),
                spell_single(_wetext("zh")),
                spellers["chinese"],
                StopPunctuator(),
                False,
            ),
        }
        self._models: Mapping[str, Punctuator] = {
            language: ModelPunctuator(model.punctuated, model.case, language != "chinese")
            for language, model in (models or {}).items()
        }

    @property
    def spellers(self) -> Mapping[str, Speller]:
        """How written words are said, by the English names of the languages."""
        return {name: one.speller for name, one in self._languages.items()}

    def processor(
        self, language: str, *, digits: bool, punctuation: bool, writing: Writing | None = None
    ) -> TextProcessor:
        """The processor for one recognition.

        Args:
            language: its English name in small letters: "english", "chinese", …
            digits: write numbers as digits; else digits that the engine writes are spelt out.
            punctuation: write punctuation marks and sentence case; else those that the engine
                writes are taken away.
            writing: what the engine writes by itself.
        """
        writing = writing or Writing()
        known = self._languages.get(language)
        wants_model = punctuation and not writing.punctuation
        return StepProcessor(
            _number_step(known, digits, writing),
            _mark_step(known, punctuation, writing),
            self._models.get(language) if wants_model else None,
        )


def _number_step(known: _Language | None, digits: bool, writing: Writing) -> Step | None:
    if known is None:
        return None
    speller = RememberingSpeller(known.speller, _REMEMBERED)
    if digits:
        rewrite = lru_cache(_REMEMBERED)(known.rewrite)
        normalise = DigitNormaliser(known.numbers, rewrite, speller)
        return lambda words, final: normalise(words)
    if writing.digits:
        spell = DigitSpeller(speller)
        return lambda words, final: spell(words)
    return None


def _mark_step(known: _Language | None, punctuation: bool, writing: Writing) -> Step | None:
    if not punctuation:
        return without_marks if writing.punctuation or writing.case else None
    if known is None:
        return None
    if not writing.punctuation:
        return known.punctuator
    return in_sentence_case if known.latin and not writing.case else None


def _after(steps: Sequence[Step | None], hypothesis: Hypothesis, final: bool) -> Hypothesis:
    todo = [step for step in steps if step is not None]
    words = hypothesis.words
    if not words or not todo:
        return hypothesis
    for step in todo:
        words = step(words, final)
    return replace(hypothesis, words=words, text=join_words(word.text for word in words))


def _wetext(language: str) -> Rewrite:
    # Here, because importing wetext loads the grammars of all its languages.
    from wetext import Normalizer

    normalise = Normalizer(lang=language, operator="itn").normalize  # type: ignore[no-untyped-call]
    return lambda spoken: str(normalise(spoken))
