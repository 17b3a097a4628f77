"""The numbers of the demo."""

from __future__ import annotations

import json
from importlib.resources import files

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.captions import TimedWord
from rasr.cli.demo_metrics import DemoMetrics, Reference, in_seconds
from rasr.cli.word_error_rate import edit_distance
from rasr.text.spoken import Speller, load_spellers
from tests.client.values import final, partial

REFERENCE = Reference(
    (
        (TimedWord("hello", 300, 600), TimedWord("there", 600, 1000)),
        (TimedWord("how", 2000, 2200), TimedWord("are", 2200, 2600), TimedWord("you", 2600, 3000)),
    )
)

words = st.lists(st.sampled_from("abc"), max_size=7)


@pytest.fixture(scope="module")
def spellers() -> dict[str, Speller]:
    return load_spellers()


@pytest.fixture
def metrics(spellers: dict[str, Speller]) -> DemoMetrics:
    return DemoMetrics(REFERENCE, spellers["english"].spoken)


def reference(*said: str) -> Reference:
    return Reference((tuple(TimedWord(one, n * 100, n * 100 + 90) for n, one in enumerate(said)),))


def test_each_latency_counts_from_the_word_that_it_is_about(metrics: DemoMetrics) -> None:
    metrics.take(partial("Hello", 300, 600), 800)
    metrics.take(partial("Hello", 300, 600), 1000)
    metrics.take(partial("Hello there", 300, 950), 1200)
    metrics.take(final("Hello there.", 300, 980), 1700)
    metrics.take(partial("How", 2000, 2200), 2500)
    metrics.take(final("How are you?", 2000, 3020), 3800)
    assert metrics.word_ms == [200, 200, 300, 1200, 800]
    assert metrics.final_ms == [700, 800]
    assert metrics.wrong == 0


def test_a_word_that_no_final_has_has_no_latency(metrics: DemoMetrics) -> None:
    metrics.take(partial("hello there", 300, 1000), 1200)
    metrics.take(final("hello their", 300, 1000), 1700)
    assert metrics.word_ms == [600]


def test_a_word_is_not_seen_before_it_is_said(spellers: dict[str, Speller]) -> None:
    again = Reference(((TimedWord("no", 0, 100), TimedWord("no", 900, 1000)),))
    metrics = DemoMetrics(again, spellers["english"].spoken)
    metrics.take(partial("no no", 0, 1000), 500)
    metrics.take(final("no no", 0, 1000), 1500)
    assert metrics.word_ms == [400, 500]


def test_a_final_in_the_middle_of_a_sentence_has_no_latency(metrics: DemoMetrics) -> None:
    metrics.take(final("how", 2000, 2300), 2900)
    assert metrics.final_ms == []


def test_a_final_may_end_later_than_its_last_word(metrics: DemoMetrics) -> None:
    metrics.take(final("hello there", 300, 1900), 1700)
    assert metrics.final_ms == [700]


def test_of_several_finals_of_an_utterance_the_last_one_counts(metrics: DemoMetrics) -> None:
    metrics.take(partial("Hello there. How are you", 300, 3000), 3200)
    metrics.take(final("Hello there.", 300, 1000), 3600)
    metrics.take(final("How are you?", 2000, 3000), 3600)
    assert metrics.final_ms == [600]
    assert metrics.wrong == 0


def test_mistakes_of_every_kind_count(metrics: DemoMetrics) -> None:
    metrics.take(final("Hello hair how are, are", 0, 1000), 0)
    assert (metrics.wrong, metrics.total) == (2, 5)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("and mister john had five million dollars", "And Mr. John had $5 million."),
        ("an ill disposed young man", "An ill-disposed young man?"),
        ("twenty three people", "23 people"),
    ],
)
def test_words_are_compared_as_they_are_said(
    said: str, written: str, spellers: dict[str, Speller]
) -> None:
    metrics = DemoMetrics(reference(*said.split()), spellers["english"].spoken)
    metrics.take(final(written, 0, 600), 5000)
    assert metrics.wrong == 0
    assert len(metrics.word_ms) == metrics.total


def test_chinese_characters_count_as_words_and_english_among_them_whole(
    spellers: dict[str, Speller],
) -> None:
    metrics = DemoMetrics(
        reference("我", "想", "听", "music", "十", "分", "钟"), spellers["chinese"].spoken
    )
    metrics.take(final("我想听 music 10分。", 0, 1000), 0)
    assert (metrics.wrong, metrics.total) == (1, 7)


@settings(max_examples=100)
@given(words.filter(bool), words)
def test_mistakes_are_those_of_the_usual_measure(said: list[str], heard: list[str]) -> None:
    measured = jiwer.process_words(" ".join(said), " ".join(heard))
    wanted = measured.substitutions + measured.deletions + measured.insertions
    assert edit_distance(said, heard) == wanted


def test_a_median_is_told_in_seconds_and_none_as_unknown() -> None:
    assert in_seconds([100, 900, 300]) == "0.30 s"
    assert in_seconds([]) == "unknown"


@pytest.mark.parametrize("name", ["demo", "demo-human"])
def test_a_bundled_recording_has_its_words_in_order(
    name: str, spellers: dict[str, Speller]
) -> None:
    document = (files("rasr") / "data" / f"{name}.json").read_text("utf-8")
    found = Reference.parse(document, spellers["english"].spoken)
    assert json.loads(document)["text"] == " ".join(one.text for one in found.words)
    times = [(one.start_ms, one.end_ms) for one in found.words]
    assert times == sorted(times)
    assert json.loads(document)["file"] == f"{name}.flac"
