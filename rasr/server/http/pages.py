"""The page, the console, the captions page's parts, the JavaScript module and the samples: files
over HTTP.

They are read once, when the application is made, and served from memory. Nothing of a request
becomes part of a file's name: what is not in the table is not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import FastAPI, Request, Response

from rasr.server.http.templates import filled

_TYPES = {
    "css": "text/css; charset=utf-8",
    "flac": "audio/flac",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "ts": "text/plain; charset=utf-8",
}
"""What is served, by the end of its name; other files are none of a browser's business."""

_SAMPLES = {"english": "demo-human.flac", "chinese": "demo-zh.flac"}
"""Language → the recording of the package that lets a person try it without a microphone."""

_TEXT_TABS = {"speak": "", "recordings": "recording-"}
"""Tabs of the page with a text → what the ids of the buttons around it begin with."""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        # A recording that the page has itself.
        "media-src blob:",
        # Older Safari and Firefox do not take a websocket of the same origin for 'self'.
        "connect-src 'self' ws: wss:",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_ALWAYS = {
    # A file may be kept, and is asked for again with its tag: a server that was updated is seen.
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
}
_MODULE = {
    # Anybody's page may import the module; whether it may then speak is asked at the websocket.
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
}
_PAGE = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PAGE_HEADERS: Mapping[str, str] = _ALWAYS | _PAGE
"""Of every page that is shown by itself."""


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    headers: Mapping[str, str]


def add_pages(app: FastAPI) -> None:
    """`/`, `/console`, the files of both, `/captions/static/…`, `/client/…` and
    `/samples/LANGUAGE.flac`."""
    web = files("rasr") / "web"
    parts = {"sign_in": (web / "shared" / "sign_in.html").read_text("utf-8").strip()}
    for tab, prefix in _TEXT_TABS.items():
        for part in ("save", "find", "search"):
            template = (web / "page" / f"text_{part}.html").read_text("utf-8").strip()
            parts[f"{tab}_{part}"] = filled(template, {"prefix": prefix})
    table = {
        path: _page((web / name).read_text("utf-8"), parts)
        for path, name in (("/", "index.html"), ("/console", "console.html"))
    }
    for folder, place, extra in (
        ("page", "/page", _PAGE),
        ("console", "/console", _PAGE),
        ("shared", "/shared", _PAGE),
        ("captions", "/captions/static", _PAGE),
        ("client", "/client", _MODULE),
    ):
        for path, one in _walk(web / folder, place):
            table[path] = _file(one, extra)
    for language, name in _SAMPLES.items():
        table[f"/samples/{language}.flac"] = _file(files("rasr") / "data" / name, _PAGE)

    async def answer(request: Request) -> Response:
        return _answer(table[request.scope["path"]], request.headers.get("if-none-match", ""))

    for path in table:
        app.add_route(path, answer, methods=["GET", "HEAD"])


def _walk(folder: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for one in folder.iterdir():
        if one.is_dir():
            yield from _walk(one, f"{path}/{one.name}")
        elif one.name.rpartition(".")[2] in _TYPES:
            yield f"{path}/{one.name}", one


def _page(template: str, parts: Mapping[str, str]) -> _File:
    return _served("html", filled(template, parts).encode(), _PAGE)


def _file(source: Traversable, extra: dict[str, str]) -> _File:
    return _served(source.name.rpartition(".")[2], source.read_bytes(), extra)


def _served(kind: str, content: bytes, extra: dict[str, str]) -> _File:
    headers = {
        "content-type": _TYPES[kind],
        "etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    }
    return _File(content, _ALWAYS | extra | headers)


def _answer(file: _File, known: str) -> Response:
    # RFC 9110, §13.1.2: the list is compared weakly, so that tags of a proxy that compresses fit.
    tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
    if file.headers["etag"] in tags or "*" in tags:
        return Response(status_code=304, headers=dict(file.headers))
    return Response(file.content, headers=dict(file.headers))
