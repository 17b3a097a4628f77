"""One-sentence recognition over HTTP: the body of a call, checked, and of its answer.

Source: SIS API reference, «one-sentence recognition». `config` is that of START in the mode of the
same name, but that the audio is a whole file, which may be of more formats than a stream.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rasr.audio.formats import FileFormat
from rasr.recognition.events import Warning
from rasr.wire.sis.codec import checked_config, read_fields, result_body
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.faults import refuse_missing
from rasr.wire.sis.fields import FILE_FORMAT, fields_of
from rasr.wire.sis.kinds import Field, YesNo
from rasr.wire.sis.messages import Segment, StartConfig
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.properties import Property

MOST_CHARACTERS = 4 << 20
"""Of `data`: 4 MB of base64, which is 3 MB of audio."""

_OF_STREAMS = ("interim_results", "caption_channel", "resume")
"""Without a meaning where there is one answer and nobody watches."""

SHORT_AUDIO_FIELDS: Mapping[str, Field] = {
    name: one for name, one in fields_of(Mode.ONE_SENTENCE).items() if name not in _OF_STREAMS
} | {
    "audio_format": FILE_FORMAT,
    "auto_language_detect": Field(
        YesNo(), "find out which language is spoken, where an engine can", default=False
    ),
}
"""The fields of `config`, by their keys."""


@dataclass(frozen=True, slots=True)
class ShortAudio:
    """The body of a call."""

    config: StartConfig
    """Its format is that of the samples which the recognition gets."""
    file_format: FileFormat | None
    """Of `data`; None: it is samples as `config` says."""
    detects_language: bool
    """Find out which language is spoken, whatever the property says."""
    data: bytes = field(repr=False)


def read_short_audio(document: Mapping[str, object]) -> ShortAudio:
    """The body of a call, as it stands in JSON.

    Raises:
        ProtocolError: MISSING, INVALID, TOO_LONG, FORMAT_MISMATCH.
    """
    example = '{"config": {"audio_format": …, "property": …}, "data": "audio in base64"}'
    refuse_missing(document, ("config", "data"), example)
    raw = document["config"]
    if not isinstance(raw, dict):
        raise ProtocolError(ErrorCode.INVALID, "'config' is invalid: it is no object")
    values = read_fields(raw, SHORT_AUDIO_FIELDS, ErrorCode.MISSING)
    detects = values.pop("auto_language_detect", False) is True
    declared, wanted = values["audio_format"], values["property"]
    assert isinstance(wanted, Property), "its kind gives nothing else"
    if isinstance(declared, FileFormat):
        values["audio_format"] = wanted.samples
    config = checked_config(values)
    file_format = declared if isinstance(declared, FileFormat) else None
    return ShortAudio(config, file_format, detects, _audio(document["data"]))


def short_audio_body(
    trace_id: str, segment: Segment, warnings: Sequence[Warning]
) -> dict[str, Any]:
    """The answer to a call, in JSON's types. `warnings` is ours; without any it is left out."""
    body: dict[str, Any] = {"trace_id": trace_id, "result": result_body(segment)}
    if warnings:
        body["warnings"] = [{"warning": one.code, "message": one.message} for one in warnings]
    return body


def _audio(raw: object) -> bytes:
    """The bytes of `data`. No sentence repeats any of it."""
    if not isinstance(raw, str) or not raw:
        came = "empty" if raw == "" else "no string"
        raise ProtocolError(
            ErrorCode.INVALID, f"'data' is invalid: it is {came}; allowed: audio in base64"
        )
    if len(raw) > MOST_CHARACTERS:
        raise too_long(f"it has {len(raw)} characters")
    if "\n" in raw:
        # As e-mail and some libraries break it into lines.
        raw = raw.replace("\r", "").replace("\n", "")
    try:
        return binascii.a2b_base64(raw, strict_mode=True)
    except ValueError as error:
        why = "it begins as a data URL" if raw.startswith("data:") else f"it is no base64 ({error})"
        raise ProtocolError(
            ErrorCode.INVALID, f"'data' is invalid: {why}; allowed: audio in base64"
        ) from None


def too_long(came: str) -> ProtocolError:
    """The fault of a body that is longer than it may be.

    Args:
        came: what came, as a part of a sentence.
    """
    return ProtocolError(
        ErrorCode.TOO_LONG,
        f"'data' is too long: {came}; allowed: at most {MOST_CHARACTERS} characters of base64 "
        "(4 MB) and 60 s of audio",
    )
