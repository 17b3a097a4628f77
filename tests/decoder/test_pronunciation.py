"""How words are said: by the dictionary, by rule, letter by letter."""

from __future__ import annotations

import pytest

from decoder.pocketsphinx.pronunciation import GraphemeToPhonemeRules, Pronouncer

DICTIONARY = {
    "read": "R IY D",
    "read(2)": "R EH D",
    "the": "DH AH",
    "the(2)": "DH IY",
    "server": "S ER V ER",
    "i": "AY",
    "b": "B IY",
    "m": "EH M",
}


@pytest.fixture
def pronouncer() -> Pronouncer:
    return Pronouncer(DICTIONARY.get)


def spoken(pronouncer: Pronouncer, phrase: str) -> list[str]:
    return [" | ".join(" ".join(word) for word in way) for way in pronouncer.say(phrase)]


def test_a_word_of_the_dictionary_is_said_in_each_way_that_it_has(pronouncer: Pronouncer) -> None:
    assert spoken(pronouncer, "Read") == ["R IY D", "R EH D"]


def test_a_phrase_is_said_word_by_word(pronouncer: Pronouncer) -> None:
    assert spoken(pronouncer, "the server") == ["DH AH | S ER V ER", "DH IY | S ER V ER"]
    assert spoken(pronouncer, "the-server")[0] == "DH AH | S ER V ER"


def test_a_short_word_of_capitals_is_said_as_letters_or_as_a_word(pronouncer: Pronouncer) -> None:
    assert spoken(pronouncer, "IBM") == ["AY B IY EH M", "IH B M"]


def test_the_dictionary_is_asked_once_for_each_word_that_it_has() -> None:
    asked: list[str] = []

    def lookup(word: str) -> str | None:
        asked.append(word)
        return DICTIONARY.get(word)

    pronouncer = Pronouncer(lookup)
    for _ in range(3):
        assert spoken(pronouncer, "the server")
        assert spoken(pronouncer, "IBM")
    answered = [word for word in asked if word in DICTIONARY]
    assert sorted(answered) == sorted(set(answered))


@pytest.mark.parametrize("phrase", ["101", "route 66", "你好", "", "   ", "a+b"])
def test_what_is_not_written_in_letters_cannot_be_said(pronouncer: Pronouncer, phrase: str) -> None:
    assert pronouncer.say(phrase) == []


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("thorne", "TH AO R N"),
        ("webhook", "W EH B HH UH K"),
        ("xylophone", "Z AY L AH F OW N"),
        ("shaking", "SH EY K IH NG"),
        ("phosphate", "F AA S F EY T"),
    ],
)
def test_words_are_read_by_rule_as_english_is(word: str, phones: str) -> None:
    assert " ".join(GraphemeToPhonemeRules.load().read(word)) == phones


def test_a_more_particular_rule_goes_before_a_general_one() -> None:
    rules = {"<c>": ("K",), "<c>e": ("S",), "<e>": (), "<a>": ("AE",)}
    assert GraphemeToPhonemeRules(rules).read("cac") == ("K", "AE", "K")
    assert GraphemeToPhonemeRules(rules).read("ce") == ("S",)
