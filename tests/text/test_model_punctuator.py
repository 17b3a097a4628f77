"""A model's text is laid beside the words; where it cannot be, the rules stand in."""

from __future__ import annotations

import pytest

from decoder.engine import Writing
from decoder.sherpa.punctuation import PunctuationModel
from rasr.text import TextTools
from rasr.text.model_punctuator import ModelPunctuator, NotAligned
from tests.text.builders import chinese, english, heard


def marked(
    written: str, *texts: str, final: bool = True, latin: bool = True, case: bool = False
) -> list[str]:
    punctuator = ModelPunctuator(lambda text: written, case=case, latin=latin)
    return [word.text for word in punctuator(heard(*texts).words, final)]


def test_words_get_the_marks_and_the_case_of_the_model() -> None:
    assert marked("Hello, are you OK?", "hello", "are", "you", "ok", case=True) == [
        *("Hello,", "are", "you", "OK?"),
    ]


def test_a_model_without_case_gets_that_of_sentences_and_marks_of_the_language() -> None:
    assert marked("hello，i am here。so is he。", "hello", "i", "am", "here", "so", "is", "he") == [
        *("Hello,", "I", "am", "here.", "So", "is", "he."),
    ]


def test_chinese_marks_stay_chinese() -> None:
    assert marked("你好，我用iphone。", *"你好我用", "iphone", latin=False) == [
        *("你", "好，", "我", "用", "iphone。"),
    ]


def test_the_last_word_of_a_partial_gets_no_mark() -> None:
    assert marked("hello，you。", "hello", "you", final=False) == ["Hello,", "you"]


def test_a_word_that_the_model_cuts_into_pieces_is_put_together_again() -> None:
    assert marked("don ' t go。", "don't", "go") == ["Don't", "go."]


@pytest.mark.parametrize("written", ["hello world。", "hello。", "hello you and more", ""])
def test_other_words_than_those_that_were_given_are_refused(written: str) -> None:
    with pytest.raises(NotAligned):
        marked(written, "hello", "you")


def question(text: str) -> str:
    """A model that ends every text with a question mark."""
    return text + "？"


@pytest.fixture(scope="module")
def tools() -> TextTools:
    model = PunctuationModel(question, case=False)
    return TextTools({"english": model, "chinese": model})


def test_a_model_comes_before_numbers_and_is_slow(tools: TextTools) -> None:
    processor = tools.processor("english", digits=True, punctuation=True)
    said = english("are you twenty five")
    assert processor.is_slow(said)
    assert processor.process(said, final=True).text == "Are you 25?"
    assert processor.process(said, final=False).text == "Are you 25"
    spelt = tools.processor("english", digits=False, punctuation=True)
    assert spelt.process(said, final=True).text == "Are you twenty five?"


def test_the_rules_stand_in_for_a_model_that_is_late(tools: TextTools) -> None:
    processor = tools.processor("english", digits=True, punctuation=True)
    assert processor.substitute(english("i am twenty five"), final=True).text == "I am 25."
    processor = tools.processor("chinese", digits=True, punctuation=True)
    assert processor.substitute(chinese("一百二十三块"), final=True).text == "123块。"


@pytest.mark.parametrize(
    ("punctuation", "writing"),
    [(False, Writing()), (True, Writing(punctuation=True)), (False, Writing(True, True, True))],
)
def test_no_model_where_nobody_wants_marks_or_the_engine_writes_them(
    tools: TextTools, punctuation: bool, writing: Writing
) -> None:
    processor = tools.processor("english", digits=True, punctuation=punctuation, writing=writing)
    said = english("we are here")
    assert not processor.is_slow(said)
    assert "?" not in processor.process(said, final=True).text
