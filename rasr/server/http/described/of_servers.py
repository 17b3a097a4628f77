"""What can be asked of a server: how it is, what it serves, tokens, files of captions."""

from __future__ import annotations

from collections.abc import Mapping

from rasr.server.http.described.schema import (
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Operation,
    listed,
    or_null,
    table,
)
from rasr.server.http.subtitles import SEGMENT_SCHEMA

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


OF_SERVERS: Mapping[tuple[str, str], Operation] = {
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
                    "diarization": FLAG,
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
