"""Where sentences end, and what becomes of a final of several."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import Hypothesis, Word
from rasr.text import sentence_spans, sentences
from tests.text.builders import english, heard


@pytest.mark.parametrize(
    "text",
    [
        "We went home today. | It was late by then.",
        "Is it you, John? | I am so glad! | Come in, both of you.",
        "I met Mr. John Smith today. | He lives in the U.S. Army base.",
        "It is 9 a.m. Monday in 3.5 hours. | Then we will go.",
        "He lives at No. 5 there. | The answer is a no. | They went away.",
        "He stayed here... | Then he left us.",
        '"We are all here." | "So are we, my friend."',
        "So do all of I. | They are here too.",
        "We paid J. Smith for apples, pears, etc. and left.",
        # Sentences of one or two words are no texts of their own.
        "Yes. I think so. | Thank you very much. No.",
        "Yes. No.",
        "Thank you. That is kind of you. | We are all here.",
        "no marks at all here",
        "not. a sentence. because of case.",
    ],
)
def test_a_text_is_broken_where_its_sentences_end(text: str) -> None:
    parts = [part.split() for part in text.split(" | ")]
    texts = [word for part in parts for word in part]
    assert [texts[a:b] for a, b in sentence_spans(texts)] == parts


def test_chinese_sentences_are_counted_in_characters() -> None:
    texts = [*"好", "的。", *"我们现在就去北", "京。", *"你们也一起来", "吗？", *"谢", "谢。"]
    parts = ["".join(texts[a:b]) for a, b in sentence_spans(texts)]
    assert parts == ["好的。我们现在就去北京。", "你们也一起来吗？谢谢。"]


@pytest.mark.parametrize(
    ("first", "count"),
    [("你们也来。", 1), ("你们，也，来。", 1), ("你们都来吗。", 2), ("A你们来吗。", 2)],
)
def test_a_sentence_has_five_characters_at_least_marks_apart(first: str, count: int) -> None:
    assert len(sentence_spans([*first[:-2], first[-2:], *"我们现在就去北", "京。"])) == count


def test_each_sentence_has_its_words_its_times_and_its_own_confidence() -> None:
    said = english("We went home today. It was late by then.")
    said = Hypothesis(
        tuple(
            Word(word.text, word.start_sample, word.end_sample, 0.5 if index < 4 else 1.0)
            for index, word in enumerate(said.words)
        ),
        said.text,
        0.8,
    )
    first, second = sentences(said)
    assert (first.text, second.text) == ("We went home today.", "It was late by then.")
    assert first.words + second.words == said.words
    assert (first.confidence, second.confidence) == (0.5, 1.0)


def test_the_confidence_of_the_whole_stands_where_words_have_none() -> None:
    words = tuple(
        Word(text, 0, 0, 0.0) for text in ["We", "are", "all", "here.", "So", "are", "they."]
    )
    assert [one.confidence for one in sentences(Hypothesis(words, "", 0.7))] == [0.7, 0.7]


def test_one_sentence_and_text_without_words_are_told_whole() -> None:
    for one in (english("One sentence alone here."), Hypothesis(text="No words. None."), heard()):
        assert sentences(one) == (one,)


@settings(max_examples=300)
@given(
    texts=st.lists(
        st.sampled_from(
            ["a", "b.", "C.", "Mr.", "?", "I.", "D?", "e", "F", "5.", "…", '"', "的。", ""]
        ),
        max_size=14,
    )
)
def test_spans_cover_all_words_and_are_broken_no_further(texts: list[str]) -> None:
    spans = sentence_spans(texts)
    assert [index for a, b in spans for index in range(a, b)] == list(range(len(texts)))
    for a, b in spans:
        assert sentence_spans(texts[a:b]) == [(0, b - a)]


@pytest.mark.parametrize(
    ("last", "is_short"),
    [
        (["Yes."], True),
        (["Yes", "sir."], True),
        (["Yes", "sir,", "I", "do."], False),
        (["I", "do", "so."], False),
        # A mark alone is no word.
        (["Yes", "—", "sir."], True),
        # Four Chinese characters count as two words; marks and letters among them as none.
        (["好的好的。"], True),
        (["好的，好的。"], True),
        (["好的好的吧。"], False),
        (["A好的好的。"], True),
    ],
)
def test_a_sentence_of_two_words_joins_the_one_before_or_behind_it(
    last: list[str], is_short: bool
) -> None:
    first = ["It", "is", "late."]
    count = len(last)
    apart = [(0, 3), (3, 3 + count)]
    assert sentence_spans([*first, *last]) == ([(0, 3 + count)] if is_short else apart)
    # What has only begun may become longer.
    assert sentence_spans([*first, *last], grows=True) == apart
    whole = [(0, count + 3)]
    assert sentence_spans([*last, *first]) == (
        whole if is_short else [(0, count), (count, count + 3)]
    )
    # Alone it is a sentence all the same.
    assert sentence_spans(last) == [(0, count)]
