"""Tokens to words: which letters belong together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from decoder.sherpa.transcript import WordMaker, words_of_text
from decoder.sherpa.vocabulary import Style, Vocabulary, byte_letters

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
        (["你", "好", "，", "吗", "？"], Style.WHOLE, ["你", "好，", "吗？"]),
        (["▁yes", ",", "▁no", "▁.", "▁(", "ok", ")"], Style.MARKED, ["yes,", "no.", "(ok)"]),
        (["，", "你"], Style.WHOLE, ["，", "你"]),
    ],
)
def test_tokens_make_words(tokens: list[str], style: Style, expected: list[str]) -> None:
    assert words(tokens, style) == expected


def test_pieces_of_bytes_are_read_as_text_wherever_they_are_cut() -> None:
    text = "".join(BYTES[byte] for byte in "你好ok吗".encode())
    for cut in range(1, len(text)):
        tokens = ["▁" + text[:cut], text[cut:]]
        assert words(tokens, Style.BYTES) == ["你", "好", "ok", "吗"]


def test_text_has_the_same_words_as_its_tokens() -> None:
    text = " And so, my  fellow 美国人，不要问 what's  up ? "
    expected = ["And", "so,", "my", "fellow", "美", "国", "人，", "不", "要", "问", "what's", "up?"]
    assert words_of_text(text) == expected
    assert words_of_text(" ") == []


def test_capitals_that_say_nothing_are_written_small() -> None:
    assert words([" HEL", "LO"], Style.MARKED, lower=True) == ["hello"]


def test_every_byte_has_a_letter_of_its_own() -> None:
    assert sorted(byte_letters().values()) == list(range(256))
    assert byte_letters()["Ā"] == 0
    assert byte_letters()["ı"] == 144
    assert byte_letters()["Ĵ"] == 145
    assert byte_letters()["Ʀ"] == 255


@pytest.mark.parametrize(
    ("symbols", "digits"),
    [
        (["▁a", "5"], True),
        (["▁1st"], True),
        (["▁a", "。"], False),
        (["<0x35>", "#0", "<unk1>"], False),
    ],
)
def test_a_vocabulary_with_digits_can_write_numbers(symbols: list[str], digits: bool) -> None:
    assert Vocabulary(dict(enumerate(symbols)), Style.MARKED, False).digits is digits
