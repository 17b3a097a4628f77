"""What can be asked in a project: recognition, hot words, what was used.

Numbers and names that the code has a rule for are taken from there.
"""

from __future__ import annotations

from collections.abc import Mapping

from rasr.server.http.described.schema import (
    NUMBER,
    TEXT,
    WHOLE,
    Operation,
    Schema,
    fields,
    listed,
    table,
)
from rasr.wire.sis.short_audio import MOST_CHARACTERS, SHORT_AUDIO_FIELDS
from rasr.wire.sis.vocabularies import MOST_DESCRIPTION_BYTES, MOST_WORDS

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
    },
)
_VOCABULARY: Mapping[str, Schema] = {
    "name": TEXT,
    "language": TEXT,
    "description": {"type": "string", "maxLength": MOST_DESCRIPTION_BYTES},
}
_WORDS: Schema = {"type": "array", "items": TEXT, "minItems": 1, "maxItems": MOST_WORDS}
_CONTENT = table(
    {"name": TEXT, "language": TEXT, "contents": _WORDS},
    {"description": _VOCABULARY["description"]},
)
_MADE = table({"vocabulary_id": TEXT})
_LISTED = table({"vocabulary_id": TEXT, **_VOCABULARY})
_ALL = "/v1/{project_id}/asr/vocabularies"

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
                "data": {
                    "type": "string",
                    "contentEncoding": "base64",
                    "maxLength": MOST_CHARACTERS,
                },
            }
        ),
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
}
"""Method and path → what is asked there."""
