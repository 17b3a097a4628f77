"""Engines that write marks, case and digits: what was asked for decides, not the engine."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import Hypothesis, Word
from decoder.engine import Writing
from rasr.text import TextTools
from tests.text.builders import WORD_SAMPLES, chinese, english, heard
from tests.text.test_digits import hypotheses_of

ALL = Writing(punctuation=True, case=True, digits=True)


@pytest.fixture(scope="module")
def tools() -> TextTools:
    return TextTools()


def shown(tools: TextTools, text: str, *, digits: bool, punctuation: bool) -> str:
    processor = tools.processor("english", digits=digits, punctuation=punctuation, writing=ALL)
    return processor.process(english(text), final=True).text


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        (
            "And so, my fellow Americans, ask not what your country can do for you.",
            "and so my fellow Americans ask not what your country can do for you",
        ),
        ("I know. I'm late.", "I know I'm late"),
        ("NASA flew. On Monday. McDonald left.", "NASA flew on Monday McDonald left"),
        # A name that begins a sentence is known by its other places.
        ("I saw John. John saw me. Then he left.", "I saw John John saw me then he left"),
        ("Mr. Smith met Dr. Brown.", "mister Smith met doctor Brown"),
        ("At 9 a.m. the U.S. woke.", "at 9:00 a.m. the U.S. woke"),
        ('"Stop!" she said — "(now)..."', "stop she said now"),
        ("Well—no.", "well no"),
    ],
)
def test_without_punctuation_marks_and_the_case_of_sentences_go(
    tools: TextTools, text: str, bare: str
) -> None:
    assert shown(tools, text, digits=True, punctuation=False) == bare


def test_with_punctuation_what_the_engine_writes_stays(tools: TextTools) -> None:
    text = "Mr. Smith said, “No.” Did he? At home, yes; it's John's…"
    assert shown(tools, text, digits=True, punctuation=True) == text
    assert shown(tools, text, digits=False, punctuation=True) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("It costs $5, not $6.", "It costs five dollars, not six dollars."),
        ("25 people came.", "Twenty five people came."),
        ("It was $5 million in 1961.", "It was five million dollars in nineteen sixty one."),
        ("Come at 7:30, the 3rd.", "Come at seven thirty, the third."),
        ("20% (or 3.5)", "Twenty percent (or three point five)"),
        ("We sent (25) of them.", "We sent (twenty five) of them."),
        ("“25 of us,” he said.", "“Twenty five of us,” he said."),
    ],
)
def test_without_digits_those_of_the_engine_are_spelt_out(
    tools: TextTools, text: str, written: str
) -> None:
    assert shown(tools, text, digits=False, punctuation=True) == written


@pytest.mark.parametrize(
    ("variants", "written"),
    [
        (("It costs $5.", "It costs 5 dollars.", "It costs five dollars."), "It costs $5."),
        (("25 men.", "Twenty-five men.", "Twenty five men."), "25 men."),
        (
            ("“25,” he said.", "“Twenty-five,” he said.", "“Twenty five,” he said."),
            "“25,” he said.",
        ),
        (("20% off.", "20 percent off.", "twenty percent off."), "20% off."),
        (("On May 3rd, 2024.", "On May third, 2024."), "On May 3, 2024."),
        (("At 7:30 p.m. today", "At seven thirty p m today"), "At 7:30 p.m. today"),
        (("In 1961, we met.", "In nineteen sixty one, we met."), "In 1961, we met."),
        (("10,000 of us.", "Ten thousand of us."), "10000 of us."),
        (("$2,000,000 more", "two million dollars more"), "$2 million more"),
    ],
)
def test_numbers_are_normalised_the_same_way_whatever_the_engine_wrote(
    tools: TextTools, variants: tuple[str, ...], written: str
) -> None:
    assert {shown(tools, one, digits=True, punctuation=True) for one in variants} == {written}


@pytest.mark.parametrize(
    "text",
    [
        "1, 2, 3, 4.",
        "Covid-19 came.",
        "He is 6 feet tall, 10 km away, 24/7.",
        "The 3rd of them.",
        "1905 and 007.",
        "It's at 7:30.",
    ],
)
def test_what_leads_to_no_number_or_to_another_one_stays_as_the_engine_wrote_it(
    tools: TextTools, text: str
) -> None:
    assert shown(tools, text, digits=True, punctuation=True) == text


def test_the_words_of_a_number_share_the_time_of_what_the_engine_wrote(tools: TextTools) -> None:
    said = english("in 1961 yes")
    processor = tools.processor("english", digits=False, punctuation=True, writing=ALL)
    words = processor.process(said, final=True).words
    assert [word.text for word in words] == ["in", "nineteen", "sixty", "one", "yes"]
    assert (words[0], words[-1]) == (said.words[0], said.words[-1])
    assert (words[1].start_sample, words[3].end_sample) == (WORD_SAMPLES, 2 * WORD_SAMPLES)
    assert words[1].end_sample == words[2].start_sample < words[2].end_sample


@pytest.mark.parametrize(
    ("digits", "punctuation", "written"),
    [
        (True, True, "他有25个，谢谢。"),
        (True, False, "他有25个谢谢"),
        (False, True, "他有二十五个，谢谢。"),
        (False, False, "他有二十五个谢谢"),
    ],
)
def test_chinese_marks_and_digits_obey_too(
    tools: TextTools, digits: bool, punctuation: bool, written: str
) -> None:
    text = heard("他", "有", "25", "个，", "谢", "谢。")
    processor = tools.processor("chinese", digits=digits, punctuation=punctuation, writing=ALL)
    assert processor.process(text, final=True).text == written


def test_an_engine_with_marks_and_without_case_gets_the_case_of_sentences(
    tools: TextTools,
) -> None:
    processor = tools.processor(
        "english", digits=False, punctuation=True, writing=Writing(punctuation=True)
    )
    said = english("i came. on monday, i left.")
    assert processor.process(said, final=True).text == "I came. On Monday, I left."


def test_an_engine_with_case_and_without_marks_keeps_its_names(tools: TextTools) -> None:
    writing = Writing(case=True)
    said = english("Yesterday Anna came")
    for punctuation, text in ((True, "Yesterday Anna came."), (False, "yesterday Anna came")):
        processor = tools.processor(
            "english", digits=False, punctuation=punctuation, writing=writing
        )
        assert processor.process(said, final=True).text == text


def test_marks_of_a_language_without_tools_go_all_the_same(tools: TextTools) -> None:
    processor = tools.processor("klingon", digits=False, punctuation=False, writing=ALL)
    assert processor.process(english("Qapla', 25!"), final=True).text == "qapla 25"


def test_chinese_without_marks_is_untouched(tools: TextTools) -> None:
    processor = tools.processor("chinese", digits=False, punctuation=False, writing=ALL)
    said = chinese("你好")
    assert processor.process(said, final=True).words == said.words


NEAR_WRITING = """
I A Mr. a.m. U.S. $5 $5.20 5 25 25, 1961. 7:30 20% 3rd 1990s million dollars, five twenty-five
p.m. May Monday. well—no -- … "Stop" (5) don't 10 km NASA John's 1/2 #1 x2 555-1234
"""


@settings(max_examples=200)
@given(
    spoken=hypotheses_of(st.sampled_from(NEAR_WRITING.split()))
    | hypotheses_of(st.text("a.A,5-$% '年。", max_size=6)),
    language=st.sampled_from(["english", "chinese", "klingon"]),
    digits=st.booleans(),
    punctuation=st.booleans(),
)
def test_any_writing_keeps_its_order_and_its_time(
    tools: TextTools, spoken: tuple[Word, ...], language: str, digits: bool, punctuation: bool
) -> None:
    processor = tools.processor(language, digits=digits, punctuation=punctuation, writing=ALL)
    result = processor.process(Hypothesis(spoken), final=True)
    at = spoken[0].start_sample if spoken else 0
    for word in result.words:
        assert at <= word.start_sample <= word.end_sample <= spoken[-1].end_sample
        at = word.end_sample
    if not digits and language != "klingon":
        assert not any(character.isdecimal() for character in result.text)
