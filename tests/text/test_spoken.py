"""Written words are said as people say them; whatever is written, something is said or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.text.spoken import ChineseSpeller, EnglishSpeller, Speller, load_spellers


@pytest.fixture(scope="module")
def spellers() -> dict[str, Speller]:
    return load_spellers()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Hello,", "hello"),
        ("don’t", "don't"),
        ("rock-hearted", "rock hearted"),
        ('"Well,"', "well"),
        ("—", ""),
        ("$5", "five dollars"),
        ("$1", "one dollar"),
        ("$5 million", "five million dollars"),
        ("$2.5 billion,", "two point five billion dollars"),
        ("$5.20", "five dollars and twenty cents"),
        ("$1,000", "one thousand dollars"),
        ("1,500", "one thousand five hundred"),
        ("1000", "one thousand"),
        ("10,000", "ten thousand"),
        ("1961,", "nineteen sixty one"),
        ("1990s", "nineteen nineties"),
        ("7:30", "seven thirty"),
        ("10:00", "ten o'clock"),
        ("10:00 a.m.", "ten a m"),
        ("20%", "twenty percent"),
        ("3rd", "third"),
        ("3.5", "three point five"),
        ("10 km", "ten kilometers"),
        ("21st-century", "twenty first century"),
        ("covid-19", "covid nineteen"),
        ("555-1234", "five five five one two three four"),
        ("#1", "number one"),
        ("1910s", "nineteen tens"),
        ("1980s", "nineteen eighties"),
        ("½", "one half"),
        ("-5", "negative five"),
        ("'5", "five"),
        ("-five", "five"),
        ("+a-b", "a b"),
        ("U.S.", "u s"),
        ("Ph.D.", "p h d"),
        ("Mr.", "mister"),
        ("Mr. Smith", "mister smith"),
        ("google.com", "google dot com"),
        ("1234567890123456", "one two three four five six seven eight nine zero one two three four"
         " five six"),
    ],
)  # fmt: skip
def test_english_is_written_as_it_is_said(
    spellers: dict[str, Speller], written: str, said: str
) -> None:
    assert spellers["english"].spoken(written) == tuple(said.split())


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("25", "二十五"),
        ("我有25个，", "我有二十五个"),
        ("2024年5月3号", "二零二四年五月三号"),
        ("20%", "百分之二十"),
        ("3.5", "三点五"),
        ("1,000", "一千"),
        ("你好。", "你好"),
    ],
)
def test_chinese_digits_become_characters(
    spellers: dict[str, Speller], written: str, said: str
) -> None:
    assert spellers["chinese"].spoken(written) == tuple(said)


def test_words_of_letters_stay_words_in_chinese(spellers: dict[str, Speller]) -> None:
    assert spellers["chinese"].spoken("用iPhone") == ("用", "iphone")


def test_a_number_is_said_together_with_its_scale_and_its_unit(
    spellers: dict[str, Speller],
) -> None:
    texts = ["It", "cost", "$5", "million", "in", "1961,", "hundreds", "of", "km"]
    joint = [texts[a:b] for a, b in spellers["english"].together(texts) if b - a > 1]
    assert joint == [["$5", "million"]]
    # What merely begins with a digit has no unit.
    for texts, together in ((["5", "km"], 1), (["5th", "km"], 2), (["x5", "km"], 1)):
        assert len(list(spellers["english"].together(texts))) == together, texts
    texts = [*"我在2024年", "有"]
    assert [texts[a:b] for a, b in spellers["chinese"].together(texts) if b - a > 1] == [
        [*"2024年"]
    ]


def test_words_of_letters_never_reach_the_grammar() -> None:
    def refuse(written: str) -> str:
        raise AssertionError(f"{written!r} is said as it is written")

    assert EnglishSpeller(refuse).spoken("Mr. O'Brien's well-known U.S. friend, said:") == (
        *("mister", "o'brien's", "well", "known", "u", "s", "friend", "said"),
    )
    assert ChineseSpeller(refuse).spoken("你好，我用iPhone。")[-1] == "iphone"


def test_digits_are_said_one_by_one_where_the_grammar_fails() -> None:
    def fail(written: str) -> str:
        raise RuntimeError("no path")

    assert EnglishSpeller(fail).spoken("x25%") == ("x", "two", "five")
    assert ChineseSpeller(fail).spoken("25") == ("二", "五")


@settings(max_examples=200)
@given(written=st.text(max_size=12) | st.text("0123456789$%.,:-/' amk年点", max_size=12))
def test_nothing_written_makes_a_speller_fail(spellers: dict[str, Speller], written: str) -> None:
    for speller in spellers.values():
        said = speller.spoken(written)
        assert all(word and word == word.strip() and " " not in word for word in said)
        assert not any(character.isdecimal() for word in said for character in word)


@pytest.mark.parametrize(
    ("written", "core"),
    [
        *((f".{digit}", f".{digit}") for digit in range(10)),
        *(("(.5)", ".5"), (".75%,", ".75%"), ("...7", "7"), ("...so", "so"), ("7.", "7")),
    ],
)
def test_a_point_that_begins_a_fraction_is_part_of_it(written: str, core: str) -> None:
    asked: list[str] = []

    def normalise(text: str) -> str:
        asked.append(text)
        return "said"

    EnglishSpeller(normalise).spoken(written)
    assert asked == ([core] if any(map(str.isdigit, core)) else [])
