"""Recognised text as files: plain text, JSON, SubRip and WebVTT. Pure functions.

Captions are cut and timed as those of a live channel are: `rasr.captions`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from rasr.captions import TimedText, TimedWord, subtitles
from rasr.captions.files import srt, vtt
from rasr.wire.sis.messages import Segment


class Format(StrEnum):
    """The form in which recognised text is written."""

    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"

    @property
    def suffix(self) -> str:
        """The ending of the name of such a file."""
        return ".txt" if self is Format.TEXT else f".{self}"

    @property
    def holds_cues(self) -> bool:
        """True for captions, which are made of word times and have room for one recording only."""
        return self in (Format.SRT, Format.VTT)


@dataclass(frozen=True, slots=True)
class Transcript:
    """The finals of one recording, in order, on its own clock."""

    name: str
    segments: tuple[Segment, ...]


def write(format: Format, transcripts: Sequence[Transcript]) -> str:
    """The document of `transcripts`; exactly one where the format holds one only."""
    match format:
        case Format.TEXT:
            return text(transcripts)
        case Format.JSON:
            return as_json(transcripts)
        case Format.SRT:
            (only,) = transcripts
            return srt(subtitles(map(timed_text, only.segments)))
        case Format.VTT:
            (only,) = transcripts
            return vtt(subtitles(map(timed_text, only.segments)))
        case _:
            assert_never(format)


def text(transcripts: Sequence[Transcript]) -> str:
    """A line a sentence; several recordings each below its name."""
    parts = []
    for transcript in transcripts:
        lines = [segment.text for segment in transcript.segments if segment.text]
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
            "segments": [_json_segment(segment) for segment in transcript.segments],
        }
        for transcript in transcripts
    ]
    return json.dumps({"recordings": recordings}, ensure_ascii=False, indent=2) + "\n"


def timed_text(segment: Segment) -> TimedText:
    """`segment` as captions want it."""
    return TimedText(
        segment.text,
        segment.start_time,
        segment.end_time,
        words=tuple(
            TimedWord(one.word, one.start_time, one.end_time) for one in segment.word_info or ()
        ),
    )


def clock(ms: int) -> str:
    """`ms` for a person: MM:SS.T, with hours where there are any."""
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}:' if hours else ''}{minutes:02}:{seconds:02}.{ms // 100}"


def _json_segment(segment: Segment) -> dict[str, Any]:
    body: dict[str, Any] = {
        "start_time": segment.start_time,
        "end_time": segment.end_time,
        "text": segment.text,
        "score": round(segment.score, 4),
    }
    if segment.word_info is not None:
        body["word_info"] = [word.body for word in segment.word_info]
    return body
