"""Flash transcription: the query of a call, checked, and its answer.

Source: SIS API reference, «flash recognition of recording files». All parameters stand in the
query; the recording is an object in a bucket, or, which is ours, the body of the request.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rasr.audio.formats import FORMATS, AudioFormat, FileFormat
from rasr.wire.sis.analysis import Mark
from rasr.wire.sis.codec import checked_config, read_fields, result_body
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.fields import START_FIELDS
from rasr.wire.sis.kinds import Field, FileFormatName, Text, YesNo
from rasr.wire.sis.messages import Segment, StartConfig
from rasr.wire.sis.properties import Property

MOST_BYTES = 100 << 20
"""Of a recording."""
MOST_AUDIO_S = 120 * 60
MOST_CHANNELS = 8
"""Each is recognised on its own."""

_OF_START = ("property", "add_punc", "digit_norm", "need_word_info", "vocabulary_id")
_BUCKET = ("obs_bucket_name", "obs_object_key")

FLASH_FIELDS: Mapping[str, Field] = (
    {
        "audio_format": dataclasses.replace(START_FIELDS["audio_format"], kind=FileFormatName()),
    }
    | {name: START_FIELDS[name] for name in _OF_START}
    | {
        "first_channel_only": Field(YesNo(), "leave out all channels but the first", default=False),
        "obs_bucket_name": Field(Text("the name of a bucket"), "where the recording is"),
        "obs_object_key": Field(Text("the key of an object"), "which recording it is"),
    }
)
"""The parameters, by their keys."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """A recording in a bucket."""

    bucket: str
    key: str


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
        # What files are decoded to: what a client of the same property streams.
        values["audio_format"] = FORMATS[f"pcm{wanted.sample_rate // 1000}k16bit"]
    source = None if bucket is None else StoredObject(str(bucket), str(key))
    return FlashCall(checked_config(values), declared, only_first, source)


def sentence_json(segment: Segment, marks: Sequence[Mark] = ()) -> bytes:
    """A sentence of the answer. A whole answer at once would hold up everybody's audio.

    Args:
        marks: ours; without any they are left out.
    """
    result = result_body(segment)
    if marks:
        result["marks"] = [one.body for one in marks]
    return _json({"start_time": segment.start_time, "end_time": segment.end_time, "result": result})


def flash_json(trace_id: str, audio_ms: int, channels: Sequence[Sequence[bytes]]) -> bytes:
    """The answer to a call.

    Args:
        channels: the sentences of each, as of `sentence_json`.
    """
    told = (
        b'{"channel_id":%d,"sentences":[%b]}' % (number, b",".join(sentences))
        for number, sentences in enumerate(channels)
    )
    head = _json({"trace_id": trace_id, "audio_duration": audio_ms})
    return b'%b,"flash_result":[%b]}' % (head[:-1], b",".join(told))


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
