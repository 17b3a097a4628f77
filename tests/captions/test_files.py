"""Caption files, written by one library and read back by another."""

from __future__ import annotations

from html import unescape

import pysubs2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.captions import Cue, TimedText, cues_of, readable
from rasr.captions.files import srt, vtt
from tests.captions.values import pure, sentences

HOUR_MS = 3_600_000
CUES = [
    Cue(1200, 4600, ("good morning", "and welcome")),
    Cue(HOUR_MS - 1, HOUR_MS + 999, ("今天天气很好，", "我们去公园吧。")),
    Cue(5 * HOUR_MS, 5 * HOUR_MS + 1000, ("in 1984",)),
]


def read(document: str, kind: str) -> list[Cue]:
    """What pysubs2 makes of a document."""
    subtitles = pysubs2.SSAFile.from_string(document, format_=kind)
    return [Cue(one.start, one.end, tuple(one.text.split("\\N"))) for one in subtitles]


@pytest.mark.parametrize("kind", ["srt", "vtt"])
def test_another_library_reads_the_same_cues(kind: str) -> None:
    assert read({"srt": srt, "vtt": vtt}[kind](CUES), kind) == CUES


@pure
@given(st.lists(sentences(), max_size=3))
def test_what_was_said_reads_back_word_by_word(spoken: list[TimedText]) -> None:
    cues = readable(cue for text in spoken for cue in cues_of(text))
    assert read(srt(cues), "srt") == cues
    assert read(vtt(cues), "vtt") == cues


def test_the_forms_are_those_of_the_specifications() -> None:
    assert srt(CUES[:1]) == "1\n00:00:01,200 --> 00:00:04,600\ngood morning\nand welcome\n"
    assert vtt(CUES[:1]) == "WEBVTT\n\n00:00:01.200 --> 00:00:04.600\ngood morning\nand welcome\n"


def test_files_without_a_cue_are_files() -> None:
    assert vtt([]) == "WEBVTT\n"
    assert srt([]) == ""


def test_hours_grow_past_a_hundred() -> None:
    assert "\n123:00:00.000 --> 123:00:01.000\n" in vtt(
        [Cue(123 * HOUR_MS, 123 * HOUR_MS + 1000, ("x",))]
    )


def test_webvtt_escapes_what_would_be_markup_or_a_timing() -> None:
    cue = Cue(0, 1000, ("a <b> & c --> d",))
    assert "\na &lt;b&gt; &amp; c --&gt; d\n" in vtt([cue])


def test_in_subrip_which_has_no_escapes_nothing_said_is_markup() -> None:
    assert "\na ‹b› --› c\n" in srt([Cue(0, 1000, ("a <b> --> c",))])


@pure
@given(st.lists(st.text(max_size=60), max_size=4))
def test_no_text_breaks_out_of_its_cue(texts: list[str]) -> None:
    spoken = [
        TimedText(text, 2000 * number, 2000 * number + 1500, True)
        for number, text in enumerate(texts)
    ]
    cues = readable(cue for text in spoken for cue in cues_of(text))
    blocks = vtt(cues).strip("\n").split("\n\n")
    assert len(blocks) == 1 + len(cues)
    for block, cue in zip(blocks[1:], cues, strict=True):
        timing, *lines = block.split("\n")
        assert " --> " in timing
        assert [unescape(line) for line in lines] == list(cue.lines)
        assert not any("-->" in line or "<" in line for line in lines)
    assert srt(cues).count(" --> ") == len(cues)
