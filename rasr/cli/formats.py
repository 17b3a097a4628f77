"""Recognised text as files: plain text, JSON, SubRip, WebVTT and tables. Pure functions.

Captions are cut and timed as those of a live channel are: `rasr.captions`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from itertools import repeat
from typing import Any, assert_never

from rasr.captions import Cue, TimedText, TimedWord, subtitles
from rasr.captions.files import srt, vtt
from rasr.cli.spreadsheets import Row, write_csv, xlsx_of
from rasr.wire.sis.messages import Segment


class Format(StrEnum):
    """The form in which recognised text is written."""

    TEXT = "txt"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def suffix(self) -> str:
        """The ending of the name of such a file."""
        return f".{self}"

    @property
    def holds_cues(self) -> bool:
        """True for captions, which are made of word times and have room for one recording only."""
        return self in (Format.SRT, Format.VTT)


@dataclass(frozen=True, slots=True)
class Transcript:
    """The finals of one recording, in order, on its own clock."""

    name: str
    segments: tuple[Segment, ...]
    speakers: tuple[str, ...] = ()
    """Who says each of them, where that was found out; empty: of none."""

    @property
    def sentences(self) -> list[tuple[Segment, str]]:
        """Each with who says it."""
        return list(zip(self.segments, self.speakers or repeat(""), strict=False))


def write(format: Format, transcripts: Sequence[Transcript], named: str = "recording") -> bytes:
    """The document of `transcripts`; exactly one where the format holds one only.

    Args:
        named: what their names are those of, as tables head that column.
    """
    if format is Format.XLSX:
        return xlsx_of(_rows(transcripts, named), (named, *_COLUMNS), "transcript")
    return _written(format, transcripts, named).encode()


def _written(format: Format, transcripts: Sequence[Transcript], named: str) -> str:
    match format:
        case Format.TEXT:
            return text(transcripts)
        case Format.JSON:
            return as_json(transcripts)
        case Format.SRT:
            (only,) = transcripts
            return srt(_cues(only))
        case Format.VTT:
            (only,) = transcripts
            return vtt(_cues(only))
        case Format.CSV:
            out = StringIO()
            write_csv(_rows(transcripts, named), (named, *_COLUMNS), out)
            return out.getvalue()
        case Format.XLSX:
            raise AssertionError("a workbook is no text")
        case _:
            assert_never(format)


_COLUMNS = ("start_s", "end_s", "speaker", "text", "score")


def _rows(transcripts: Sequence[Transcript], named: str) -> Iterator[Row]:
    """A row a sentence."""
    for transcript in transcripts:
        for segment, speaker in transcript.sentences:
            if segment.text:
                yield {
                    named: transcript.name,
                    "start_s": segment.start_time / 1000,
                    "end_s": segment.end_time / 1000,
                    "speaker": speaker,
                    "text": segment.text,
                    "score": round(segment.score, 4),
                }


def text(transcripts: Sequence[Transcript]) -> str:
    """A line a sentence; several recordings each below its name."""
    parts = []
    for transcript in transcripts:
        lines = [
            f"{_said_by(speaker)}{segment.text}"
            for segment, speaker in transcript.sentences
            if segment.text
        ]
        if len(transcripts) > 1:
            lines.insert(0, heading(transcript.name))
        parts.append("".join(f"{line}\n" for line in lines))
    return "\n".join(parts)


def heading(name: str) -> str:
    """The line above the text of one of several recordings."""
    return f"{name}:"


def as_json(transcripts: Sequence[Transcript]) -> str:
    """A JSON document with the keys of SIS; times in ms."""
    recordings = [
        {
            "name": transcript.name,
            "segments": [_json_segment(*sentence) for sentence in transcript.sentences],
        }
        for transcript in transcripts
    ]
    return json.dumps({"recordings": recordings}, ensure_ascii=False, indent=2) + "\n"


def timed_text(segment: Segment, speaker: str = "") -> TimedText:
    """`segment` as captions want it, behind the name of who says it."""
    words = [TimedWord(one.word, one.start_time, one.end_time) for one in segment.word_info or ()]
    if words and speaker:
        words[0] = dataclasses.replace(words[0], text=f"{_said_by(speaker)}{words[0].text}")
    text = f"{_said_by(speaker)}{segment.text}"
    return TimedText(text, segment.start_time, segment.end_time, words=tuple(words))


def clock(ms: int) -> str:
    """`ms` for a person: MM:SS.T, with hours where there are any."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}:' if hours else ''}{minutes:02}:{seconds:02}.{ms // 100}"


def _cues(transcript: Transcript) -> list[Cue]:
    return subtitles(timed_text(*sentence) for sentence in transcript.sentences)


def _said_by(speaker: str) -> str:
    return f"{speaker}: " if speaker else ""


def _json_segment(segment: Segment, speaker: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "start_time": segment.start_time,
        "end_time": segment.end_time,
        "text": segment.text,
        "score": round(segment.score, 4),
    }
    if speaker:
        body["speaker"] = speaker
    if segment.word_info is not None:
        body["word_info"] = [word.body for word in segment.word_info]
    return body
