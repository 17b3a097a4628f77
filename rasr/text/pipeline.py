"""The step between the decoder and the wire: digits, then punctuation, then the text.

`TextTools` owns what is dear to load and is made once, when the server starts; a `TextPipeline`
costs nothing and is made for each round. Nothing of a text is kept between calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from decoder import Hypothesis
from rasr.text.chinese import ChineseNumbers, spell_single
from rasr.text.digits import DigitNormaliser, Rewrite
from rasr.text.english import EnglishNumbers
from rasr.text.joining import join_words
from rasr.text.punctuation import PausePunctuator, Punctuator, StopPunctuator


@dataclass(frozen=True, slots=True)
class TextPipeline:
    """What one round wants done to its hypotheses."""

    digits: DigitNormaliser | None = None
    punctuator: Punctuator | None = None

    def __call__(self, hypothesis: Hypothesis, final: bool) -> Hypothesis:
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

    def __init__(self, sample_rate: int = 16_000) -> None:
        """
        Args:
            sample_rate: Hz of the samples that the words of hypotheses count.
        """
        self._digits: Mapping[str, DigitNormaliser] = {
            "english": DigitNormaliser(EnglishNumbers(), _wetext("en")),
            "chinese": DigitNormaliser(ChineseNumbers(), spell_single(_wetext("zh"))),
        }
        self._punctuators: Mapping[str, Punctuator] = {
            "english": PausePunctuator(sample_rate),
            "chinese": StopPunctuator(),
        }

    def step(self, language: str, digit_norm: bool, add_punc: bool) -> TextPipeline:
        """The step for one round.

        Args:
            language: as a SIS property begins: "english", "chinese", …
        """
        return TextPipeline(
            digits=self._digits.get(language) if digit_norm else None,
            punctuator=self._punctuators.get(language) if add_punc else None,
        )


def _wetext(language: str) -> Rewrite:
    # Here, because importing wetext loads the grammars of all its languages.
    from wetext import Normalizer

    normalise = Normalizer(lang=language, operator="itn").normalize  # type: ignore[no-untyped-call]
    return lambda spoken: str(normalise(spoken))
