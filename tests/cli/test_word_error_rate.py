"""The numbers of the demo."""

from __future__ import annotations

import json
from importlib.resources import files

import jiwer
from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.captions import TimedText
from rasr.cli.word_error_rate import Reference, Score, edit_distance
from tests.client.values import final, partial

REFERENCE = Reference(
    "hello there how are you",
    (TimedText("hello there", 300, 1000), TimedText("how are you", 2000, 3000)),
)

words = st.lists(st.sampled_from("abc"), max_size=7)


def test_each_latency_counts_from_the_word_that_it_is_about() -> None:
    score = Score(REFERENCE)
    score.take(partial("hello", 300, 600), 800)
    score.take(partial("hello", 300, 600), 1000)
    score.take(partial("hello there", 300, 950), 1200)
    score.take(final("hello there", 300, 980), 1700)
    score.take(partial("how", 2000, 2200), 2500)
    score.take(final("how are you", 2000, 3020), 3800)
    assert score.partial_ms == [200, 250, 300]
    assert score.first_partial_ms == [500, 500]
    assert score.final_ms == [700, 800]
    assert score.right_words() == 5


def test_a_final_in_the_middle_of_a_sentence_has_no_latency() -> None:
    score = Score(REFERENCE)
    score.take(final("how", 2000, 2300), 2900)
    assert score.final_ms == []


def test_mistakes_of_every_kind_count_against_the_words() -> None:
    score = Score(REFERENCE)
    score.take(final("Hello hair how are", 0, 1000), 0)
    assert score.right_words() == 3


def test_more_mistakes_than_words_are_no_word_right() -> None:
    score = Score(Reference("one", REFERENCE.sentences))
    score.take(final("a b c d", 0, 1000), 0)
    assert score.right_words() == 0


@settings(derandomize=True, deadline=None, max_examples=100)
@given(words.filter(bool), words)
def test_mistakes_are_those_of_the_usual_measure(said: list[str], heard: list[str]) -> None:
    measured = jiwer.process_words(" ".join(said), " ".join(heard))
    wanted = measured.substitutions + measured.deletions + measured.insertions
    assert edit_distance(said, heard) == wanted


def test_chinese_characters_count_as_words_and_english_among_them_whole() -> None:
    score = Score(Reference("我想听 music 好吗", REFERENCE.sentences))
    assert score.reference.words == ["我", "想", "听", "music", "好", "吗"]
    score.take(final("我想听 music好", 0, 1000), 0)
    assert score.right_words() == 5


def test_the_bundled_recording_has_its_sentences_in_order() -> None:
    document = (files("rasr") / "data" / "demo.json").read_text("utf-8")
    reference = Reference.parse(document)
    assert reference.text == " ".join(one.text for one in reference.sentences)
    ends = [(one.start_ms, one.end_ms) for one in reference.sentences]
    assert ends == sorted(ends)
    assert json.loads(document)["file"] == "demo.flac"
