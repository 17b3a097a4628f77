"""What is asked of synthesis: the body of a call over HTTP, and START in real time.

Source: SIS API reference, «text to speech» and «real-time text to speech». Unknown keys are
ignored; a bad value of a known key is refused, each with the code that the service has for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rasr.wire.sis.codec import read_fields
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.faults import fault
from rasr.wire.sis.kinds import Field, FieldValue, OneOf, Text, WholeNumber, YesNo


class Subtitle(StrEnum):
    """How finely the times of what is said are told."""

    WORDS = "word_level"
    PHONES = "phoneme_level"


def _fields(formats: tuple[str, ...], more: Mapping[str, Field]) -> Mapping[str, Field]:
    return {
        "audio_format": Field(OneOf(formats), "how the sound is coded", default=formats[0]),
        "sample_rate": Field(OneOf(("8000", "16000")), "of the sound, Hz", default="8000"),
        "property": Field(
            Text("the name of a voice, such as chinese_xiaoyan_common or espeak-female"),
            "who speaks; an official name, or one of `rasr voices`",
        ),
        "speed": Field(WholeNumber(-500, 500, "half to twice the usual speed"), "tempo", default=0),
        "pitch": Field(
            WholeNumber(-500, 500, "half an octave lower to half an octave higher"),
            "height of the voice",
            default=0,
        ),
        "volume": Field(WholeNumber(0, 100, "50 is usual"), "loudness", default=50),
        **more,
    }


POST_FIELDS: Mapping[str, Field] = _fields(
    ("wav", "mp3", "pcm"),
    {
        "stream": Field(
            YesNo(), "the answer is the sound itself, as it is made", extension=True, default=False
        )
    },
)
"""The fields of `config` over HTTP, by their keys."""
START_FIELDS: Mapping[str, Field] = _fields(
    ("pcm", "alaw", "ulaw"),
    {
        "subtitle": Field(
            OneOf(tuple(str(one) for one in Subtitle)), "tell when words, or their sounds, are said"
        )
    },
)
"""The fields of START's `config` in real time, by their keys."""

_CODES = {
    "audio_format": ErrorCode.SOUND_FORMAT,
    "sample_rate": ErrorCode.SAMPLE_RATE,
    "property": ErrorCode.VOICE,
}
_TEXT = Text("a text that is not empty")


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text, and how it is to be spoken."""

    text: str = field(repr=False)
    audio_format: str
    sample_rate: int
    """Hz."""
    voice: str | None
    """None: the default one."""
    speed: int
    pitch: int
    volume: int
    streams: bool = False
    """The answer is the sound as it is made."""
    subtitle: Subtitle | None = None


def read_speech_request(
    document: Mapping[str, object], fields: Mapping[str, Field]
) -> SpeechRequest:
    """The body of a call, or START, as it stands in JSON.

    Args:
        fields: of `config`: `POST_FIELDS` or `START_FIELDS`.

    Raises:
        ProtocolError: MISSING, SPEECH_BODY, SAMPLE_RATE, SOUND_FORMAT, VOICE.
    """
    raw = document.get("config")
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise ProtocolError(ErrorCode.SPEECH_BODY, fault("config", raw, "an object"))
    if document.get("text") is None:
        raise ProtocolError(
            ErrorCode.MISSING, fault("text", None, "the text to be spoken", missing=True)
        )
    text = _TEXT.read(document["text"])
    if text is None:
        # Nothing of a text is repeated; what is none may be.
        raise ProtocolError(ErrorCode.SPEECH_BODY, fault("text", document["text"], _TEXT.allowed))
    # Clients leave a field out, or send null for it.
    given = {name: value for name, value in raw.items() if value is not None}
    codes = {name: _CODES.get(name, ErrorCode.SPEECH_BODY) for name in fields}
    read = read_fields(given, fields, ErrorCode.SPEECH_BODY, codes)
    values = {name: read.get(name, one.default) for name, one in fields.items()}
    subtitle = values.get("subtitle")
    return SpeechRequest(
        text,
        str(values["audio_format"]),
        _whole(values["sample_rate"]),
        None if values["property"] is None else str(values["property"]),
        _whole(values["speed"]),
        _whole(values["pitch"]),
        _whole(values["volume"]),
        values.get("stream") is True,
        None if subtitle is None else Subtitle(str(subtitle)),
    )


def _whole(value: FieldValue) -> int:
    assert isinstance(value, str | int), "its kind gives nothing else"
    return int(value)
