"""The messages of a real-time connection, both ways, as frozen values.

Times are whole milliseconds on a clock whose 0 is the first sample after START.
`rasr.wire.sis.codec` turns them into JSON text and back; nothing else knows the key names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from rasr.audio.formats import AudioFormat, CompressedFormat
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.kinds import (
    ChannelName,
    Field,
    FormatName,
    PropertyName,
    Text,
    TextList,
    WholeNumber,
    YesNo,
)
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.properties import Property

_WITH_ENDPOINTS = frozenset({Mode.SENTENCE, Mode.CONTINUE})


@dataclass(frozen=True, slots=True)
class StartConfig:
    """START's `config`, checked: each field once, with its type, its default and its meaning.

    Source: SIS API reference, «START request», and what the official SDK is seen to send. Unknown
    keys are ignored, because shipping clients send misspelt and undocumented ones; a bad value of a
    known key is refused. `rasr.wire.sis.fields.START_FIELDS` is this class as a table.
    """

    audio_format: Annotated[
        AudioFormat | CompressedFormat, Field(FormatName(), "how the audio is coded")
    ]
    property: Annotated[Property, Field(PropertyName(), "language, rate and domain of the model")]
    add_punc: Annotated[bool, Field(YesNo(), "punctuation and sentence case")] = False
    digit_norm: Annotated[bool, Field(YesNo(), "spoken numbers as digits")] = True
    interim_results: Annotated[bool, Field(YesNo(), "partial results while speech goes on")] = False
    vad_head: Annotated[
        int,
        Field(
            WholeNumber(0, 60000, "ms"),
            "silence at the start of a sentence that is too long; 0 = no limit",
            _WITH_ENDPOINTS,
        ),
    ] = 10000
    vad_tail: Annotated[
        int,
        Field(WholeNumber(0, 3000, "ms"), "silence that ends a sentence", _WITH_ENDPOINTS),
    ] = 500
    max_seconds: Annotated[
        int,
        Field(
            WholeNumber(1, 60, "s"),
            "longest sentence; speech that goes on is cut at a quiet place",
            _WITH_ENDPOINTS,
        ),
    ] = 30
    vocabulary_id: Annotated[
        str | None, Field(Text("the id of a hot-word table"), "hot words by table")
    ] = None
    need_word_info: Annotated[bool, Field(YesNo(), "words with their times in each result")] = False
    user_words: Annotated[
        tuple[str, ...] | None,
        Field(TextList(), "hot words for this recognition (sent by the official SDK)"),
    ] = None
    warnings: Annotated[
        bool | None,
        Field(
            YesNo(),
            "EVENT WARNING when the audio is very likely wrong; default by server setting",
            extension=True,
        ),
    ] = None
    word_confidence: Annotated[
        bool,
        Field(
            YesNo(),
            "how sure the engine is of each word of word_info, where it can say",
            extension=True,
        ),
    ] = False
    caption_channel: Annotated[
        str | None,
        Field(ChannelName(), "captions for viewers, published to this channel", extension=True),
    ] = None
    resume: Annotated[
        bool,
        Field(YesNo(), "the round survives its connection for a while", extension=True),
    ] = False


@dataclass(frozen=True, slots=True)
class Start:
    """The command that begins a recognition."""

    config: StartConfig


@dataclass(frozen=True, slots=True)
class End:
    """The command that ends a recognition, with its last results or, cancelled, without."""

    cancel: bool = False


@dataclass(frozen=True, slots=True)
class Resume:
    """Not of SIS: the command that goes on with a round whose connection is lost."""

    token: str = field(repr=False)
    """Of the answer to START."""
    seq: int
    """The number of the newest message that the client has got."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Not of SIS: the client has got all messages up to a number."""

    seq: int


ClientMessage = Start | End | Resume | Acknowledge


class EventName(StrEnum):
    """What an `Event` reports."""

    VOICE_START = "VOICE_START"
    VOICE_END = "VOICE_END"
    EXCEEDED_SILENCE = "EXCEEDED_SILENCE"
    EXCEEDED_AUDIO = "EXCEEDED_AUDIO"
    WARNING = "WARNING"
    """Not of SIS: something is very likely wrong; `warning` and `message` say what."""


class EndReason(StrEnum):
    """How a recognition ended."""

    NORMAL = "NORMAL"
    CANCEL = "CANCEL"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class WordInfo:
    """One word of a segment."""

    word: str
    start_time: int
    end_time: int
    times_guessed: bool = False
    confidence: float | None = None
    """0 to 1; None if it was not asked for, or the engine has none."""

    @property
    def body(self) -> dict[str, str | int | float]:
        """The word as an entry of `word_info`: three keys, and two for which SIS has none: `score`
        0 where times are guessed, and `confidence` where it is told."""
        entry: dict[str, str | int | float] = {
            "start_time": self.start_time,
            "end_time": self.end_time,
            "word": self.word,
        }
        if self.times_guessed:
            entry["score"] = 0.0
        if self.confidence is not None:
            entry["confidence"] = round(self.confidence, 4)
        return entry


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
    language: str = ""
    """Not of SIS, as the next two: which language is spoken, where the engine says it."""
    emotion: str = ""
    """How it is said: "neutral", "happy", "angry", …"""
    event: str = ""
    """What is heard: "speech", "music", "laughter", …"""
    stable: int | None = None
    """Not of SIS: so many characters at the start of `text` are unlikely to change. None in finals,
    where nothing changes."""


@dataclass(frozen=True, slots=True)
class ResumeOffer:
    """Not of SIS: how a round is gone on with on another connection."""

    token: str = field(repr=False)
    """A secret, for this round alone."""
    grace_ms: int
    """For so long the round is kept without a connection."""


@dataclass(frozen=True, slots=True)
class Started:
    """The answer to START."""

    trace_id: str
    resume: ResumeOffer | None = None
    """None if it was not asked for."""


@dataclass(frozen=True, slots=True)
class Result:
    """Text, partial or final."""

    trace_id: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a client may want to know as it happens."""

    trace_id: str
    event: EventName
    timestamp: int
    warning: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Error:
    """Something went wrong."""

    trace_id: str
    error_code: ErrorCode
    error_msg: str
    fatal: bool = False
    """True for FATAL_ERROR: the server closes the socket right after it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The last message of a recognition."""

    trace_id: str
    reason: EndReason


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """Not of SIS: so much audio has come, of a round that can be gone on with."""

    trace_id: str
    audio_bytes: int
    """Since START."""
    settled_ms: int | None = None
    """All before it has been told, or was silence; None: that cannot be said just now."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Not of SIS: the answer to RESUME; the messages behind `seq` of RESUME follow."""

    trace_id: str
    audio_bytes: int
    """So much audio has come; the client goes on behind it."""
    ended: bool
    """END of the client has come."""


ServerMessage = Started | Result | Event | Error | Ended
ResumingMessage = AudioReceived | Resumed
