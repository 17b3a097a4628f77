"""The step between the decoder and the wire: digits, then punctuation, then the text.

`TextTools` owns what is slow to load and is made once, when the server starts; a `RuleProcessor`
costs nothing and is made for each recognition. Nothing of a text is kept between calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from decoder import Hypothesis
from decoder.joining import join_words
from rasr.text.chinese import ChineseNumbers, spell_single
from rasr.text.digits import DigitNormaliser, Rewrite
from rasr.text.english import EnglishNumbers
from rasr.text.punctuation import PausePunctuator, Punctuator, StopPunctuator


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


@dataclass(frozen=True, slots=True)
class RuleProcessor:
    """Digits and punctuation by rules: 25 µs for a sentence, 1 to 2 ms for one with numbers.

    None leaves a step out.
    """

    digits: DigitNormaliser | None = None
    punctuator: Punctuator | None = None
    slow: bool = field(default=False, init=False)

    def process(self, hypothesis: Hypothesis, *, final: bool) -> Hypothesis:
        """`hypothesis` rewritten; its text is its words joined.

        Words keep their order and lie within the time of the words that they replace. Where nothing
        is to be done, or the engine gives no words, it is returned as it is.
        """
        words = hypothesis.words
        if not words or (self.digits is None and self.punctuator is None):
            return hypothesis
        if self.digits is not None:
            words = self.digits(words)
        if self.punctuator is not None:
            words = self.punctuator(words, final)
        return replace(hypothesis, words=words, text=join_words(word.text for word in words))


class TextTools:
    """The grammars and punctuators of all languages, loaded: 0.4 s and 30 MB, mostly wetext.

    A language that is not known here passes unchanged, whatever is asked.
    """

    def __init__(self) -> None:
        """Load all of them."""
        self._digits: Mapping[str, DigitNormaliser] = {
            "english": DigitNormaliser(EnglishNumbers(), _wetext("en")),
            "chinese": DigitNormaliser(ChineseNumbers(), spell_single(_wetext("zh"))),
        }
        self._punctuators: Mapping[str, Punctuator] = {
            "english": PausePunctuator(),
            "chinese": StopPunctuator(),
        }

    def processor(self, language: str, *, digits: bool, punctuation: bool) -> TextProcessor:
        """The processor for one recognition.

        Args:
            language: its English name in small letters: "english", "chinese", …
            digits: write spoken numbers as digits.
            punctuation: write punctuation marks and sentence case.
        """
        return RuleProcessor(
            digits=self._digits.get(language) if digits else None,
            punctuator=self._punctuators.get(language) if punctuation else None,
        )


def _wetext(language: str) -> Rewrite:
    # Here, because importing wetext loads the grammars of all its languages.
    from wetext import Normalizer

    normalise = Normalizer(lang=language, operator="itn").normalize  # type: ignore[no-untyped-call]
    return lambda spoken: str(normalise(spoken))
