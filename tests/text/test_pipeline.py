"""Digits, then punctuation, then the text."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import Hypothesis, Word
from rasr.text import TextTools, join_words
from tests.text.builders import chinese, english, heard
from tests.text.test_digits import ANY_WORDS


@pytest.fixture(scope="module")
def tools() -> TextTools:
    return TextTools()


def test_digits_come_before_punctuation(tools: TextTools) -> None:
    step = tools.step("english", digit_norm=True, add_punc=True)
    result = step(english("twenty three people were injured on january first"), True)
    assert result.text == "23 people were injured on January 1."


def test_a_chinese_final_has_digits_and_a_full_stop(tools: TextTools) -> None:
    step = tools.step("chinese", digit_norm=True, add_punc=True)
    assert step(chinese("一百二十三块"), True).text == "123块。"
    assert step(chinese("一百二十三块"), False).text == "123块"


def test_what_is_not_asked_for_is_not_done(tools: TextTools) -> None:
    step = tools.step("english", digit_norm=False, add_punc=False)
    hypothesis = english("twenty three people")
    assert step(hypothesis, True) == hypothesis


def test_a_language_without_tools_passes_unchanged(tools: TextTools) -> None:
    step = tools.step("klingon", digit_norm=True, add_punc=True)
    hypothesis = heard("wa'", "cha'")
    assert step(hypothesis, True) == hypothesis


def test_a_hypothesis_without_words_passes_unchanged(tools: TextTools) -> None:
    step = tools.step("english", digit_norm=True, add_punc=True)
    for hypothesis in (Hypothesis(), Hypothesis(text="text of an engine without words")):
        assert step(hypothesis, True) == hypothesis


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    spoken=ANY_WORDS,
    language=st.sampled_from(["english", "chinese", "klingon"]),
    digit_norm=st.booleans(),
    add_punc=st.booleans(),
    final=st.booleans(),
)
def test_the_text_of_any_words_is_the_words_joined(
    tools: TextTools,
    spoken: tuple[Word, ...],
    language: str,
    digit_norm: bool,
    add_punc: bool,
    final: bool,
) -> None:
    heard = Hypothesis(spoken, join_words(word.text for word in spoken), 0.5)
    result = tools.step(language, digit_norm, add_punc)(heard, final)
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
