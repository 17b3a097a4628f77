"""Recognised text as documents."""

from __future__ import annotations

import json
from io import BytesIO

from openpyxl import load_workbook

from rasr.captions import Cue, subtitles
from rasr.captions.files import srt, vtt
from rasr.cli.formats import Format, Transcript, as_json, clock, text, timed_text, write
from rasr.wire.sis.messages import Segment, WordInfo

HOUR_MS = 3_600_000


def said(text: str, start_ms: int = 0, end_ms: int = 1000) -> Segment:
    return Segment(text, start_ms, end_ms, True, 0.5)


def test_captions_are_cut_and_timed_to_be_read() -> None:
    long = said("good morning to everybody who has come here today, and good night", 1200, 4600)
    cues = subtitles(map(timed_text, [long, said("no", 5000, 5100)]))
    assert cues == [
        Cue(
            1200,
            4600,
            ("good morning to everybody", "who has come here today, and good night"),
        ),
        Cue(5000, 6000, ("no",)),
    ]


def test_cue_files_are_those_of_the_captions() -> None:
    segments = (said("good morning", 1200, 4600),)
    only = [Transcript("a.wav", segments)]
    assert write(Format.SRT, only) == b"1\n00:00:01,200 --> 00:00:04,600\ngood morning\n"
    assert write(Format.VTT, only) == b"WEBVTT\n\n00:00:01.200 --> 00:00:04.600\ngood morning\n"


def test_a_person_reads_tenths_and_hours_only_where_there_are_any() -> None:
    assert clock(1_299) == "00:01.2"
    assert clock(HOUR_MS + 61_000) == "1:01:01.0"


def test_segments_without_words_are_no_cues() -> None:
    assert subtitles(map(timed_text, [said(""), said(" ")])) == []
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
    assert write(Format.TEXT, only) == text(only).encode()
    assert write(Format.JSON, only) == as_json(only).encode()
    assert write(Format.SRT, only) == srt(subtitles(map(timed_text, only[0].segments))).encode()
    assert write(Format.VTT, only) == vtt(subtitles(map(timed_text, only[0].segments))).encode()
    suffixes = [".txt", ".json", ".srt", ".vtt", ".csv", ".xlsx"]
    assert [format.suffix for format in Format] == suffixes


def test_a_table_has_a_row_a_sentence_and_no_formula() -> None:
    said = Transcript("a.wav", (Segment("=1+1", 1200, 2500, True, 0.5),))
    rows = write(Format.CSV, [said]).decode().splitlines()
    assert rows == ["recording,start_s,end_s,speaker,text,score", "a.wav,1.2,2.5,,'=1+1,0.5"]
    sheet = load_workbook(BytesIO(write(Format.XLSX, [said]))).active
    assert sheet is not None
    assert [cell.value for cell in sheet[2]] == ["a.wav", 1.2, 2.5, None, "=1+1", 0.5]
    assert sheet["E2"].data_type == "s"


def test_who_speaks_stands_before_what_is_said() -> None:
    words = (WordInfo("good", 0, 400), WordInfo("morning", 400, 1000))
    segments = (Segment("good morning", 0, 1000, True, 0.5, words), said("hello"))
    only = [Transcript("a.wav", segments, ("AGENT", "speaker 1"))]
    assert text(only) == "AGENT: good morning\nspeaker 1: hello\n"
    assert [one["speaker"] for one in json.loads(as_json(only))["recordings"][0]["segments"]] == [
        "AGENT",
        "speaker 1",
    ]
    assert b"AGENT: good morning" in write(Format.SRT, only)
    assert b"a.wav,0.0,1.0,AGENT,good morning,0.5" in write(Format.CSV, only)
