"""SSML: what is known of it, what is read as text, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.synthesis.errors import SynthesisError, TextRefused
from rasr.synthesis.manner import Manner
from rasr.synthesis.reading.reader import Reader
from rasr.synthesis.reading.request import Request
from rasr.synthesis.reading.ssml import is_ssml, spans
from rasr.synthesis.speech import Piece
from tests.synthesis.conftest import VOICES, voice


def pieces(reader: Reader, inside: str) -> tuple[Piece, ...]:
    request = Request(f"<speak>{inside}</speak>", VOICES[0], Manner())
    return reader.pieces(request, voice)


def words(found: tuple[Piece, ...]) -> list[tuple[str, str]]:
    return [(word.text, " ".join(word.said)) for piece in found for word in piece.words]


def test_a_pause_is_as_long_as_it_says(reader: Reader) -> None:
    first, second = pieces(reader, 'Hello<break time="700ms"/>world')
    assert (first.pause_s, second.pause_s) == (0.7, 0.0)
    (only, _) = pieces(reader, 'Hello<break strength="x-strong"/>world')
    assert only.pause_s == 1.2


@pytest.mark.parametrize(
    ("inside", "spoken"),
    [
        ('<say-as interpret-as="digits">123</say-as>', [("123", "one two three")]),
        ('<say-as interpret-as="characters">AB1</say-as>', [("AB1", "A B one")]),
        ('<say-as interpret-as="ordinal">3</say-as>', [("3", "third")]),
        ('<say-as interpret-as="telephone">10086</say-as>', [("10086", "one zero zero eight six")]),
        ('<say-as interpret-as="whatever">5 kg</say-as>', [("5 kg", "five kilograms")]),
        ('<sub alias="World Health">WHO</sub>', [("WHO", "World Health")]),
        ('打<say-as interpret-as="telephone">110</say-as>', [("打", "打"), ("110", "幺 幺 零")]),
        ('<say-as interpret-as="ordinal">3</say-as>名', [("3", "第 三"), ("名", "名")]),
        ("<x>a <y>b</y></x> c", [("a", "a"), ("b", "b"), ("c", "c")]),
        ("a<!-- not this --> b", [("a", "a"), ("b", "b")]),
    ],
)
def test_elements_say_how_a_text_is_read(
    reader: Reader, inside: str, spoken: list[tuple[str, str]]
) -> None:
    assert words(pieces(reader, inside)) == spoken


def test_prosody_is_a_factor_and_nests(reader: Reader) -> None:
    found = pieces(
        reader,
        'a <prosody rate="50%" pitch="+20%">b <prosody volume="+6dB" rate="x-fast">c</prosody>'
        "</prosody> d",
    )
    manners = [piece.manner for piece in found]
    assert manners[0] == manners[3] == Manner()
    assert (manners[1].tempo, manners[1].pitch) == (0.5, 1.2)
    assert manners[2].tempo == 1.0
    assert manners[2].gain == pytest.approx(0.5 * 1.995, rel=0.001)


def test_phonemes_are_pinyin(reader: Reader) -> None:
    (piece,) = pieces(reader, '去<phoneme alphabet="pinyin" ph="chang2 lü4">长绿</phoneme>')
    assert [word.pinyin for word in piece.words] == [("qu4",), ("chang2",), ("lv4",)]


def test_another_alphabet_is_read_as_it_is_written(reader: Reader) -> None:
    (piece,) = pieces(reader, '<phoneme alphabet="ipa" ph="x">hello</phoneme>')
    assert piece.words[0].said == ("hello",)


def test_a_voice_may_change(reader: Reader) -> None:
    found = pieces(reader, 'a <voice name="espeak-male">b</voice>')
    assert [piece.voice.name for piece in found] == ["espeak-female", "espeak-male"]


def test_sentences_and_paragraphs_end(reader: Reader) -> None:
    found = pieces(reader, "<p><s>one two three</s><s>four five six</s></p>seven eight")
    assert [len(piece.words) for piece in found] == [3, 3, 2]


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("<speak>", "not well-formed"),
        ("<speak>a & b</speak>", "not well-formed"),
        ("<speak>a</speak><speak>b</speak>", "not well-formed"),
        (
            '<?xml version="1.0"?><!DOCTYPE speak [<!ENTITY a "aaa">]><speak>&a;</speak>',
            "no document type and no entities",
        ),
        (
            '<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
            "<speak>&a;</speak>",
            "no document type and no entities",
        ),
        (f"<speak>{'<p>' * 50}a{'</p>' * 50}</speak>", "nested deeper than 16"),
        (f"<speak>{'<p>' * 200_000}", "nested deeper than 16"),
        (f"<speak>{'<break/>' * 1001}</speak>", "more than 1000 elements"),
        ('<speak>a<break time="1h"/></speak>', "break has time='1h'"),
        ('<speak>a<break time="11s"/></speak>', "the longest is 10 s"),
        ('<speak><prosody rate="quick">a</prosody></speak>', "prosody has rate='quick'"),
        ('<speak><phoneme ph="x9">长</phoneme></speak>', "phoneme has ph='x9'"),
        ('<speak><phoneme ph="chang2">长江</phoneme></speak>', "1 syllables for 2 characters"),
        ("<speak><sub>a</sub></speak>", "no attribute alias"),
    ],
)
def test_what_is_wrong_is_refused_with_what_is_allowed(
    reader: Reader, document: str, fault: str
) -> None:
    with pytest.raises(TextRefused, match=fault):
        reader.pieces(Request(document, VOICES[0], Manner()), voice)


def test_an_ordinal_may_have_any_number_of_digits(reader: Reader) -> None:
    document = f'<speak><say-as interpret-as="ordinal">{"1" * 5000}</say-as></speak>'
    pieces = reader.pieces(Request(document, VOICES[0], Manner()), voice)
    said = [part for piece in pieces for word in piece.words for part in word.said]
    assert said.count("one") == 5000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<speak>a</speak>", True),
        ('  <speak version="1.0">a</speak>', True),
        ('<?xml version="1.0"?>\n<speak>a</speak>', True),
        ("a < b and <speak>", False),
        ("<speaker>a</speaker>", False),
    ],
)
def test_ssml_is_known_by_its_first_tag(text: str, expected: bool) -> None:
    assert is_ssml(text) is expected


def test_brackets_in_a_plain_text_are_no_tags(reader: Reader) -> None:
    (piece,) = reader.pieces(Request("a < b", VOICES[0], Manner()), voice)
    assert [word.said for word in piece.words] == [("a",), ("b",)]


TAGS = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<break/>",
        "<prosody>",
        "</prosody>",
        "x",
        "<sub>",
        "</sub>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "&lt;",
        "&",
        "<",
        ">",
        "你",
    ]
)


@settings(max_examples=200)
@given(st.lists(TAGS, max_size=25))
def test_no_document_is_a_fault(parts: list[str]) -> None:
    try:
        spans(f"<speak>{''.join(parts)}</speak>")
    except SynthesisError:
        pass
