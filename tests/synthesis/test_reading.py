"""What is written becomes what people say: numbers, dates, telephones, units, polyphones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rasr.synthesis.errors import SynthesisError, TextRefused, VoiceUnavailable
from rasr.synthesis.manner import Manner
from rasr.synthesis.reading.limits import TextTooLong, refuse_too_long
from rasr.synthesis.reading.pieces import Lengths
from rasr.synthesis.reading.reader import Reader
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Piece
from tests.synthesis.conftest import VOICES, voice


def pieces(
    reader: Reader, text: str, lengths: Lengths | None = None, language: str = ""
) -> tuple[Piece, ...]:
    request = Request(text, VOICES[0], Manner(), language, lengths or Lengths())
    return reader.pieces(request, voice)


def said(reader: Reader, text: str) -> str:
    """All parts: characters together, words of letters with spaces."""
    out = ""
    for piece in pieces(reader, text):
        for word in piece.words:
            for part in word.said:
                wide = len(part) == 1 and part > "\u3000"
                out += part if wide else f" {part} "
    return " ".join(out.split())


def pinyin(reader: Reader, text: str) -> str:
    return " ".join(
        syllable
        for piece in pieces(reader, text)
        for word in piece.words
        for syllable in word.pinyin
    )


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        # dates
        ("2024年5月3日", "二零二四年五月三日"),
        ("2024-05-03发布", "二零二四年五月三日发布"),
        ("2024/5/3发布", "二零二四年五月三日发布"),
        ("5月13号", "五月十三号"),
        ("1998年", "一九九八年"),
        ("二〇二四年", "二零二四年"),
        ("货号〡〩〸abc〇", "货号一九十 abc 零"),
        # times of day
        ("下午3:05", "下午三点零五分"),
        ("10:30开会", "十点三十分开会"),
        # amounts
        ("共1,234.5元", "共一千二百三十四点五元"),
        ("¥25.5一个", "二十五点五元一个"),
        ("共￥3,000.00", "共三千元"),
        ("$100和€20", "一百美元和二十欧元"),
        ("3.5万元", "三点五万元"),
        # cardinals and what stands behind them
        ("2个苹果", "两个苹果"),
        ("200人", "两百人"),
        ("第2名", "第二名"),
        ("12个月", "十二个月"),
        ("100000人", "十万人"),
        # per cent, fractions, ratios, ranges, signs
        ("增长3.5%", "增长百分之三点五"),
        ("占1/2", "占二分之一"),
        ("比分3:2", "比分三比二"),
        ("等2~3天", "等二到三天"),
        ("气温-5℃", "气温负五摄氏度"),
        # units
        ("重5kg", "重五千克"),
        ("长3cm", "长三厘米"),
        ("面积50m²", "面积五十平方米"),
        ("时速100km/h", "时速每小时一百公里"),
        # telephones, and numbers that are said one by one
        ("打13800138000", "打幺三八零零幺三八零零零"),
        ("打138-0013-8000", "打幺三八零零幺三八零零零"),
        ("打010-12345678", "打零幺零幺二三四五六七八"),
        ("打400-123-4567", "打四零零幺二三四五六七"),
        ("卡号6222020012345678", "卡号六二二二零二零零一二三四五六七八"),
        ("编号007", "编号零零七"),
        # letters between
        ("用iPhone15打", "用 iPhone 十五打"),
        ("开meeting吧", "开 meeting 吧"),
        ("在A座B1", "在 A 座 B 一"),
        ("R&D部", "R and D 部"),
    ],
)
def test_chinese_is_read_as_people_read_it(reader: Reader, written: str, spoken: str) -> None:
    assert said(reader, written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        # dates
        ("May 3, 2024", "May third twenty twenty four"),
        ("on the 3rd of May", "on the third of May"),
        ("3 May 2021", "the third of May twenty twenty one"),
        ("Dec. 25", "December twenty fifth"),
        ("2024-05-03", "May third twenty twenty four"),
        ("in 1961", "in nineteen sixty one"),
        ("the 1990s", "the nineteen nineties"),
        ("I may 5 times", "I may five times"),
        # times of day
        ("at 3:05 pm", "at three o five pm"),
        ("at 10am", "at ten A M"),
        ("at 10:30", "at ten thirty"),
        # amounts
        ("$5.20", "five dollars and twenty cents"),
        ("$5 million", "five million dollars"),
        ("€100", "one hundred euros"),
        # cardinals and ordinals
        ("1,234 people", "one thousand two hundred and thirty four people"),
        ("the 21st", "the twenty first"),
        ("No. 5", "number five"),
        ("No. Never", "no Never"),
        # per cent, fractions, ranges
        ("50% off", "fifty percent off"),
        ("1/2", "one half"),
        ("pages 3-5", "pages three to five"),
        # units
        ("25°C", "twenty five degrees celsius"),
        ("10 km", "ten kilometers"),
        ("5kg", "five kilograms"),
        ("5'10\"", "five feet ten inches"),
        # telephones
        ("call 555-123-4567", "call five five five one two three four five six seven"),
        ("call (555) 123-4567!", "call five five five one two three four five six seven"),
        ("call 555-1234", "call five five five one two three four"),
        # abbreviations, codes
        ("Dr. Smith vs. Mr. Jones", "doctor Smith versus mister Jones"),
        ("St. John", "saint John"),
        ("cats, dogs, etc.", "cats dogs et cetera"),
        ("e.g. this", "for example this"),
        ("a B2B deal", "a B two B deal"),
        ("NASA and the UK", "NASA and the UK"),
        ("rock & roll", "rock and roll"),
    ],
)
def test_english_is_read_as_people_read_it(reader: Reader, written: str, spoken: str) -> None:
    assert said(reader, written) == spoken


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("重庆很重要", "chong2 qing4 hen3 zhong4 yao4"),
        ("银行行长", "yin2 hang2 hang2 zhang3"),
        ("头发很长", "tou2 fa5 hen3 chang2"),
        ("他长大了", "ta1 zhang3 da4 le5"),
        ("音乐快乐", "yin1 yue4 kuai4 le4"),
        ("还他钱", "huan2 ta1 qian2"),
        ("还没去", "hai2 mei2 qu4"),
        ("慢慢地走", "man4 man4 de5 zou3"),
        ("地铁", "di4 tie3"),
        ("跑得快", "pao3 de5 kuai4"),
        ("我得走", "wo2 dei2 zou3"),
        ("便宜方便", "pian2 yi5 fang1 bian4"),
        ("首都都是", "shou3 du1 dou1 shi4"),
        ("角色和角度", "jue2 se4 he2 jiao3 du4"),
        ("种子种地", "zhong3 zi5 zhong4 di4"),
        # tones next to each other
        ("你好", "ni2 hao3"),
        ("不要", "bu2 yao4"),
        ("不好", "bu4 hao3"),
        ("一个", "yi2 ge4"),
        ("一起", "yi4 qi3"),
        ("第一", "di4 yi1"),
        ("一二三", "yi1 er4 san1"),
    ],
)
def test_characters_with_several_readings_are_read_in_their_context(
    reader: Reader, text: str, syllables: str
) -> None:
    assert pinyin(reader, text) == syllables


def test_what_nobody_says_is_left_out(reader: Reader) -> None:
    assert said(reader, "😀 Hi\u200b there\x07 👍🏽!") == "Hi there"
    assert said(reader, "「你好」——“世界”…") == "你好世界"


def test_each_sentence_is_read_in_its_language(reader: Reader) -> None:
    found = pieces(reader, "Hello there. 你好世界。This is 5. 共5个。")
    assert [piece.language for piece in found] == ["english", "chinese", "english", "chinese"]
    assert found[2].words[-1].said == ("five",)
    assert found[3].words[1].said == ("五",)


def test_cantonese_is_read_where_it_is_asked_for(reader: Reader) -> None:
    (piece,) = pieces(reader, "今日天氣好", language="cantonese")
    assert (piece.language, piece.words[0].pinyin) == ("cantonese", ())


def test_words_keep_how_they_are_written(reader: Reader) -> None:
    (piece,) = pieces(reader, "It costs $5.20, of course!")
    assert [(word.text, word.mark) for word in piece.words] == [
        ("It", ""),
        ("costs", ""),
        ("$5.20", ","),
        ("of", ""),
        ("course", "!"),
    ]


def test_sentences_are_pieces_and_long_ones_are_cut_at_their_marks(reader: Reader) -> None:
    text = "今天天气很好，我们去公园散步，然后吃饭，晚上看电影。明天见。"
    found = pieces(reader, text, Lengths(most=16))
    assert [len(piece.words) for piece in found] == [13, 9, 3]
    assert [piece.words[-1].mark for piece in found] == [",", ".", "."]


def test_the_first_piece_may_be_short(reader: Reader) -> None:
    text = "One two three, four five six, seven eight nine ten eleven, twelve thirteen."
    found = pieces(reader, text, Lengths(first=4))
    assert [len(piece.words) for piece in found] == [3, 10]
    assert found[0].pause_s < found[1].pause_s


def test_a_sentence_without_marks_is_cut_between_words(reader: Reader) -> None:
    found = pieces(reader, "字" * 500, Lengths(most=40))
    assert [len(piece.words) for piece in found] == [40] * 12 + [20]
    assert found[0].pause_s == 0


@pytest.mark.parametrize("text", ["1" * 10_000, "a" * 10_000, "字1" + "2" * 10_000, "x1" * 3000])
def test_nothing_makes_a_piece_that_takes_minutes(reader: Reader, text: str) -> None:
    found = pieces(reader, text)
    assert max(sum(len(word.said) for word in piece.words) for piece in found) <= 60
    assert max(len(part) for piece in found for word in piece.words for part in word.said) <= 40
    assert "".join(word.text for piece in found for word in piece.words) == text


@pytest.mark.parametrize("text", ["", " \n", "。。。", "?!", "😀", "\x00", "<speak></speak>"])
def test_a_text_with_nothing_to_say_is_refused(reader: Reader, text: str) -> None:
    with pytest.raises(TextRefused, match="nothing to say"):
        pieces(reader, text)


@pytest.mark.parametrize(
    ("text", "script"),
    [("Доброе утро", "cyrillic"), ("おはよう", "hiragana"), ("صباح الخير", "arabic")],
)
def test_a_script_that_no_voice_reads_is_refused(reader: Reader, text: str, script: str) -> None:
    with pytest.raises(VoiceUnavailable, match=f"in {script} letters"):
        pieces(reader, text)


def test_a_voice_that_does_not_speak_the_language_says_so(reader: Reader) -> None:
    english = replace(VOICES[0], languages=("english",))
    with pytest.raises(VoiceUnavailable, match="speaks english, and the text is chinese"):
        reader.pieces(Request("你好", english, Manner()), voice)


def test_a_text_is_as_long_as_its_characters() -> None:
    refuse_too_long("字" * 500, 500)
    refuse_too_long("😀" * 500, 500)
    with pytest.raises(TextTooLong, match="501 characters; the most are 500"):
        refuse_too_long("a" * 501, 500)


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.text(max_size=60)
    | st.text("0123456789.,:-/%$¥~年月日点个元第一不长还得地 aA.'\"()℃kgm²\n", max_size=40)
)
def test_no_text_is_a_fault(reader: Reader, text: str) -> None:
    try:
        found = pieces(reader, text)
    except SynthesisError:
        return
    for piece in found:
        for word in piece.words:
            assert word.said
            assert all(part and not part.isspace() for part in word.said)
            assert len(word.pinyin) in (0, len(word.said))
