"""Digits, then punctuation, then the text."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import Hypothesis, Word
from decoder.engine import Writing
from decoder.joining import join_words
from rasr.text import TextTools
from tests.text.builders import chinese, english, heard
from tests.text.test_digits import ANY_WORDS


@pytest.fixture(scope="module")
def tools() -> TextTools:
    return TextTools()


def test_digits_come_before_punctuation(tools: TextTools) -> None:
    processor = tools.processor("english", digits=True, punctuation=True)
    result = processor.process(
        english("twenty three people were injured on january first"), final=True
    )
    assert result.text == "23 people were injured on January 1."


def test_a_chinese_final_has_digits_and_a_full_stop(tools: TextTools) -> None:
    processor = tools.processor("chinese", digits=True, punctuation=True)
    assert processor.process(chinese("一百二十三块"), final=True).text == "123块。"
    assert processor.process(chinese("一百二十三块"), final=False).text == "123块"


def test_rules_may_run_on_the_event_loop(tools: TextTools) -> None:
    processor = tools.processor("english", digits=True, punctuation=True)
    assert not processor.is_slow(english("it is twenty five and 1 2 3 4"))


def test_a_text_of_many_numbers_is_too_slow_for_it_and_keeps_them_where_that_is_late(
    tools: TextTools,
) -> None:
    writing = Writing(punctuation=True, case=True, digits=True)
    processor = tools.processor("english", digits=False, punctuation=False, writing=writing)
    many = english("So 1, 2, 3, 4, 5.")
    assert processor.is_slow(many)
    assert processor.process(many, final=True).text == "so one two three four five"
    assert processor.substitute(many, final=True).text == "so 1 2 3 4 5"


@pytest.mark.parametrize(
    "text", ["1" * 60, "$1,000,000,000,000,000,000,000,000,000,000,000,000,000,000", "one " * 80]
)
@pytest.mark.parametrize("language", ["english", "chinese"])
def test_long_numbers_are_too_slow_for_it_however_they_are_written(
    tools: TextTools, text: str, language: str
) -> None:
    writing = Writing(digits=True)
    processor = tools.processor(language, digits=True, punctuation=False, writing=writing)
    assert processor.is_slow(english(text))
    processor = tools.processor(language, digits=False, punctuation=False)
    assert not processor.is_slow(english(text)), "numbers are left alone"


def test_what_is_not_asked_for_is_not_done(tools: TextTools) -> None:
    processor = tools.processor("english", digits=False, punctuation=False)
    hypothesis = english("twenty three people")
    assert processor.process(hypothesis, final=True) == hypothesis


def test_a_language_without_tools_passes_unchanged(tools: TextTools) -> None:
    processor = tools.processor("klingon", digits=True, punctuation=True)
    hypothesis = heard("wa'", "cha'")
    assert processor.process(hypothesis, final=True) == hypothesis


def test_a_hypothesis_without_words_passes_unchanged(tools: TextTools) -> None:
    processor = tools.processor("english", digits=True, punctuation=True)
    for hypothesis in (Hypothesis(), Hypothesis(text="text of an engine without words")):
        assert processor.process(hypothesis, final=True) == hypothesis


@settings(max_examples=150)
@given(
    spoken=ANY_WORDS,
    language=st.sampled_from(["english", "chinese", "klingon"]),
    digits=st.booleans(),
    punctuation=st.booleans(),
    final=st.booleans(),
)
def test_the_text_of_any_words_is_the_words_joined(
    tools: TextTools,
    spoken: tuple[Word, ...],
    language: str,
    digits: bool,
    punctuation: bool,
    final: bool,
) -> None:
    heard = Hypothesis(spoken, join_words(word.text for word in spoken), 0.5)
    result = tools.processor(language, digits=digits, punctuation=punctuation).process(
        heard, final=final
    )
    assert result.text == join_words(word.text for word in result.words)
    assert result.confidence == 0.5
    at = 0
    for word in result.words:
        assert at <= word.start_sample <= word.end_sample
        at = word.end_sample
    if spoken:
        assert at == spoken[-1].end_sample


def test_importing_the_package_loads_no_grammar() -> None:
    code = "import sys, rasr.text; sys.exit('wetext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
