"""Results to words with times: where words lie, and that reading on is reading anew."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.sherpa.transcript import Transcript, WordMaker
from decoder.sherpa.vocabulary import Style, Vocabulary

RATE = 16_000
TOKENS = ["好", "你好", " a", "b", " c d", "e", "e@@", "<unk>", "9"]
BYTES = ["<0xE4>", "<0xBD>", "<0xA0>"]


@dataclass(frozen=True)
class Result:
    tokens: list[str]
    timestamps: list[float]
    ys_probs: list[float] = field(default_factory=list)


def maker(style: Style = Style.MARKED, tokens: Sequence[str] = (*TOKENS, *BYTES)) -> WordMaker:
    return WordMaker(Vocabulary(dict(enumerate(tokens)), style, False))


def transcript(style: Style = Style.MARKED, delay_ms: int = 0) -> Transcript:
    return Transcript(maker(style), sample_rate=RATE, delay_ms=delay_ms)


@given(
    starts=st.lists(st.floats(0, 12), min_size=1, max_size=30).map(sorted),
    delay_ms=st.integers(0, 600),
    samples=st.integers(30, 200_000),
    times=st.booleans(),
)
def test_words_are_in_order_apart_and_inside_the_audio(
    starts: list[float], delay_ms: int, samples: int, times: bool
) -> None:
    result = Result(["好"] * len(starts), starts if times else [])
    read = transcript(delay_ms=delay_ms).read(result, samples)
    assert len(read.words) == len(starts)
    assert read.words[0].start_sample >= 0
    assert read.words[-1].end_sample <= samples
    for word in read.words:
        assert word.start_sample < word.end_sample
    for before, after in itertools.pairwise(read.words):
        assert before.end_sample <= after.start_sample


def test_a_word_ends_with_the_next_one_or_a_slow_syllable_after_its_last_token() -> None:
    result = Result(
        [" a", "b", " c d"], [0.4, 0.8, 2.0], [math.log(0.9), math.log(0.4), math.log(0.5)]
    )
    first, second, third = transcript(delay_ms=100).read(result, 48_000).words
    assert (first.start_sample, first.end_sample) == (4800, 11_200 + 5120)
    assert second.start_sample == 30_400
    assert third.end_sample == 30_400 + 5120
    assert first.confidence == pytest.approx(0.6)
    assert second.confidence == pytest.approx(0.5)


def test_without_probabilities_nothing_is_claimed() -> None:
    read = transcript().read(Result(["好"], [0.1]), RATE)
    assert read.words[0].confidence == read.confidence == 0.0


@st.composite
def growing(draw: st.DrawFn, tokens_of: Sequence[str] = TOKENS) -> list[tuple[Result, int]]:
    """Results of one utterance as they come; now and then the end of one is taken back."""
    tokens: list[str] = []
    seconds: list[float] = []
    likely: list[float] = []
    samples = 0
    results = []
    for _ in range(draw(st.integers(1, 8))):
        if tokens and draw(st.integers(0, 4)) == 0:
            kept = draw(st.integers(0, len(tokens)))
            tokens, seconds, likely = tokens[:kept], seconds[:kept], likely[:kept]
        for _ in range(draw(st.integers(0, 5))):
            tokens = [*tokens, draw(st.sampled_from(tokens_of))]
            at = (seconds[-1] if seconds else 0.0) + draw(st.sampled_from([0.0, 0.04, 0.32]))
            seconds = [*seconds, at]
            likely = [*likely, draw(st.sampled_from([0.0, -0.5, -2.0]))]
        samples += draw(st.sampled_from([0, 40, 1600, 5120]))
        results.append((Result(tokens, seconds, likely), samples))
    return results


def styles() -> st.SearchStrategy[tuple[Style, list[tuple[Result, int]]]]:
    marked = growing([*TOKENS, *BYTES])
    return st.tuples(st.just(Style.MARKED), marked) | st.tuples(
        st.sampled_from([Style.CONTINUED, Style.WHOLE]), growing()
    )


@given(style_and_results=styles(), delay_ms=st.sampled_from([0, 300]))
def test_reading_on_is_reading_anew(
    style_and_results: tuple[Style, list[tuple[Result, int]]], delay_ms: int
) -> None:
    style, results = style_and_results
    reading_on = transcript(style, delay_ms)
    for result, samples in results:
        anew = transcript(style, delay_ms).read(result, samples)
        assert reading_on.read(result, samples) == anew


def test_words_that_nothing_can_change_are_not_read_again() -> None:
    class Counting(WordMaker):
        read = 0

        def words(self, tokens):  # type: ignore[no-untyped-def]
            self.read += len(tokens)
            return super().words(tokens)

    counting = Counting(Vocabulary(dict(enumerate(TOKENS)), Style.MARKED, False))
    one = Transcript(counting, sample_rate=RATE)
    for count in range(1, 101):
        result = Result([" a"] * count, [number * 0.3 for number in range(count)])
        one.read(result, count * 4800 + 16_000)
    assert counting.read < 300
