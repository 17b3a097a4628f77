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

Step = Callable[[Sequence[Word], bool], tuple[Word, ...]]
"""Words and whether they are final → words that take their place."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What an engine writes by itself; see `decoder.Capabilities`."""

    punctuation: bool = False
    case: bool = False
    digits: bool = False


class TextProcessor(Protocol):
    """What is done to the hypotheses of one recognition before they are told."""

    @property
    def slow(self) -> bool:
        """True if `process` takes so long that it must run off the event loop."""

    def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """`hypothesis` rewritten.

        Args:
            final: True if it does not change any more.
        """

    def substitute(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """What stands in where `process` is late or has failed. It is quick."""


@dataclass(frozen=True, slots=True)
class StepProcessor:
    """Steps one after the other: by rules 25 µs for a sentence, 1 to 2 ms for one with numbers."""

    steps: tuple[Step, ...] = ()
    slow: bool = False
    instead: tuple[Step, ...] = ()
    """The steps of `substitute`: those of rules where a model is slow, else none."""

    def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """`hypothesis` rewritten; its text is its words joined.

        Words keep their order and lie within the time of the words that they replace. Where nothing
        is to be done, or the engine gives no words, it is returned as it is.
        """
        return _after(self.steps, hypothesis, final)

    def substitute(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """`hypothesis` rewritten by rules alone where a model is slow, else as it is."""
        return _after(self.instead, hypothesis, final)


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
        numbers = _number_steps(known, digits, writing)
        model = self._models.get(language) if punctuation and not writing.punctuation else None
        rules = (*numbers, *_mark_steps(known, punctuation, writing))
        if model is None:
            return StepProcessor(rules)
        return StepProcessor((model, *numbers), slow=True, instead=rules)


def _number_steps(known: _Language | None, digits: bool, writing: Writing) -> tuple[Step, ...]:
    if known is None:
        return ()
    speller = RememberingSpeller(known.speller, _REMEMBERED)
    if digits:
        rewrite = lru_cache(_REMEMBERED)(known.rewrite)
        normalise = DigitNormaliser(known.numbers, rewrite, speller)
        return (lambda words, final: normalise(words),)
    if writing.digits:
        spell = DigitSpeller(speller)
        return (lambda words, final: spell(words),)
    return ()


def _mark_steps(known: _Language | None, punctuation: bool, writing: Writing) -> tuple[Step, ...]:
    if not punctuation:
        return (without_marks,) if writing.punctuation or writing.case else ()
    if known is None:
        return ()
    if not writing.punctuation:
        return (known.punctuator,)
    return (in_sentence_case,) if known.latin and not writing.case else ()


def _after(steps: Sequence[Step], hypothesis: Hypothesis, final: bool) -> Hypothesis:
    words = hypothesis.words
    if not words or not steps:
        return hypothesis
    for step in steps:
        words = step(words, final)
    return replace(hypothesis, words=words, text=join_words(word.text for word in words))


def _wetext(language: str) -> Rewrite:
    # Here, because importing wetext loads the grammars of all its languages.
    from wetext import Normalizer

    normalise = Normalizer(lang=language, operator="itn").normalize  # type: ignore[no-untyped-call]
    return lambda spoken: str(normalise(spoken))
