"""Recognised text as documents."""

from __future__ import annotations

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.cli.formats import Format, Transcript, as_json, clock, srt, text, timestamp, vtt, write
from rasr.protocol.messages import Segment, WordInfo

HOUR_MS = 3_600_000

pure = settings(derandomize=True, deadline=None, max_examples=60)


def said(text: str, start_ms: int = 0, end_ms: int = 1000) -> Segment:
    return Segment(text, start_ms, end_ms, True, 0.5)


def test_subrip_numbers_its_cues_and_writes_a_comma_before_the_milliseconds() -> None:
    assert srt([said("good morning", 1200, 4600), said("and good night", 5000, HOUR_MS)]) == (
        "1\n00:00:01,200 --> 00:00:04,600\ngood morning\n"
        "\n"
        "2\n00:00:05,000 --> 01:00:00,000\nand good night\n"
    )


def test_webvtt_has_its_heading_and_a_point_before_the_milliseconds() -> None:
    assert vtt([said("good morning", 1200, 4600), said("again", 5000, 5001)]) == (
        "WEBVTT\n"
        "\n"
        "00:00:01.200 --> 00:00:04.600\ngood morning\n"
        "\n"
        "00:00:05.000 --> 00:00:05.001\nagain\n"
    )


def test_times_go_on_past_an_hour_and_past_a_hundred() -> None:
    assert timestamp(HOUR_MS - 1, ".") == "00:59:59.999"
    assert timestamp(HOUR_MS, ".") == "01:00:00.000"
    assert timestamp(5 * HOUR_MS + 61_002, ",") == "05:01:01,002"
    assert timestamp(123 * HOUR_MS, ".") == "123:00:00.000"


@pure
@given(st.integers(0, 1000 * HOUR_MS))
def test_a_timestamp_reads_back_as_the_same_time(ms: int) -> None:
    found = re.fullmatch(r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})", timestamp(ms, "."))
    assert found is not None
    hours, minutes, seconds, rest = map(int, found.groups())
    assert ((hours * 60 + minutes) * 60 + seconds) * 1000 + rest == ms


def test_a_person_reads_tenths_and_hours_only_where_there_are_any() -> None:
    assert clock(1_299) == "00:01.2"
    assert clock(HOUR_MS + 61_000) == "1:01:01.0"


def test_webvtt_escapes_what_would_be_markup_or_a_timing() -> None:
    assert "a &lt;b&gt; &amp; c --&gt; d\n" in vtt([said("a <b> & c --> d")])


@pure
@given(st.lists(st.text(max_size=30), max_size=5))
def test_no_text_breaks_out_of_its_cue(texts: list[str]) -> None:
    spoken = [text for text in texts if text.strip()]
    blocks = vtt([said(text) for text in texts]).strip("\n").split("\n\n")
    assert len(blocks) == 1 + len(spoken)
    for block in blocks[1:]:
        timing, line = block.split("\n")
        assert timing == "00:00:00.000 --> 00:00:01.000"
        assert "-->" not in line
        assert "<" not in line
    assert srt([said(text) for text in texts]).count("\n00:00:00,000 --> ") == len(spoken)


def test_a_cue_without_length_gets_a_millisecond() -> None:
    assert "00:00:02.000 --> 00:00:02.001" in vtt([said("now", 2000, 2000)])


def test_segments_without_words_are_no_cues() -> None:
    assert srt([said("")]) == ""
    assert vtt([said(" ")]) == "WEBVTT\n"
    assert text([Transcript("a.wav", (said(""),))]) == ""


def test_text_is_a_line_a_sentence() -> None:
    assert text([Transcript("a.wav", (said("one"), said("two")))]) == "one\ntwo\n"


def test_several_recordings_stand_below_their_names() -> None:
    both = [Transcript("a.wav", (said("one"),)), Transcript("b.wav", ())]
    assert text(both) == "a.wav:\none\n\nb.wav:\n"


def test_json_has_the_keys_of_the_protocol() -> None:
    words = (WordInfo("你", 0, 100), WordInfo("好", 100, 200))
    segment = Segment("你好", 0, 200, True, 0.123456, words)
    document = as_json([Transcript("a.wav", (segment, said("plain")))])
    assert "你好" in document
    assert json.loads(document) == {
        "recordings": [
            {
                "name": "a.wav",
                "segments": [
                    {
                        "start_time": 0,
                        "end_time": 200,
                        "text": "你好",
                        "score": 0.1235,
                        "word_info": [
                            {"start_time": 0, "end_time": 100, "word": "你"},
                            {"start_time": 100, "end_time": 200, "word": "好"},
                        ],
                    },
                    {"start_time": 0, "end_time": 1000, "text": "plain", "score": 0.5},
                ],
            }
        ]
    }


def test_every_format_writes_the_document_of_its_name() -> None:
    only = [Transcript("a.wav", (said("one"),))]
    assert write(Format.TEXT, only) == text(only)
    assert write(Format.JSON, only) == as_json(only)
    assert write(Format.SRT, only) == srt(only[0].segments)
    assert write(Format.VTT, only) == vtt(only[0].segments)
    assert [format.suffix for format in Format] == [".txt", ".json", ".srt", ".vtt"]
