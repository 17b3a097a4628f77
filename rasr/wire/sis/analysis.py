"""What is asked and told of a call besides its words: who speaks, how fast, in which mood.

Source: SIS API reference, «recording file recognition», `need_analysis_info` and `analysis_info`.
`speaker`, `emotion_model` and marks are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rasr.wire.sis.codec import json_text, read_fields, result_body
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.faults import invalid
from rasr.wire.sis.kinds import Field, Flag, OneOf
from rasr.wire.sis.messages import Segment


class ChannelRule(StrEnum):
    """What the channels of a recording are."""

    MONO = "MONO"
    """One channel for all; several are mixed."""
    LEFT_AGENT = "LEFT_AGENT"
    """The agent is on the first channel, the customer on the second."""
    RIGHT_AGENT = "RIGHT_AGENT"
    """The other way round."""


class Role(StrEnum):
    """Who speaks on a call."""

    AGENT = "AGENT"
    USER = "USER"


class Emotion(StrEnum):
    """The mood of a sentence, as far as SIS tells moods apart."""

    NORMAL = "NORMAL"
    ANGRY = "ANGRY"
    UNKNOWN = "UNKNOWN"


ANALYSIS_FIELDS: Mapping[str, Field] = {
    "diarization": Field(Flag(), "who says what", default=True),
    "channel": Field(
        OneOf(tuple(map(str, ChannelRule))), "what the channels are", default=ChannelRule.MONO.value
    ),
    "emotion": Field(Flag(), "the mood of each sentence", default=True),
    "speed": Field(Flag(), "characters a second of each sentence", default=True),
}
"""The fields of `need_analysis_info`, by their keys."""


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """What of a recording is to be found out."""

    diarization: bool = True
    channel: ChannelRule = ChannelRule.MONO
    emotion: bool = True
    speed: bool = True

    def channels_of(self, channels: int) -> tuple[int | None, ...]:
        """The channels of a recording that are recognised, each on its own; None: all, mixed.

        Args:
            channels: that it has.
        """
        if self.channel is ChannelRule.MONO:
            return (None,)
        return (0, 1) if channels > 1 else (0,)

    @property
    def tells_voices(self) -> bool:
        """True if speakers are to be told apart by their voices: channels do not tell them."""
        return self.diarization and self.channel is ChannelRule.MONO


def read_analysis(raw: object) -> AnalysisOptions | None:
    """`need_analysis_info`, as it stands in JSON; None where nothing is asked for.

    Raises:
        ProtocolError: INVALID.
    """
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise invalid("need_analysis_info", raw, "an object or null")
    values = read_fields(raw, ANALYSIS_FIELDS, ErrorCode.INVALID)
    chosen = {name: values.get(name, field.default) for name, field in ANALYSIS_FIELDS.items()}
    return AnalysisOptions(
        diarization=chosen["diarization"] is True,
        channel=ChannelRule(str(chosen["channel"])),
        emotion=chosen["emotion"] is True,
        speed=chosen["speed"] is True,
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a sentence that a review looks for."""

    name: str
    """Of the list that has it, or of the pattern."""
    text: str
    """As it stands in the sentence."""
    start_time: int
    """ms; of the sentence, where the times of its words are not known."""
    end_time: int

    @property
    def body(self) -> dict[str, Any]:
        """In JSON's types."""
        return {
            "name": self.name,
            "text": self.text,
            "start_time": self.start_time,
            "end_time": self.end_time,
        }


@dataclass(frozen=True, slots=True)
class AnalysisInfo:
    """What was found out of a sentence."""

    role: Role | None = None
    speaker: int | None = None
    """Counted from 0 in the order in which they are first heard; None: nobody told them apart."""
    emotion: Emotion | None = None
    """None: nobody asked."""
    emotion_model: str | None = None
    """A model that would tell it, where the one that was used does not."""
    speed: float | None = None
    """Characters a second; None: nobody asked."""

    @property
    def body(self) -> dict[str, Any]:
        """`analysis_info`, in JSON's types."""
        told = {
            "role": self.role,
            "speaker": self.speaker,
            "emotion": self.emotion,
            "emotion_model": self.emotion_model,
            "speed": self.speed,
        }
        return {name: value for name, value in told.items() if value is not None}


def sentence_json(
    segment: Segment, marks: Sequence[Mark] = (), info: AnalysisInfo | None = None
) -> str:
    """A sentence of a recording, as answers tell it.

    A whole answer at once would hold up everybody's audio: who has many sentences asks for each.

    Args:
        marks: ours; without any they are left out.
        info: None: nobody asked.
    """
    result = result_body(segment)
    if info is not None:
        result["analysis_info"] = info.body
    if marks:
        result["marks"] = [one.body for one in marks]
    return json_text(
        {"start_time": segment.start_time, "end_time": segment.end_time, "result": result}
    )
