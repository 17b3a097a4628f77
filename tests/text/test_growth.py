"""The rules of texts: the work grows with the words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from decoder import Hypothesis, Word
from decoder.joining import join_words
from rasr.text.bare import without_marks
from rasr.text.chinese import ChineseNumbers
from rasr.text.digits import DigitNormaliser, DigitSpeller
from rasr.text.english import EnglishNumbers
from rasr.text.letter_case import in_sentence_case
from rasr.text.punctuation import PausePunctuator
from rasr.text.sentences import sentences
from rasr.text.spoken import ChineseSpeller, EnglishSpeller
from tests.growth import assert_linear

ENGLISH = EnglishSpeller(lambda text: "five")
CHINESE = ChineseSpeller(lambda text: "五")

RULES: dict[str, Callable[[Sequence[Word]], object]] = {
    "english digits": DigitNormaliser(EnglishNumbers(), lambda said: "5", ENGLISH),
    "chinese digits": DigitNormaliser(ChineseNumbers(), lambda said: "5", CHINESE),
    "english words": DigitSpeller(ENGLISH),
    "chinese words": DigitSpeller(CHINESE),
    "marks": lambda words: PausePunctuator()(words, True),
    "no marks": lambda words: without_marks(words, True),
    "case": lambda words: in_sentence_case(words, True),
    "sentences": lambda words: sentences(Hypothesis(tuple(words), "", 0.9)),
    "joined": lambda words: join_words(word.text for word in words),
}
TEXTS = {
    "words": "the library will be open on monday",
    "numbers": "two hundred and five dollars, please; twenty three, no: ten percent",
    "one number": "one hundred",
    "a decimal": "five point",
    "numerals": "二 十 三",
    "minutes": "三点 二十 分",
    "digits": "1,500 23 7:30 $5",
    "sentences": "Yes. No! Why not? a.m. U.S.",
    "marks": "... -- ??? ',",
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("rule", RULES)
def test_the_work_grows_with_the_words(rule: str, text: str) -> None:
    spoken = TEXTS[text].split()

    def words(count: int) -> list[Word]:
        return [
            Word(spoken[number % len(spoken)], 1600 * number, 1600 * number + 1500, 0.9)
            for number in range(count)
        ]

    assert_linear(words, RULES[rule], 150)


@pytest.mark.parametrize("piece", ["a", "1", "-", "a-", "1,", "a.", "'", "…", "一", "1一", ".)"])
@pytest.mark.parametrize("rule", RULES)
def test_the_work_grows_with_the_length_of_a_word(rule: str, piece: str) -> None:
    assert_linear(lambda count: [Word(piece * count, 0, 1600, 0.9)], RULES[rule], 2000)
