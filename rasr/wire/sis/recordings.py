"""Jobs on recording files: the body of a request, checked, and of the answers.

Source: SIS API reference, «recording file recognition». `config` is that of START in the continuous
mode, because a recording is heard as a stream is, but that it may be a file of any format.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rasr.audio.formats import AudioFormat, FileFormat
from rasr.wire.sis.analysis import AnalysisOptions, read_analysis
from rasr.wire.sis.buckets import StoredObject, object_at
from rasr.wire.sis.codec import checked_config, json_text, read_fields
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.faults import invalid, refuse_missing
from rasr.wire.sis.fields import START_FIELDS, fields_of
from rasr.wire.sis.kinds import Field, FileFormatName, Text
from rasr.wire.sis.messages import StartConfig
from rasr.wire.sis.modes import Mode
from rasr.wire.sis.properties import Property

_OF_STREAMS = ("interim_results", "caption_channel", "vad_head", "warnings")
"""Without a meaning where nobody listens meanwhile."""
ANALYSIS = "need_analysis_info"
"""Key of `config` beside the fields, which are plain values: see `rasr.wire.sis.analysis`."""

RECORDING_FIELDS: Mapping[str, Field] = {
    name: one for name, one in fields_of(Mode.CONTINUE).items() if name not in _OF_STREAMS
} | {
    "audio_format": dataclasses.replace(
        START_FIELDS["audio_format"],
        kind=FileFormatName(),
        required=False,
        default=FileFormat.AUTO.value,
    ),
    "callback_url": Field(
        Text("an http:// or https:// URL of less than 2048 bytes"),
        "where the answer is sent when it is there",
    ),
}
"""The fields of `config`, by their keys."""


@dataclass(frozen=True, slots=True)
class RecordingRequest:
    """The body of a request for a job."""

    config: StartConfig
    """Its format is that of `samples`."""
    file_format: FileFormat | None
    """Of the recording; None: it is samples as `config` says."""
    data_url: str = field(repr=False)
    source: StoredObject | None
    """The object that it names; None: it is another URL."""
    callback_url: str | None = field(repr=False)
    analysis: AnalysisOptions | None
    """What of the recording is to be found out besides its words; None: nothing."""

    @property
    def samples(self) -> AudioFormat:
        """The format of the samples which the recognition gets."""
        assert isinstance(self.config.audio_format, AudioFormat), "recordings are nothing else"
        return self.config.audio_format


def read_recording_request(document: Mapping[str, object]) -> RecordingRequest:
    """The body of a request, as it stands in JSON.

    Raises:
        ProtocolError: MISSING, INVALID, UNSUPPORTED, FORMAT_MISMATCH.
    """
    example = '{"config": {"property": …}, "data_url": "https://…"}'
    refuse_missing(document, ("config", "data_url"), example)
    raw, data_url = document["config"], document["data_url"]
    if not isinstance(raw, dict):
        raise invalid("config", raw, "an object")
    if not isinstance(data_url, str) or not data_url:
        raise invalid("data_url", data_url, "the URL of a recording")
    values = read_fields(raw, RECORDING_FIELDS, ErrorCode.MISSING)
    analysis = read_analysis(raw.get(ANALYSIS))
    callback_url = values.pop("callback_url", None)
    assert callback_url is None or isinstance(callback_url, str), "its kind gives nothing else"
    declared, wanted = values.pop("audio_format", FileFormat.AUTO), values["property"]
    assert isinstance(wanted, Property), "its kind gives nothing else"
    file_format = declared if isinstance(declared, FileFormat) else None
    samples = wanted.samples if file_format is not None else declared
    config = checked_config({**values, "audio_format": samples})
    return RecordingRequest(
        config, file_format, data_url, object_at(data_url), callback_url, analysis
    )


def recording_body(told: Mapping[str, Any], segments: Sequence[str] | None) -> bytes:
    """An answer as JSON.

    Args:
        told: all but the segments; what is None is left out.
        segments: as JSON with commas between, part by part; None: there are none yet.
    """
    head = json_text({name: value for name, value in told.items() if value is not None})
    if segments is None:
        return head.encode()
    comma = "," if head != "{}" else ""
    return f'{head[:-1]}{comma}"segments":[{",".join(segments)}]}}'.encode()


def moment(at: float | None) -> str | None:
    """Seconds since 1970 as SIS writes them: RFC 3339 with milliseconds, in UTC."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
