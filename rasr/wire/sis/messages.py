"""The messages of a real-time connection, both ways, as frozen values.

Times are whole milliseconds on the round's own clock: 0 is the first sample after START.
`rasr.wire.sis.codec` turns them into JSON text and back; nothing else knows the key names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rasr.audio.formats import AudioFormat, CompressedFormat
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.properties import Property


@dataclass(frozen=True, slots=True)
class StartConfig:
    """START's `config`, checked. Fields as in `rasr.wire.sis.fields.START_FIELDS`."""

    audio_format: AudioFormat | CompressedFormat
    property: Property
    add_punc: bool = False
    digit_norm: bool = True
    interim_results: bool = False
    vad_head: int = 10000
    vad_tail: int = 500
    max_seconds: int = 30
    vocabulary_id: str | None = None
    need_word_info: bool = False
    user_words: tuple[str, ...] | None = None
    warnings: bool | None = None
    caption_channel: str | None = None


@dataclass(frozen=True, slots=True)
class Start:
    config: StartConfig


@dataclass(frozen=True, slots=True)
class End:
    cancel: bool = False


ClientMessage = Start | End


class EventName(StrEnum):
    VOICE_START = "VOICE_START"
    VOICE_END = "VOICE_END"
    EXCEEDED_SILENCE = "EXCEEDED_SILENCE"
    EXCEEDED_AUDIO = "EXCEEDED_AUDIO"
    WARNING = "WARNING"
    """Not of SIS: something is very likely wrong; `warning` and `message` say what."""


class EndReason(StrEnum):
    NORMAL = "NORMAL"
    CANCEL = "CANCEL"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class WordInfo:
    word: str
    start_time: int
    end_time: int


@dataclass(frozen=True, slots=True)
class Segment:
    """One sentence, or what is known of it so far."""

    text: str
    start_time: int
    end_time: int
    is_final: bool
    score: float = 0.0
    word_info: tuple[WordInfo, ...] | None = None
    """None if words were not asked for."""


@dataclass(frozen=True, slots=True)
class Started:
    trace_id: str


@dataclass(frozen=True, slots=True)
class Result:
    trace_id: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Event:
    trace_id: str
    event: EventName
    timestamp: int
    warning: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Error:
    trace_id: str
    error_code: ErrorCode
    error_msg: str
    fatal: bool = False
    """True for FATAL_ERROR: the server closes the socket right after it."""


@dataclass(frozen=True, slots=True)
class Ended:
    trace_id: str
    reason: EndReason


ServerMessage = Started | Result | Event | Error | Ended
