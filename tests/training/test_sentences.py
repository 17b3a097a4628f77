"""The sentences of the small model: numbers as they are said, and a line that nothing crosses."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.training.sentences import (
    DIGITS,
    Kind,
    Sentence,
    cardinal,
    characters,
    draw,
    draw_many,
    english,
    tidy,
    units,
)


def value_of(said: str) -> int:
    """The number that a cardinal says, read from left to right."""
    total = section = digit = 0
    for letter in said:
        match letter:
            case "十" | "百" | "千":
                section += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[letter]
                digit = 0
            case "万":
                total, section, digit = (section + digit) * 10_000, 0, 0
            case _:
                digit = DIGITS.index(letter)
    return total + section + digit


class TestCardinals:
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (0, "零"),
            (10, "十"),
            (15, "十五"),
            (20, "二十"),
            (101, "一百零一"),
            (110, "一百一十"),
            (1010, "一千零一十"),
            (10_305, "一万零三百零五"),
            (120_000, "十二万"),
        ],
    )
    def test_are_said_as_people_say_them(self, value: int, said: str) -> None:
        assert cardinal(value) == said

    @given(st.integers(0, 99_999_999))
    def test_say_their_value(self, value: int) -> None:
        assert value_of(cardinal(value)) == value

    @given(st.integers(0, 99_999_999))
    def test_never_say_zero_twice_in_a_row_nor_at_the_end(self, value: int) -> None:
        assert "零零" not in cardinal(value)
        assert value == 0 or not cardinal(value).endswith("零")

    @pytest.mark.parametrize("value", [-1, 100_000_000])
    def test_beyond_the_range_are_refused(self, value: int) -> None:
        with pytest.raises(ValueError, match="is not in 0 to"):
            cardinal(value)


class TestSentences:
    def test_are_the_same_for_the_same_seed(self) -> None:
        assert [draw(Random(3)) for _ in range(5)] == [draw(Random(3)) for _ in range(5)]
        assert draw_many(Random(3), 20, held_out=False) != draw_many(Random(4), 20, held_out=False)

    def test_of_training_and_of_evaluation_never_meet(self) -> None:
        trained = {text.written for text in draw_many(Random(1), 500, held_out=False)}
        evaluated = {text.written for text in draw_many(Random(2), 100, held_out=True)}
        assert len(trained) == 500
        assert not trained & evaluated

    def test_have_nothing_left_of_their_patterns_and_only_known_characters(self) -> None:
        known = {*characters(), *"abcdefghijklmnopqrstuvwxyz "}
        for text in draw_many(Random(5), 500, held_out=False):
            assert set(text.written) <= known
            assert set(text.spoken) <= known | {"，"}

    def test_are_of_every_kind(self) -> None:
        drawn = draw_many(Random(6), 200, held_out=False)
        assert {text.kind for text in drawn} == set(Kind)
        assert all(
            any(letter.isascii() for letter in text.written)
            for text in drawn
            if text.kind is Kind.MIXED
        )
        assert all(
            not any(letter.isascii() for letter in text.written)
            for text in drawn
            if text.kind is Kind.MANDARIN
        )

    def test_every_word_of_english_has_a_piece(self) -> None:
        said = {
            unit
            for text in draw_many(Random(7), 2000, held_out=False)
            for unit in units(text.written)
            if unit.isascii()
        }
        assert said <= set(english())

    def test_are_written_without_commas_and_with_spaces_around_english_alone(self) -> None:
        assert tidy("ok，我知道了，明天再说") == "ok 我知道了明天再说"
        assert Sentence("我想听 music", Kind.MIXED).written == "我想听 music"
        assert units("我想听 music，好吗") == ["我", "想", "听", "music", "好", "吗"]
