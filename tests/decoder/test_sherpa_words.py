"""Tokens to words: which letters belong together, and when they were said."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.sherpa.vocabulary import Style, Vocabulary, byte_letters
from decoder.sherpa.words import Spoken, TokenTimes, WordMaker, timed

BYTES = {byte: letter for letter, byte in byte_letters().items()}


def words(tokens: Sequence[str], style: Style, *, lower: bool = False) -> list[str]:
    vocabulary = Vocabulary(dict(enumerate(dict.fromkeys(tokens))), style, lower)
    return [word.text for word in WordMaker(vocabulary).words(tokens)]


@pytest.mark.parametrize(
    ("tokens", "style", "expected"),
    [
        (["你", "好"], Style.WHOLE, ["你", "好"]),
        (["▁hel", "lo", "▁wor", "ld"], Style.MARKED, ["hello", "world"]),
        ([" hel", "lo", " wor", "ld"], Style.MARKED, ["hello", "world"]),
        (["我", " wi", "fi", "坏", "了"], Style.MARKED, ["我", "wifi", "坏", "了"]),
        (["今", "天", " o", "k"], Style.MARKED, ["今", "天", "ok"]),
        (["▁", "a", "▁", "b"], Style.MARKED, ["a", "b"]),
        (["he@@", "llo", "你", "wor@@", "ld"], Style.CONTINUED, ["hello", "你", "world"]),
        (["hello", "world"], Style.CONTINUED, ["hello", "world"]),
        (["д", "а", " ", "н", "е", "т"], Style.SPACED, ["да", "нет"]),
        (["open", "开", "door"], Style.WHOLE, ["open", "开", "door"]),
        (["<0xE4>", "<0xBD>", "<0xA0>", "▁ok"], Style.MARKED, ["你", "ok"]),
        (["<0xE4>", "▁ok"], Style.MARKED, ["ok"]),
        (["<unk>", "你", "<blk>"], Style.MARKED, ["你"]),
    ],
)
def test_tokens_make_words(tokens: list[str], style: Style, expected: list[str]) -> None:
    assert words(tokens, style) == expected


def test_pieces_of_bytes_are_read_as_text_wherever_they_are_cut() -> None:
    text = "".join(BYTES[byte] for byte in "你好ok吗".encode())
    for cut in range(1, len(text)):
        tokens = ["▁" + text[:cut], text[cut:]]
        assert words(tokens, Style.BYTES) == ["你", "好", "ok", "吗"]


def test_capitals_that_say_nothing_are_written_small() -> None:
    assert words([" HEL", "LO"], Style.MARKED, lower=True) == ["hello"]


def test_every_byte_has_a_letter_of_its_own() -> None:
    assert sorted(byte_letters().values()) == list(range(256))
    assert byte_letters()["Ā"] == 0
    assert byte_letters()["ı"] == 144
    assert byte_letters()["Ĵ"] == 145
    assert byte_letters()["Ʀ"] == 255


@given(
    starts=st.lists(st.floats(0, 12), min_size=1, max_size=30).map(sorted),
    delay_ms=st.integers(0, 600),
    samples=st.integers(30, 200_000),
    times=st.booleans(),
)
def test_words_are_in_order_apart_and_inside_the_sound(
    starts: list[float], delay_ms: int, samples: int, times: bool
) -> None:
    tokens = ["好"] * len(starts)
    spoken = [Spoken("好", index, index + 1) for index in range(len(starts))]
    said = TokenTimes(tokens, starts if times else (), ())
    result = timed(spoken, said, sample_rate=16000, delay_ms=delay_ms, samples=samples)
    assert len(result.words) == len(starts)
    assert result.words[0].start_sample >= 0
    assert result.words[-1].end_sample <= samples
    for word in result.words:
        assert word.start_sample < word.end_sample
    for before, after in itertools.pairwise(result.words):
        assert before.end_sample <= after.start_sample


def test_a_word_ends_with_the_next_one_or_a_slow_syllable_after_its_last_token() -> None:
    tokens = [" a", "b", " c"]
    spoken = [Spoken("ab", 0, 2), Spoken("c", 2, 3)]
    said = TokenTimes(tokens, (0.4, 0.8, 2.0), (math.log(0.9), math.log(0.4), math.log(0.5)))
    first, second = timed(spoken, said, sample_rate=16000, delay_ms=100, samples=48_000).words
    assert (first.start_sample, first.end_sample) == (4800, 11_200 + 5120)
    assert (second.start_sample, second.end_sample) == (30_400, 30_400 + 5120)
    assert first.confidence == pytest.approx(0.6)
    assert second.confidence == pytest.approx(0.5)


def test_without_probabilities_nothing_is_claimed() -> None:
    said = TokenTimes(["好"], (0.1,), ())
    result = timed([Spoken("好", 0, 1)], said, sample_rate=16000, delay_ms=0, samples=16_000)
    assert result.words[0].confidence == result.confidence == 0.0
