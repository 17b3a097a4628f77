"""Numbers become digits; nothing else changes, and times stay with the words they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import Hypothesis, Word
from rasr.text import TextProcessor, TextTools
from rasr.text.digits import DigitNormaliser, Phrase
from rasr.text.english import EnglishNumbers
from rasr.text.spoken import EnglishSpeller
from tests.text.builders import WORD_SAMPLES, chinese, english, words

SPELLER = EnglishSpeller(lambda written: written)
"""For words that hold no digits, which reach no grammar."""


@pytest.fixture(scope="module")
def tools() -> TextTools:
    return TextTools()


@pytest.fixture(scope="module")
def english_digits(tools: TextTools) -> TextProcessor:
    return tools.processor("english", digits=True, punctuation=False)


@pytest.fixture(scope="module")
def chinese_digits(tools: TextTools) -> TextProcessor:
    return tools.processor("chinese", digits=True, punctuation=False)


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("twenty three people were injured", "23 people were injured"),
        ("my grandfather lived to be ninety one", "my grandfather lived to be 91"),
        ("three hundred and sixty five days", "365 days"),
        ("two million three hundred thousand people", "2300000 people"),
        ("a hundred and twenty men", "120 men"),
        ("one hundred and five dollars", "$105"),
        ("a hundred and five dollars", "$105"),
        ("twenty dollars and fifty cents", "$20.50"),
        ("five million dollars", "$5 million"),
        ("a million dollars", "$1 million"),
        ("three point one four", "3.14"),
        ("zero point five percent", "0.5%"),
        ("five per cent", "5%"),
        ("a hundred percent", "100%"),
        ("in nineteen eighty one", "in 1981"),
        ("two thousand and five", "2005"),
        ("the nineteen nineties", "the 1990s"),
        ("january first", "january 1"),
        ("may fifth two thousand twelve", "may 5 2012"),
        ("on the twenty third of june nineteen forty one", "on 23 june 1941"),
        ("twenty first century", "21st century"),
        ("half past seven", "7:30"),
        ("at seven thirty", "at 7:30"),
        ("at nine a m", "at 9:00 a.m."),
        ("it's ten o'clock", "it's 10:00"),
        ("one two three four", "1234"),
        ("my number is five five five one two one two", "my number is 5551212"),
        ("twenty to thirty people", "20 to 30 people"),
        ("forty two kilograms", "42 kilograms"),
        ("sixty minutes", "60 minutes"),
        ("six point five million", "6.5 million"),
    ],
)
def test_an_english_number_is_written_in_digits(
    english_digits: TextProcessor, spoken: str, written: str
) -> None:
    assert english_digits.process(english(spoken), final=True).text == written


@pytest.mark.parametrize(
    "spoken",
    [
        "one of them",
        "no one came",
        "for one thing",
        "one by one",
        "one another",
        "one more time",
        "a one and a two",
        "two or three people",
        "just a second",
        "the second time",
        "in the first place",
        "the third man",
        "one third of the people",
        "two and a half hours",
        "about a thousand people",
        "half a million",
        "hundreds of people",
        "march on",
        "you may go in may",
        "ten to five",
        "nine eleven",
        "seven eleven",
        "six feet tall",
        "mister smith and doctor brown",
        "john at example dot com",
        "a dollar",
        "the sixties",
        "well-twenty-three",
    ],
)
def test_english_that_is_no_number_beyond_doubt_stays(
    english_digits: TextProcessor, spoken: str
) -> None:
    hypothesis = english(spoken)
    assert english_digits.process(hypothesis, final=True) == hypothesis


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("这件衣服一百二十三块", "这件衣服123块"),
        ("二十三个人受伤了", "23个人受伤了"),
        ("二零二四年五月三号", "2024年5月3号"),
        ("三月八日", "3月8日"),
        ("十一月二十三号", "11月23号"),
        ("三点半", "3点半"),
        ("下午三点二十五分", "下午3点25分"),
        ("零点五", "0.5"),
        ("百分之五十", "50%"),
        ("百分之三点五", "3.5%"),
        ("三分之一", "1/3"),
        ("十五分钟", "15分钟"),
        ("一百五十公里每小时", "150公里每小时"),
        ("五千万", "5000万"),
        ("一三八零零一三八零零零", "13800138000"),
    ],
)
def test_a_chinese_number_is_written_in_digits(
    chinese_digits: TextProcessor, spoken: str, written: str
) -> None:
    assert chinese_digits.process(chinese(spoken), final=True).text == written


@pytest.mark.parametrize(
    "spoken",
    [
        "我们一起去吧",
        "一些人",
        "一定",
        "万一下雨怎么办",
        "千万不要",
        "有一点累",
        "十分高兴",
        "两个人",
        "第二次",
        "星期三",
        "三个月",
        "三心二意",
        "一五一十",
        "三三两两",
        "七八个人",
        "四五十岁",
        "说一说",
    ],
)
def test_chinese_that_is_no_number_beyond_doubt_stays(
    chinese_digits: TextProcessor, spoken: str
) -> None:
    hypothesis = chinese(spoken)
    assert chinese_digits.process(hypothesis, final=True) == hypothesis


def test_a_number_takes_the_time_of_all_its_words_and_the_confidence_of_the_least(
    english_digits: TextProcessor,
) -> None:
    hypothesis = english("there are twenty three children")
    before, after = hypothesis.words[:2], hypothesis.words[4:]
    result = english_digits.process(hypothesis, final=True)
    assert result.words == (
        *before,
        Word("23", 2 * WORD_SAMPLES, 4 * WORD_SAMPLES, 0.9),
        *after,
    )
    assert result.confidence == hypothesis.confidence


def test_a_number_has_guessed_times_if_one_of_its_words_has(
    english_digits: TextProcessor,
) -> None:
    hypothesis = english("there are twenty three children")
    *before, three, children = hypothesis.words
    guessed = replace(hypothesis, words=(*before, replace(three, times_guessed=True), children))
    result = english_digits.process(guessed, final=True)
    assert [word.times_guessed for word in result.words] == [False, False, True, False]


def test_a_number_of_several_pieces_shares_out_the_times_of_its_words(
    english_digits: TextProcessor,
) -> None:
    result = english_digits.process(english("five million dollars"), final=True)
    assert [(w.text, w.start_sample // WORD_SAMPLES) for w in result.words] == [
        ("$5", 0),
        ("million", 1),
    ]
    assert result.words[-1].end_sample == 3 * WORD_SAMPLES


def test_a_number_inside_a_longer_word_takes_the_rest_of_the_word_along(
    chinese_digits: TextProcessor,
) -> None:
    spoken = Hypothesis(words("共一百", "二十三块", "钱"), "共一百二十三块钱")
    result = chinese_digits.process(spoken, final=True)
    assert [word.text for word in result.words] == ["共123块", "钱"]
    assert result.words[0].end_sample == 2 * WORD_SAMPLES


def test_numbers_stay_words_when_the_rewriting_fails() -> None:
    def fails(spoken: str) -> str:
        raise RuntimeError(spoken)

    spoken = words("twenty", "three")
    assert DigitNormaliser(EnglishNumbers(), fails, SPELLER)(spoken) == spoken


@pytest.mark.parametrize("nonsense", ["", "7-eleven", "2nd", "twenty 3", "20 3040", "$ 5"])
def test_numbers_stay_words_when_the_rewriting_is_nonsense(nonsense: str) -> None:
    spoken = words("twenty", "three")
    assert DigitNormaliser(EnglishNumbers(), lambda _: nonsense, SPELLER)(spoken) == spoken


@pytest.mark.parametrize(
    ("text", "spoken", "kind"),
    [
        ("at five p.m. then", "five p m", "clock"),
        ("at five thirty a. m. then", "five thirty a m", "clock"),
        ("a hundred and five men", "one hundred and five", "number"),
        ("on may fifth then", "may fifth", "date"),
    ],
)
def test_a_phrase_is_handed_on_as_the_grammar_understands_it(
    text: str, spoken: str, kind: str
) -> None:
    (phrase,) = EnglishNumbers().phrases(text)
    assert (phrase.spoken, phrase.kind) == (spoken, kind)


class _These:
    """A grammar that finds these numbers."""

    def __init__(self, *found: Phrase) -> None:
        self._found = found

    def phrases(self, text: str) -> Iterator[Phrase]:
        yield from self._found

    def written(self, phrase: Phrase, rewritten: str) -> str | None:
        return rewritten


def test_a_word_that_is_part_of_a_number_already_is_part_of_no_other() -> None:
    sharing = _These(Phrase(0, 11, "one"), Phrase(11, 19, "two"))
    digits = DigitNormaliser(sharing, {"one": "1", "two": "2"}.__getitem__, SPELLER)
    told = digits(words("seven", "eightnine", "ten"))
    assert [word.text for word in told] == ["1nine", "ten"]


def test_a_number_within_what_the_engine_wrote_stays_and_the_next_one_is_written() -> None:
    # "12a" is said "one two a".
    found = _These(Phrase(0, 7, "one two"), Phrase(10, 13, "two"))
    digits = DigitNormaliser(found, {"one two": "12", "two": "2"}.__getitem__, SPELLER)
    assert [word.text for word in digits(words("12a", "two"))] == ["12a", "2"]


@pytest.mark.parametrize(("rewritten", "told"), [("21", "12"), ("12", "12"), ("125", "125")])
def test_the_engines_own_digits_become_no_others(rewritten: str, told: str) -> None:
    digits = DigitNormaliser(_These(Phrase(0, 7, "one two")), lambda _: rewritten, SPELLER)
    assert [word.text for word in digits(words("12"))] == [told]


def test_a_text_without_numbers_is_never_shown_to_the_rewriting() -> None:
    def must_not(spoken: str) -> str:
        pytest.fail(f"asked for {spoken!r}")

    spoken = english("she is one of the women who came at noon").words
    assert DigitNormaliser(EnglishNumbers(), must_not, SPELLER)(spoken) == spoken


# Texts that lie near to numbers, and some that lie near to nothing.
NEAR_NUMBERS = """
a and at oh point the of to past half one two seven ten twelve fourteen twenty ninety hundred
thousand million percent dollars cents first second twentieth january may o'clock p m nineties
it's house twenty-three Twenty 7 . é ß İ
"""
ENGLISH = st.sampled_from(NEAR_NUMBERS.split())
CHINESE = st.sampled_from(
    [*"零一二三十百千万亿两点分之半年月日号个起幺〇", "三十", "abc", "5", "。"]
)


def hypotheses_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Word, ...]]:
    """Words in the order of time, some with pauses before them, some without length."""
    one = st.tuples(texts, st.integers(0, 20_000), st.integers(0, 8_000), st.floats(0, 1))

    def placed(drawn: list[tuple[str, int, int, float]]) -> tuple[Word, ...]:
        out = []
        at = 0
        for text, pause, length, confidence in drawn:
            out.append(Word(text, at + pause, at + pause + length, confidence))
            at += pause + length
        return tuple(out)

    return st.lists(one, max_size=12).map(placed)


ANY_WORDS = hypotheses_of(ENGLISH) | hypotheses_of(CHINESE) | hypotheses_of(st.text(max_size=6))


@settings(max_examples=150)
@given(spoken=ANY_WORDS, language=st.sampled_from(["english", "chinese", "klingon"]))
def test_any_words_keep_their_order_and_their_time(
    tools: TextTools, spoken: tuple[Word, ...], language: str
) -> None:
    processor = tools.processor(language, digits=True, punctuation=False)
    result = processor.process(Hypothesis(spoken), final=True).words
    assert bool(result) == bool(spoken)
    assert len(result) <= len(spoken)
    at = 0
    for word in result:
        assert at <= word.start_sample <= word.end_sample
        at = word.end_sample
    if spoken:
        assert result[0].start_sample == spoken[0].start_sample
        assert result[-1].end_sample == spoken[-1].end_sample
    starts = {word.start_sample for word in spoken}
    ends = {word.end_sample for word in spoken}
    assert all(w.start_sample in starts and w.end_sample in ends for w in result)
