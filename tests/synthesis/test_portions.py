"""A text that is read in portions is read as if it were read whole."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.synthesis.errors import TextRefused, VoiceUnavailable
from rasr.synthesis.manner import Manner
from rasr.synthesis.reading.borders import PartSize, parted
from rasr.synthesis.reading.pieces import Lengths
from rasr.synthesis.reading.portions import Portion, portions
from rasr.synthesis.reading.reader import Held, Reader
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Piece, Word
from tests.synthesis.conftest import VOICES, voice

WHOLE = PartSize(10**6, 10**6)
EVERYWHERE = PartSize(1, 10**6)
"""A portion ends wherever one may."""

_FRAGMENTS = """
Hello world The the said of and a I it's said. times, "Hi" (brackets) U.S. a.m. p.m. i.e. e.g.
Dr. Mr. St. Peter etc. (etc. etc.) No. no. vs. approx. w/ & @ + = # ? ! . , ; : - -- … ' " ( ) ¥ $
5 5. 5, 15 2024 1,234 -5 1/2 3.5% 2~3 10:30 $5.20 ¥25.5 5km hundred thousand million billion km kg
May Dec. 3rd dollars 555-123-4567 138 0013 8000 +86 13800138000 021-12345678 2024-05-03 iPhone
今天 气温25℃ 第 名 我们 2个 个 两 2024年5月3日 年 月 日 号 元 万 亿 长 行 不 一 得 地 说 〇 重庆
。 ， ！ ？ 、 ： ； “ ” 《 》 😀 http://a.b/c
"""
FRAGMENTS = _FRAGMENTS.split()
BETWEEN = ["", " ", " ", " ", "\n", "\n\n"]


def texts(least: int, most: int) -> st.SearchStrategy[str]:
    """Whatever people write, in any order: what stands at a border is the point."""
    part = st.tuples(st.sampled_from(FRAGMENTS), st.sampled_from(BETWEEN)).map("".join)
    every = st.lists(part, min_size=least, max_size=most).map("".join)
    english = every.map(lambda text: "".join(one for one in text if one < "\u3000"))
    return st.one_of(every, english)


def request(text: str, lengths: Lengths | None = None) -> Request:
    return Request(text, VOICES[0], Manner(), "", lengths or Lengths())


def read(reader: Reader, asked: Request, size: PartSize | None = None) -> list[Piece]:
    """The pieces of a text; as in workers, each portion is read for itself."""
    found: list[Piece] = []
    held = Held()
    for portion in portions(asked, voice, size):
        some, held = reader.read(pickle.loads(pickle.dumps(portion)), held)
        found += some
    assert held.words == ()
    return found


def words(pieces: list[Piece]) -> list[Word]:
    return [word for piece in pieces for word in piece.words]


def characters(portion: Portion) -> int:
    return sum(len(passage.span.text) for passage in portion.passages)


@settings(max_examples=150)
@given(text=texts(2, 25), first=st.sampled_from([None, 3, 12]), most=st.sampled_from([5, 40]))
def test_portions_joined_are_the_whole(
    reader: Reader, text: str, first: int | None, most: int
) -> None:
    asked = request(text, Lengths(most, first))
    assert read(reader, asked, EVERYWHERE) == read(reader, asked, WHOLE)


@settings(max_examples=40)
@given(parts=st.lists(texts(1, 6), min_size=1, max_size=6), tags=st.data())
def test_portions_of_ssml_joined_are_the_whole(
    reader: Reader, parts: list[str], tags: st.DataObject
) -> None:
    around = st.sampled_from(
        [
            "{}",
            "<s>{}</s>",
            "{}<break time='300ms'/>",
            "<prosody rate='slow'>{}</prosody>",
            "<voice name='espeak-male'>{}</voice>",
            "<sub alias='five of them'>{}</sub>",
            "<say-as interpret-as='digits'>{}</say-as>",
        ]
    )
    escaped = [part.replace("&", "&amp;").replace("<", "&lt;") for part in parts]
    inner = "".join(tags.draw(around).format(part) for part in escaped)
    asked = request(f"<speak>{inner}</speak>", Lengths(first=3))
    assert read(reader, asked, EVERYWHERE) == read(reader, asked, WHOLE)


BORDERS = [
    "He met Dr. Smith at St. Peter and the rest, etc. and went on with No. 5 of the list.",
    "We sold five million. Million dollars were lost on May 3 and Dec. 24, 2024. Then it was over.",
    "Call 555-123-4567 or 138 0013 8000 now. The 3 p.m. train costs $5.20 and takes 2 hours.",
    "今天气温25℃，我们在2024年5月3日去重庆买了2个苹果和第3名的书，共1,234.5元。他说得很好",
    "我们用iPhone 15拍照，price是$1,234.5，OK? 今天我在Hello World学习. The end is near.",
    "电话 138 0013 8000 请打 021-12345678 找 我们 的 iPhone 部门 谢谢 大家 长期 银行 行长",
]


@pytest.mark.parametrize("text", BORDERS)
def test_numbers_dates_and_abbreviations_at_borders_are_read_whole(
    reader: Reader, text: str
) -> None:
    asked = request(text)
    assert len(portions(asked, voice, EVERYWHERE)) > 3
    assert read(reader, asked, EVERYWHERE) == read(reader, asked, WHOLE)


@pytest.mark.parametrize("text", BORDERS)
def test_a_long_text_has_portions_of_some_hundred_characters(reader: Reader, text: str) -> None:
    asked = request(f"{text} " * 40)
    found = portions(asked, voice)
    assert len(found) > 10
    assert max(map(characters, found)) <= 2 * PartSize().most
    assert read(reader, asked) == read(reader, asked, WHOLE)


@pytest.mark.parametrize(
    "text",
    [
        "#" * 10000,
        "1" * 10000,
        "a" * 10000,
        "5 6 7 8 " * 1200,
        "$1.20 " * 1600,
        "1个" * 5000,
        "今" * 10000,
        "今あ" * 5000,
        "a=b&c" * 2000 + "今",
        "，。" * 3000 + "今",
        "。 " * 3000 + "a",
    ],
)
def test_a_text_without_a_border_has_portions_all_the_same(reader: Reader, text: str) -> None:
    found = portions(request(text), voice)
    assert max(map(characters, found)) <= PartSize().usual + PartSize().most


def test_a_gap_is_never_within_a_number() -> None:
    text = "$1,234.50 " * 100
    parts = list(parted(text, PartSize(50, 99), chinese=False))
    assert "".join(parts) == text
    assert {word for part in parts for word in part.split()} == {"$1,234.50"}


def test_a_gap_leaves_marks_with_the_word_before_them(reader: Reader) -> None:
    asked = request("$5 , " * 60)
    assert len(portions(asked, voice, PartSize(10, 30))) > 5
    assert read(reader, asked, PartSize(10, 30)) == read(reader, asked, WHOLE)


def test_a_number_longer_than_a_portion_has_all_its_digits(reader: Reader) -> None:
    asked = request("1234567890" * 200)
    assert len(portions(asked, voice)) > 5
    assert [one.said for one in words(read(reader, asked))] == [
        one.said for one in words(read(reader, asked, WHOLE))
    ]


def test_what_ssml_reads_as_one_has_a_bound() -> None:
    for element in ("say-as interpret-as='date'", f"sub alias='{'five ' * 101}'"):
        name = element.split()[0]
        document = f"<speak><{element}>{'5 ' * 251}</{name}></speak>"
        with pytest.raises(TextRefused, match=r"has 50\d characters; the most are 500"):
            portions(request(document), voice)


def test_a_language_that_a_voice_does_not_speak_is_found_before_anything_is_said() -> None:
    english = replace(VOICES[0], languages=("english",))
    text = "All of this is English. " * 100 + "这不是。"
    with pytest.raises(VoiceUnavailable, match="speaks english, and the text is chinese"):
        portions(Request(text, english, Manner()), voice)


def test_a_voice_that_nobody_has_is_found_before_anything_is_said() -> None:
    document = f"<speak>{'Much text. ' * 100}<voice name='nobody'>Hello</voice></speak>"
    with pytest.raises(KeyError):
        portions(request(document), {one.name: one for one in VOICES}.__getitem__)
