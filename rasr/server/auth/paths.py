"""Which right a path needs: one table, for requests and for websockets.

A path that stands in neither part of it is not served where callers are asked who they are, so that
nothing new is open by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rasr.wire.sis.modes import MODE_TRAITS, Mode

WEBSOCKET = "WEBSOCKET"
"""In place of a method."""


@dataclass(frozen=True, slots=True)
class Right:
    """What a caller needs for a path."""

    action: str
    """As policies name it."""
    changes: bool = False
    """It changes something: a signature does it once."""
    is_for_metrics: bool = False
    """The settings may let others in too."""
    interface: str = ""
    """As SIS and our metrics call what is asked there; empty: its calls are not counted."""
    is_shared: bool = True
    """Pages of other origins may ask, those that `rasr.server.origins` admits."""


_ONE_SENTENCE = "sentence-transcription"
_VOCABULARIES = "vocabularies"


def interface_of(mode: Mode) -> str:
    """As metrics call the websockets of a mode."""
    return _ONE_SENTENCE if mode is Mode.ONE_SENTENCE else f"real-time-{mode.value}"


RIGHTS: Mapping[tuple[str, str], Right] = {
    **{
        (WEBSOCKET, f"/v1/{{project_id}}/{path}"): Right(
            "sis:asr:recognize" if mode is Mode.ONE_SENTENCE else "sis:rasr:stream",
            interface=interface_of(mode),
        )
        for mode, traits in MODE_TRAITS.items()
        for path in (traits.path, *traits.aliases)
    },
    ("POST", "/v1/{project_id}/asr/short-audio"): Right(
        "sis:asr:recognize", interface=_ONE_SENTENCE
    ),
    ("POST", "/v1/{project_id}/asr/transcriber/jobs"): Right(
        "sis:asr:submit", changes=True, interface="long-audio-transcription-post"
    ),
    ("GET", "/v1/{project_id}/asr/transcriber/jobs/{job_id}"): Right(
        "sis:asr:get", interface="long-audio-transcription-get"
    ),
    ("GET", "/v1/{project_id}/asr/transcriber/jobs"): Right("sis:asr:list"),
    ("DELETE", "/v1/{project_id}/asr/transcriber/jobs/{job_id}"): Right(
        "sis:asr:delete", changes=True
    ),
    ("POST", "/v1/{project_id}/asr/transcriber/uploads"): Right("sis:asr:submit", changes=True),
    ("PUT", "/v1/{project_id}/asr/transcriber/uploads/{upload_id}/{part}"): Right(
        "sis:asr:submit", changes=True
    ),
    ("DELETE", "/v1/{project_id}/asr/transcriber/uploads/{upload_id}"): Right(
        "sis:asr:submit", changes=True
    ),
    ("POST", "/v1/{project_id}/asr/flash"): Right("sis:asr:flash"),
    ("POST", "/v1/{project_id}/asr/vocabularies"): Right(
        "sis:vocabulary:create", changes=True, interface=_VOCABULARIES
    ),
    ("GET", "/v1/{project_id}/asr/vocabularies"): Right(
        "sis:vocabulary:list", interface=_VOCABULARIES
    ),
    ("GET", "/v1/{project_id}/asr/vocabularies/{id}"): Right(
        "sis:vocabulary:get", interface=_VOCABULARIES
    ),
    ("PUT", "/v1/{project_id}/asr/vocabularies/{id}"): Right(
        "sis:vocabulary:update", changes=True, interface=_VOCABULARIES
    ),
    ("DELETE", "/v1/{project_id}/asr/vocabularies/{id}"): Right(
        "sis:vocabulary:delete", changes=True, interface=_VOCABULARIES
    ),
    ("POST", "/v1/{project_id}/tts"): Right(
        "sis:tts:synthesize", interface="text-to-speech-customization"
    ),
    ("GET", "/v1/{project_id}/tts/voices"): Right("sis:tts:synthesize"),
    (WEBSOCKET, "/v1/{project_id}/rtts"): Right("sis:tts:stream", interface="real-time-synthesis"),
    ("GET", "/v1/{project_id}/usage"): Right("sis:usage:get"),
    # Whoever could use such a request twice could do so with a handshake; and in one second all
    # requests of a page's server look alike.
    ("POST", "/v1/{project_id}/tickets"): Right("sis:ticket:create", is_shared=False),
    ("GET", "/v1/{project_id}/keys"): Right("iam:key:list"),
    ("POST", "/v1/{project_id}/keys"): Right("iam:key:create", changes=True),
    ("DELETE", "/v1/{project_id}/keys/{access_id}"): Right("iam:key:revoke", changes=True),
    ("GET", "/v1/{project_id}/sessions"): Right("sis:session:list"),
    ("POST", "/subtitles/{kind}"): Right("sis:subtitles:create"),
    ("GET", "/v1/{project_id}/monitoring"): Right("sis:monitoring:get"),
    ("GET", "/metrics"): Right("sis:metrics:get", is_for_metrics=True, is_shared=False),
}
"""Method and path → the right to it. HEAD is as GET."""

OPEN: Mapping[str, str] = {
    "/healthz": "balancers and supervisors have no credentials; it tells that the process answers",
    "/readyz": "as /healthz; it tells how full the server is, and of nobody",
    "/properties": "clients ask what is served before they sign in; it is no secret",
    "/languages": "as /properties",
    "/openapi.json": "what can be asked is no secret",
    "/": "the page; what it does on the server is asked there",
    "/page/{path}": "the page's files",
    "/console": "the console; what it shows of the server is asked there",
    "/console/{path}": "the console's files",
    "/shared/{path}": "files of both pages",
    "/client/{path}": "the module for other pages",
    "/captions/static/{path}": "the files of the page for viewers",
    "/captions/{name}": "viewers have no accounts: whoever is told a channel's name may watch it",
    "/captions/{name}/events": "as /captions/{name}",
    "/captions/{name}/copy": "as /captions/{name}; other servers show there what can be read here",
    "/captions/{name}/preview": "as /captions/{name}",
    "/captions/{name}/share": "as /captions/{name}",
    "/samples/{name}": "recordings that come with the page",
    "/sessions": "answers this machine alone, by itself",
    "/v3/auth/tokens": "asks for a password, or a token, by itself",
}
"""Path → why nobody is asked there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes."""

    right: Right | None
    """None: nobody is asked."""
    project_id: str | None = None
    """Of the path; None: it has none."""
    path: str = ""
    """As the table has it."""


def place_of(method: str, path: str) -> Place | None:
    """Where a request goes, by its decoded path; None: nowhere that is known.

    GET without an upgrade, where websockets are, is how a page finds out that it has to sign in:
    browsers do not tell it why a handshake was refused.
    """
    if any(pattern.fullmatch(path) for pattern in _OPEN_PATHS):
        return Place(None)
    methods = (WEBSOCKET, "GET") if method in ("GET", "HEAD") else (method,)
    for known, whole, pattern, right in _RIGHTS:
        if known in methods and (found := pattern.fullmatch(path)):
            return Place(right, found.groupdict().get("project_id"), whole)
    return None


def shared_methods(path: str) -> tuple[str, ...]:
    """By which methods pages of other origins may ask at a decoded path."""
    return tuple(
        method
        for method, _, pattern, right in _RIGHTS
        if right.is_shared and method != WEBSOCKET and pattern.fullmatch(path)
    )


def _pattern(path: str) -> re.Pattern[str]:
    # Text and names by turns.
    parts = [
        f"(?P<{part}>{'.' if part == 'path' else '[^/]'}+)" if number % 2 else re.escape(part)
        for number, part in enumerate(re.split(r"\{(\w+)\}", path))
    ]
    return re.compile("".join(parts), re.DOTALL)


_OPEN_PATHS = tuple(_pattern(path) for path in OPEN)
_RIGHTS = tuple((method, path, _pattern(path), right) for (method, path), right in RIGHTS.items())
