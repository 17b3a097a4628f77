"""The fields of START's `config`: one table that the parser, the CLI and the docs read.

Source: SIS API reference, «START request», and what the official SDK is seen to send. Unknown keys
are ignored, because shipping clients send misspelt and undocumented ones; a bad value of a known
key is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rasr.audio.formats import COMPRESSED_FORMATS, FORMATS, AudioFormat, CompressedFormat
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.properties import Property

FieldValue = AudioFormat | CompressedFormat | Property | str | int | bool | tuple[str, ...] | None

_ALL = frozenset(Mode)
_WITH_ENDPOINTS = frozenset({Mode.SENTENCE, Mode.CONTINUE})
_CHANNEL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class YesNo:
    """The strings "yes" and "no"; a bool inside the house."""

    allowed = "'yes' or 'no'"

    def read(self, raw: object) -> bool | None:
        return {"yes": True, "no": False}.get(raw) if isinstance(raw, str) else None


@dataclass(frozen=True, slots=True)
class WholeNumber:
    lowest: int
    highest: int
    unit: str

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.lowest} to {self.highest} ({self.unit})"

    def read(self, raw: object) -> int | None:
        # bool is an int in Python and not a number in JSON.
        if isinstance(raw, bool) or not isinstance(raw, int):
            return None
        return raw if self.lowest <= raw <= self.highest else None


@dataclass(frozen=True, slots=True)
class Text:
    allowed: str

    def read(self, raw: object) -> str | None:
        return raw if isinstance(raw, str) and raw else None


@dataclass(frozen=True, slots=True)
class FormatName:
    """A name of the tables in `rasr.audio.formats`; the format itself inside the house."""

    @property
    def allowed(self) -> str:
        return ", ".join((*FORMATS, *COMPRESSED_FORMATS))

    def read(self, raw: object) -> AudioFormat | CompressedFormat | None:
        return FORMATS.get(raw) or COMPRESSED_FORMATS.get(raw) if isinstance(raw, str) else None


@dataclass(frozen=True, slots=True)
class PropertyName:
    allowed = "language_rate_domain, such as english_16k_common or chinese_8k_common"

    def read(self, raw: object) -> Property | None:
        return Property.parse(raw) if isinstance(raw, str) else None


@dataclass(frozen=True, slots=True)
class TextList:
    allowed = "an array of strings"

    def read(self, raw: object) -> tuple[str, ...] | None:
        if not isinstance(raw, list) or not all(isinstance(item, str) for item in raw):
            return None
        return tuple(raw)


@dataclass(frozen=True, slots=True)
class ChannelName:
    """Part of an address: `/captions/NAME`, and with a dot `/captions/NAME.vtt`."""

    allowed = "1 to 64 characters of A-Z, a-z, 0-9, _ and -"

    def read(self, raw: object) -> str | None:
        return raw if isinstance(raw, str) and _CHANNEL_NAME.fullmatch(raw) else None


FieldKind = YesNo | WholeNumber | Text | FormatName | PropertyName | TextList | ChannelName


@dataclass(frozen=True, slots=True)
class Field:
    kind: FieldKind
    meaning: str
    default: bool | int | None = None
    required: bool = False
    modes: frozenset[Mode] = _ALL
    """In other modes the key is unknown, hence ignored."""
    extension: bool = False
    """True for a key that SIS does not have."""


START_FIELDS: Mapping[str, Field] = {
    "audio_format": Field(FormatName(), "how the sound is coded", required=True),
    "property": Field(PropertyName(), "language, rate and domain of the model", required=True),
    "add_punc": Field(YesNo(), "punctuation and sentence case", False),
    "digit_norm": Field(YesNo(), "spoken numbers as digits", True),
    "interim_results": Field(YesNo(), "partial results while speech goes on", False),
    "vad_head": Field(
        WholeNumber(0, 60000, "ms"),
        "silence at the start of a sentence that is too long; 0 = no limit",
        10000,
        modes=_WITH_ENDPOINTS,
    ),
    "vad_tail": Field(
        WholeNumber(0, 3000, "ms"),
        "silence that ends a sentence",
        500,
        modes=_WITH_ENDPOINTS,
    ),
    "max_seconds": Field(
        WholeNumber(1, 60, "s"),
        "longest sentence; speech that goes on is cut at a quiet place",
        30,
        modes=_WITH_ENDPOINTS,
    ),
    "vocabulary_id": Field(Text("the id of a hot-word table"), "hot words by table"),
    "need_word_info": Field(YesNo(), "words with their times in each result", False),
    "user_words": Field(TextList(), "hot words for this round (sent by the official SDK)"),
    "warnings": Field(
        YesNo(),
        "EVENT WARNING when the sound is very likely wrong; default by server setting",
        extension=True,
    ),
    "caption_channel": Field(
        ChannelName(), "captions for viewers, published to this channel", extension=True
    ),
}
