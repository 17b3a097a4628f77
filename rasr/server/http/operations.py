"""What can be asked over HTTP, as OpenAPI describes it: one table, path by path.

Numbers and names that the code has a rule for are taken from there. Pages, their files and streams
of events are no operations; websockets are described in docs/protocol.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rasr.server.http.subtitles import SEGMENT_SCHEMA
from rasr.wire.sis.kinds import ChannelName

Schema = Mapping[str, Any]
"""A JSON Schema, as OpenAPI 3.1 has it."""

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}


def table(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these keys, and perhaps others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def listed(item: Schema) -> Schema:
    """An array of these."""
    return {"type": "array", "items": item}


def or_null(schema: Schema) -> Schema:
    """This, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be asked."""

    summary: str
    answers: Mapping[int, Schema | None]
    """Status of a success → its body; None where there is none."""
    body: Schema | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    media_type: str = "application/json"
    """Of its answers."""


_NAME_AND_ID = table({"id": TEXT, "name": TEXT})
_OCCUPANCY = table(
    {
        "status": {"enum": ["ready", "closing", "no worker", "full"]},
        "connections": WHOLE,
        "rounds": WHOLE,
        "max_rounds": or_null(WHOLE),
        "load": or_null(NUMBER),
        "max_load": or_null(NUMBER),
        "bound": or_null(TEXT),
        "languages": listed(TEXT),
        "without_worker": listed(TEXT),
    }
)
_TOKEN = table(
    {
        "token": table(
            {
                "methods": listed(TEXT),
                "issued_at": TEXT,
                "expires_at": TEXT,
                "project": table({"id": TEXT, "name": TEXT, "domain": _NAME_AND_ID}),
                "user": table({"id": TEXT, "name": TEXT, "domain": _NAME_AND_ID}),
                "roles": listed(_NAME_AND_ID),
                "catalog": listed({"type": "object"}),
            }
        )
    }
)
_LOGIN = table(
    {
        "auth": table(
            {
                "identity": table(
                    {
                        "methods": {"const": ["password"]},
                        "password": table(
                            {
                                "user": table(
                                    {
                                        "name": TEXT,
                                        "password": TEXT,
                                        "domain": table({"name": TEXT}),
                                    }
                                )
                            }
                        ),
                    }
                )
            },
            {"scope": table({"project": table({}, {"id": TEXT, "name": TEXT})})},
        )
    }
)
_PROPERTY = table(
    {
        "property": TEXT,
        "language": TEXT,
        "sample_rate": {"enum": [8000, 16000]},
        "model": TEXT,
        "hot_words": FLAG,
        "word_times": FLAG,
    }
)
_LANGUAGE = table(
    {
        "language": TEXT,
        "served": FLAG,
        "model": or_null(TEXT),
        "recommended": or_null(TEXT),
        "download_mb": or_null(WHOLE),
        "memory_mb": or_null(WHOLE),
        "command": or_null(TEXT),
    }
)


def _cues(kind: str) -> Operation:
    return Operation(
        f"Segments of a transcript as {kind}.",
        {200: TEXT},
        body=table({"segments": listed(SEGMENT_SCHEMA)}),
        media_type=kind,
    )


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/healthz"): Operation(
        "Whether the process answers.", {200: table({"status": {"const": "ok"}})}
    ),
    ("GET", "/readyz"): Operation(
        "Whether new recognitions are welcome: 200, otherwise 503.",
        {200: _OCCUPANCY, 503: _OCCUPANCY},
    ),
    ("GET", "/properties"): Operation(
        "What `property` may be here.",
        {
            200: table(
                {
                    "version": TEXT,
                    "sign_in": {"enum": ["none", "password", "token"]},
                    "properties": listed(_PROPERTY),
                }
            )
        },
    ),
    ("GET", "/languages"): Operation(
        "Languages, served here or not, and what brings those that are not.",
        {200: table({"languages": listed(_LANGUAGE)})},
    ),
    ("GET", "/metrics"): Operation(
        "All numbers, for Prometheus.", {200: TEXT}, media_type="text/plain"
    ),
    ("GET", "/sessions"): Operation(
        "Who is connected and how they fare; for this machine alone.",
        {200: table({"sessions": listed({"type": "object"})})},
    ),
    ("POST", "/v3/auth/tokens"): Operation(
        "A token for a name and a password; it is in the header X-Subject-Token.",
        {201: _TOKEN},
        body=_LOGIN,
    ),
    ("DELETE", "/v3/auth/tokens"): Operation(
        "Revoke a token.",
        {204: None},
        headers={"X-Auth-Token": TEXT, "X-Subject-Token": TEXT},
    ),
    ("POST", "/v1/{project_id}/tickets"): Operation(
        "A ticket that opens one websocket within a minute.",
        {201: table({"ticket": TEXT, "expires_in": WHOLE})},
    ),
    ("POST", "/subtitles/srt"): _cues("application/x-subrip"),
    ("POST", "/subtitles/vtt"): _cues("text/vtt"),
    **{
        ("GET", f"/captions/{{name}}.{kind}"): Operation(
            f"What was said on a channel of captions, as {media_type}.",
            {200: TEXT},
            media_type=media_type,
        )
        for kind, media_type in (
            ("vtt", "text/vtt"),
            ("srt", "application/x-subrip"),
            ("txt", "text/plain"),
        )
    },
}
"""Method and path → what is asked there."""

PARAMETERS: Mapping[str, Schema] = {
    "project_id": {"type": "string", "minLength": 1},
    "name": {"type": "string", "pattern": f"^{ChannelName.PATTERN}$"},
}
"""What may stand in the places of a path."""
