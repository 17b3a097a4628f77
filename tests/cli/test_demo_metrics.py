"""The numbers of the demo."""

from __future__ import annotations

import json
from importlib.resources import files

import jiwer
from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.captions import TimedText
from rasr.cli.demo_metrics import DemoMetrics, Reference, in_seconds
from rasr.cli.word_error_rate import edit_distance
from tests.client.values import final, partial

REFERENCE = Reference(
    "hello there how are you",
    (TimedText("hello there", 300, 1000), TimedText("how are you", 2000, 3000)),
)

words = st.lists(st.sampled_from("abc"), max_size=7)


def test_each_latency_counts_from_the_word_that_it_is_about() -> None:
    metrics = DemoMetrics(REFERENCE)
    metrics.take(partial("hello", 300, 600), 800)
    metrics.take(partial("hello", 300, 600), 1000)
    metrics.take(partial("hello there", 300, 950), 1200)
    metrics.take(final("hello there", 300, 980), 1700)
    metrics.take(partial("how", 2000, 2200), 2500)
    metrics.take(final("how are you", 2000, 3020), 3800)
    assert metrics.partial_ms == [200, 250, 300]
    assert metrics.first_partial_ms == [500, 500]
    assert metrics.final_ms == [700, 800]
    assert metrics.right_words() == 5


def test_a_final_in_the_middle_of_a_sentence_has_no_latency() -> None:
    metrics = DemoMetrics(REFERENCE)
    metrics.take(final("how", 2000, 2300), 2900)
    assert metrics.final_ms == []


def test_mistakes_of_every_kind_count_against_the_words() -> None:
    metrics = DemoMetrics(REFERENCE)
    metrics.take(final("Hello hair how are", 0, 1000), 0)
    assert metrics.right_words() == 3


def test_more_mistakes_than_words_are_no_word_right() -> None:
    metrics = DemoMetrics(Reference("one", REFERENCE.sentences))
    metrics.take(final("a b c d", 0, 1000), 0)
    assert metrics.right_words() == 0


@settings(derandomize=True, deadline=None, max_examples=100)
@given(words.filter(bool), words)
def test_mistakes_are_those_of_the_usual_measure(said: list[str], heard: list[str]) -> None:
    measured = jiwer.process_words(" ".join(said), " ".join(heard))
    wanted = measured.substitutions + measured.deletions + measured.insertions
    assert edit_distance(said, heard) == wanted


def test_chinese_characters_count_as_words_and_english_among_them_whole() -> None:
    metrics = DemoMetrics(Reference("我想听 music 好吗", REFERENCE.sentences))
    assert metrics.reference.words == ["我", "想", "听", "music", "好", "吗"]
    metrics.take(final("我想听 music好", 0, 1000), 0)
    assert metrics.right_words() == 5


def test_a_median_is_told_in_seconds_and_none_as_unknown() -> None:
    assert in_seconds([100, 900, 300]) == "0.30 s"
    assert in_seconds([]) == "unknown"


def test_the_bundled_recording_has_its_sentences_in_order() -> None:
    document = (files("rasr") / "data" / "demo.json").read_text("utf-8")
    reference = Reference.parse(document)
    assert reference.text == " ".join(one.text for one in reference.sentences)
    ends = [(one.start_ms, one.end_ms) for one in reference.sentences]
    assert ends == sorted(ends)
    assert json.loads(document)["file"] == "demo.flac"
