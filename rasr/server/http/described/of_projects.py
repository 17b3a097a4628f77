"""What can be asked in a project: recognition, synthesis, hot words, what was used.

Numbers and names that the code has a rule for are taken from there.
"""

from __future__ import annotations

from collections.abc import Mapping

from rasr.models.voice_list import Lack
from rasr.server.http.described.schema import (
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Operation,
    Schema,
    fields,
    listed,
    or_null,
    table,
)
from rasr.server.http.keys import MOST_DAYS
from rasr.server.http.monitoring import PERIODS_S
from rasr.server.http.speech import MEDIA_TYPES
from rasr.synthesis.voice import Age, EngineName, Gender, WordTimes
from rasr.usage.services import Service, Unit
from rasr.wire.sis.analysis import ANALYSIS_FIELDS, Emotion, Role
from rasr.wire.sis.flash import FLASH_FIELDS
from rasr.wire.sis.recordings import ANALYSIS, RECORDING_FIELDS
from rasr.wire.sis.short_audio import MOST_CHARACTERS, SHORT_AUDIO_FIELDS
from rasr.wire.sis.vocabularies import MOST_DESCRIPTION_BYTES, MOST_WORDS
from rasr.wire.synthesis.request import POST_FIELDS

_BASE64: Schema = {"type": "string", "contentEncoding": "base64"}
_WORD = table(
    {"start_time": WHOLE, "end_time": WHOLE, "word": TEXT}, {"score": NUMBER, "confidence": NUMBER}
)
_RESULT = table(
    {"text": TEXT, "score": {"type": "number", "minimum": 0, "maximum": 1}},
    {
        "word_info": listed(_WORD),
        "language": TEXT,
        "emotion": TEXT,
        "event": TEXT,
        "marks": listed(
            table({"name": TEXT, "text": TEXT, "start_time": WHOLE, "end_time": WHOLE})
        ),
        "analysis_info": table(
            {},
            {
                "role": {"enum": list(Role)},
                "speaker": WHOLE,
                "emotion": {"enum": list(Emotion)},
                "emotion_model": TEXT,
                "speed": NUMBER,
            },
        ),
    },
)
_NUMBERS: Mapping[str, Schema] = {
    "rounds": WHOLE,
    "max_rounds": or_null(WHOLE),
    "held": WHOLE,
    "connections": WHOLE,
    "max_connections": WHOLE,
    "texts": WHOLE,
    "channels": WHOLE,
    "viewers": WHOLE,
}
_LIVE = table(
    {
        "total": table({**_NUMBERS, "replicas": WHOLE}),
        "replicas": listed(
            table(
                {
                    "replica": TEXT,
                    "this": {"type": "boolean"},
                    "answers": {"type": "boolean"},
                    "silent_s": NUMBER,
                },
                {**_NUMBERS, "status": TEXT, "load": or_null(NUMBER)},
            )
        ),
    }
)
_VOCABULARY: Mapping[str, Schema] = {
    "name": TEXT,
    "language": TEXT,
    "description": {"type": "string", "maxLength": MOST_DESCRIPTION_BYTES},
}
_FLASH = table(
    {
        "trace_id": TEXT,
        "audio_duration": WHOLE,
        "flash_result": listed(
            table(
                {
                    "channel_id": WHOLE,
                    "sentences": listed(
                        table({"start_time": WHOLE, "end_time": WHOLE, "result": _RESULT})
                    ),
                }
            )
        ),
    }
)
_WORDS: Schema = {"type": "array", "items": TEXT, "minItems": 1, "maxItems": MOST_WORDS}
_CONTENT = table(
    {"name": TEXT, "language": TEXT, "contents": _WORDS},
    {"description": _VOCABULARY["description"]},
)
_MADE = table({"vocabulary_id": TEXT})
_LISTED = table({"vocabulary_id": TEXT, **_VOCABULARY})
_DAY: Schema = {"type": "string", "format": "date"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_ALL = "/v1/{project_id}/asr/vocabularies"

_SERVICE = {"enum": list(Service)}
_UNIT = {"enum": list(Unit)}
_USAGE = table(
    {
        "project_id": TEXT,
        "from": _DAY,
        "to": _DAY,
        "usage": listed(
            table(
                {
                    "day": _DAY,
                    "service": _SERVICE,
                    "access_id": or_null(TEXT),
                    "calls": WHOLE,
                    "amount": WHOLE,
                    "unit": _UNIT,
                    "audio_ms": WHOLE,
                }
            )
        ),
        "packages": listed(
            table(
                {
                    "id": TEXT,
                    "service": _SERVICE,
                    "unit": _UNIT,
                    "amount": WHOLE,
                    "used": WHOLE,
                    "starts_at": _MOMENT,
                    "ends_at": _MOMENT,
                }
            )
        ),
        "quotas": listed(
            table({"service": _SERVICE, "unit": _UNIT, "per_month": WHOLE, "used": WHOLE})
        ),
        "on_demand": listed(table({"service": _SERVICE, "unit": _UNIT, "amount": WHOLE})),
        "warnings": listed({"type": "object"}),
    }
)
_VOICE: Mapping[str, Schema] = {
    "name": TEXT,
    "gender": {"enum": list(Gender)},
    "age": {"enum": list(Age)},
}
_VOICES = table(
    {
        "default": TEXT,
        "voices": listed(
            table(
                {
                    **_VOICE,
                    "languages": listed(TEXT),
                    "sample_rate": WHOLE,
                    "engine": {"enum": list(EngineName)},
                    "model": or_null(TEXT),
                    "word_times": {"enum": list(WordTimes)},
                    "cost": or_null(NUMBER),
                    "real_time": or_null(FLAG),
                    "real_time_fault": or_null(TEXT),
                }
            )
        ),
        "official": listed(
            table(
                {
                    **_VOICE,
                    "language": TEXT,
                    "bilingual": FLAG,
                    "voice": or_null(TEXT),
                    "remark": TEXT,
                    "lacks": listed({"enum": list(Lack)}),
                    "better": or_null(TEXT),
                }
            )
        ),
        "models": listed(
            table(
                {
                    "name": TEXT,
                    "languages": listed(TEXT),
                    "voices": WHOLE,
                    "good_for": TEXT,
                    "download_mb": or_null(WHOLE),
                    "command": TEXT,
                }
            )
        ),
    }
)
_MILLISECONDS: Schema = {"type": "integer", "minimum": 0, "description": "since 1970"}
_INTERFACE = table(
    {
        "interface": TEXT,
        "datapoints": listed(
            table(
                {
                    "timestamp": _MILLISECONDS,
                    "successful_calls_of_service": WHOLE,
                    "api_calls_with_4xx_response": WHOLE,
                    "api_calls_with_5xx_response": WHOLE,
                    "average_delay": or_null(NUMBER),
                }
            )
        ),
    }
)
_JOBS = "/v1/{project_id}/asr/transcriber/jobs"
_UPLOADS = "/v1/{project_id}/asr/transcriber/uploads"
_JOB = table(
    {
        "status": {"enum": ["WAITING", "FINISHED", "ERROR"]},
        "create_time": _MOMENT,
    },
    {
        "start_time": _MOMENT,
        "finish_time": _MOMENT,
        "audio_duration": WHOLE,
        "segments": listed(table({"start_time": WHOLE, "end_time": WHOLE, "result": _RESULT})),
        "progress": {"type": "integer", "minimum": 0, "maximum": 100},
        "queue_position": WHOLE,
        "expected_end_time": _MOMENT,
        "expire_time": _MOMENT,
        "callback": table(
            {"state": TEXT, "attempts": WHOLE}, {"next_time": _MOMENT, "fault": TEXT}
        ),
        "error_code": TEXT,
        "error_msg": TEXT,
    },
)
_LISTED_JOB = {
    **_JOB["properties"],
    "marks": {"type": "object", "additionalProperties": WHOLE},
}
_JOB_CONFIG_FIELDS = fields(RECORDING_FIELDS)
_JOB_CONFIG = {
    **_JOB_CONFIG_FIELDS,
    "properties": {
        **_JOB_CONFIG_FIELDS["properties"],
        ANALYSIS: or_null(fields(ANALYSIS_FIELDS)),
    },
}
_KEY: Mapping[str, Schema] = {
    "access_id": TEXT,
    "description": TEXT,
    "counts": FLAG,
    "created_at": _MOMENT,
    "expires_at": or_null(_MOMENT),
    "revoked_at": or_null(_MOMENT),
}
_KEYS = "/v1/{project_id}/keys"

OF_PROJECTS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/v1/{project_id}/tickets"): Operation(
        "A ticket that opens one websocket within a minute.",
        {201: table({"ticket": TEXT, "expires_in": WHOLE})},
    ),
    ("POST", "/v1/{project_id}/asr/short-audio"): Operation(
        "The text of a recording of a minute at most.",
        {
            200: table(
                {"trace_id": TEXT, "result": _RESULT},
                {"warnings": listed(table({"warning": TEXT, "message": TEXT}))},
            )
        },
        body=table(
            {
                "config": fields(SHORT_AUDIO_FIELDS),
                "data": {**_BASE64, "maxLength": MOST_CHARACTERS},
            }
        ),
    ),
    ("POST", _JOBS): Operation(
        "Begin a job on a recording, which may be hours long.",
        {200: table({"job_id": TEXT})},
        body=table({"config": _JOB_CONFIG, "data_url": TEXT}),
    ),
    ("GET", _JOBS): Operation(
        "The jobs of the project, the newest first, without their text.",
        {200: table({"count": WHOLE, "jobs": listed(table({"job_id": TEXT}, _LISTED_JOB))})},
        query={"limit": WHOLE, "offset": WHOLE, "mark": TEXT},
    ),
    ("GET", f"{_JOBS}/{{job_id}}"): Operation(
        "How a job is doing, and its text once it is done; 400 once it has failed.", {200: _JOB}
    ),
    ("DELETE", f"{_JOBS}/{{job_id}}"): Operation(
        "Take a job back, or forget one that is over.", {204: None}
    ),
    ("POST", _UPLOADS): Operation(
        "Begin to send a recording; its `data_url` names it to a job.",
        {201: table({"upload_id": TEXT, "data_url": TEXT, "most_part_bytes": WHOLE})},
    ),
    ("PUT", f"{_UPLOADS}/{{upload_id}}/{{part}}"): Operation(
        "A part of a recording, counted from 0: its bytes as they are.", {204: None}
    ),
    ("DELETE", f"{_UPLOADS}/{{upload_id}}"): Operation(
        "Forget a recording that was sent, and that no job is to hear.", {204: None}
    ),
    ("POST", "/v1/{project_id}/asr/flash"): Operation(
        "The sentences of a recording of two hours at most, from a bucket or the body of the "
        "request; with Accept: text/event-stream, progress before them.",
        {200: _FLASH},
        query=fields(FLASH_FIELDS)["properties"],
    ),
    ("POST", "/v1/{project_id}/tts"): Operation(
        "The sound of a text.",
        {200: table({"trace_id": TEXT, "result": table({"data": _BASE64})})},
        body=table({"text": {"type": "string", "minLength": 1}}, {"config": fields(POST_FIELDS)}),
        binary=tuple(MEDIA_TYPES.values()),
    ),
    ("GET", "/v1/{project_id}/tts/voices"): Operation(
        "Who can speak, who speaks for the official names of voices, and which voices can be had.",
        {200: _VOICES},
    ),
    ("POST", _ALL): Operation("Make a table of hot words.", {200: _MADE}, body=_CONTENT),
    ("GET", _ALL): Operation(
        "The tables of hot words, without their words.",
        {200: table({"count": WHOLE, "result": listed(_LISTED)})},
        query={"limit": WHOLE, "offset": WHOLE},
    ),
    ("GET", f"{_ALL}/{{id}}"): Operation(
        "A table of hot words.",
        {200: table({"vocabulary_id": TEXT, **_VOCABULARY, "contents": _WORDS})},
    ),
    ("PUT", f"{_ALL}/{{id}}"): Operation(
        "Put other content into a table of hot words.", {200: _MADE}, body=_CONTENT
    ),
    ("DELETE", f"{_ALL}/{{id}}"): Operation("Delete a table of hot words.", {200: None}),
    ("GET", "/v1/{project_id}/usage"): Operation(
        "What the project has used in some days, both ends included; without days this month.",
        {200: _USAGE},
        query={"from": _DAY, "to": _DAY},
    ),
    ("GET", "/v1/{project_id}/monitoring"): Operation(
        "Calls of each interface in the time from `from` to `to`, by periods; how full the servers "
        "are now.",
        {
            200: table(
                {
                    "period": {"enum": list(PERIODS_S)},
                    "live": _LIVE,
                    "interfaces": listed(_INTERFACE),
                }
            )
        },
        query={"from": _MILLISECONDS, "to": _MILLISECONDS, "period": {"enum": list(PERIODS_S)}},
    ),
    ("GET", _KEYS): Operation(
        "The caller's own access keys, without their secrets.",
        {200: table({"keys": listed(table(_KEY))})},
    ),
    ("POST", _KEYS): Operation(
        "A new access key of the caller's, with its secret, which is told once.",
        {201: table({**_KEY, "secret": TEXT})},
        body=table(
            {},
            {
                "description": TEXT,
                "expires_in_days": or_null({"type": "integer", "minimum": 1, "maximum": MOST_DAYS}),
            },
        ),
    ),
    ("DELETE", f"{_KEYS}/{{access_id}}"): Operation(
        "Revoke an access key of the caller's.", {204: None}
    ),
    ("GET", "/v1/{project_id}/sessions"): Operation(
        "The project's live sessions at this server, and nothing of what is said; how full the "
        "servers are now.",
        {200: table({"project_id": TEXT, "live": _LIVE, "sessions": listed({"type": "object"})})},
    ),
}
"""Method and path → what is asked there."""
