"""Flash transcription: the query of a call, checked, and its answer.

Source: SIS API reference, «flash recognition of recording files». All parameters stand in the
query; the recording is an object in a bucket, or, which is ours, the body of the request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rasr.audio.formats import AudioFormat, FileFormat
from rasr.wire.sis.buckets import StoredObject
from rasr.wire.sis.codec import checked_config, json_text, read_fields
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.fields import FILE_FORMAT, START_FIELDS
from rasr.wire.sis.kinds import Field, Text, YesNo
from rasr.wire.sis.messages import StartConfig
from rasr.wire.sis.properties import Property

MOST_BYTES = 100 << 20
"""Of a recording."""
MOST_AUDIO_S = 120 * 60
MOST_CHANNELS = 8
"""Each is recognised on its own."""

_OF_START = ("property", "add_punc", "digit_norm", "need_word_info", "vocabulary_id")
_BUCKET = ("obs_bucket_name", "obs_object_key")

FLASH_FIELDS: Mapping[str, Field] = (
    {"audio_format": FILE_FORMAT}
    | {name: START_FIELDS[name] for name in _OF_START}
    | {
        "first_channel_only": Field(YesNo(), "leave out all channels but the first", default=False),
        "obs_bucket_name": Field(Text("the name of a bucket"), "where the recording is"),
        "obs_object_key": Field(Text("the key of an object"), "which recording it is"),
    }
)
"""The parameters, by their keys."""


@dataclass(frozen=True, slots=True)
class FlashCall:
    """What a call asks for."""

    config: StartConfig
    """Its format is that of the samples which the recognition gets."""
    declared: FileFormat | AudioFormat
    """What the recording is."""
    first_channel_only: bool
    source: StoredObject | None
    """None: it is the body of the request."""


def read_flash(query: Mapping[str, str]) -> FlashCall:
    """The call of a query.

    Raises:
        ProtocolError: MISSING, INVALID, FORMAT_MISMATCH.
    """
    values = read_fields(query, FLASH_FIELDS, ErrorCode.MISSING)
    only_first = values.pop("first_channel_only", False) is True
    bucket, key = (values.pop(name, None) for name in _BUCKET)
    if (bucket is None) != (key is None):
        there, lacks = _BUCKET if key is None else _BUCKET[::-1]
        raise ProtocolError(
            ErrorCode.MISSING,
            f"'{lacks}' is missing; needed with '{there}', or neither and the recording as the "
            "body of the request",
        )
    declared, wanted = values["audio_format"], values["property"]
    assert isinstance(wanted, Property), "its kind gives nothing else"
    assert isinstance(declared, FileFormat | AudioFormat), "its kind gives nothing else"
    if isinstance(declared, FileFormat):
        values["audio_format"] = wanted.samples
    source = None if bucket is None else StoredObject(str(bucket), str(key))
    return FlashCall(checked_config(values), declared, only_first, source)


def flash_json(trace_id: str, audio_ms: int, channels: Sequence[Sequence[str]]) -> bytes:
    """The answer to a call.

    Args:
        channels: the sentences of each, as of `sentence_json`.
    """
    told = (
        b'{"channel_id":%d,"sentences":[%b]}' % (number, ",".join(sentences).encode())
        for number, sentences in enumerate(channels)
    )
    head = json_text({"trace_id": trace_id, "audio_duration": audio_ms}).encode()
    return b'%b,"flash_result":[%b]}' % (head[:-1], b",".join(told))
