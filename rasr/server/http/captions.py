"""Captions over HTTP: the stream of events, the files of what was said, and the pages.

Owns the paths below `/captions`, but for the pages' parts, which are files
(`rasr.server.http.pages`). What viewers are sent is `rasr.captions`; how the pages are made is
`rasr.server.http.captions_page`. The stream is written on ASGI itself: with a thousand viewers each
layer in between counts, and none may encode a cue again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from fastapi import FastAPI, Request, Response
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rasr.asgi import ABORT, SHALLOW
from rasr.captions import Broadcaster, ChannelHistory, Viewer, ViewerRefused, readable
from rasr.captions.files import srt, vtt
from rasr.server.http.captions_page import (
    CAPTIONS,
    PREVIEW,
    SHARE,
    PageError,
    View,
    appearance_of,
    error_page,
    language_of,
    page,
)
from rasr.server.origins import OriginRule, stranger
from rasr.tasks import watched
from rasr.wire.sis.kinds import ChannelName

_NAME = ChannelName()
_Write = Callable[[ChannelHistory], str]
_FILES: dict[str, tuple[str, _Write]] = {
    "vtt": ("text/vtt", lambda history: vtt(readable(history.cues))),
    "srt": ("application/x-subrip; charset=utf-8", lambda history: srt(readable(history.cues))),
    "txt": ("text/plain", lambda history: "".join(f"{one}\n" for one in history.texts)),
}
"""Ending of the file's name → its media type and what writes it."""
_VIEWS = {"": CAPTIONS, "/preview": PREVIEW, "/share": SHARE}
"""Path below that of a channel → the page there."""
_COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
_HEADERS = _COMMON_HEADERS | {
    # It may be shown in a frame of any page: there it has nothing to press.
    "Content-Security-Policy": _POLICY
}
_SHARE_HEADERS = _COMMON_HEADERS | {
    "Content-Security-Policy": f"{_POLICY}; frame-src 'self'; frame-ancestors 'none'"
}
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    # nginx would collect events until its buffer is full.
    (b"x-accel-buffering", b"no"),
]


def add_captions(
    app: FastAPI, broadcaster: Broadcaster, origins: OriginRule, send_timeout_s: float
) -> None:
    """Serve the captions of `broadcaster` below `/captions`.

    Args:
        origins: a request that names the server by a name that it does not know is refused.
        send_timeout_s: a viewer that takes nothing for so long is dropped.
    """
    routes = app.router.routes
    events = EventStream(broadcaster, origins, send_timeout_s)
    routes.append(Route("/captions/{name}/events", events, methods=["GET"]))
    for kind, (media_type, write) in _FILES.items():
        file = partial(_file, broadcaster, origins, media_type, write)
        routes.append(Route(f"/captions/{{name}}.{kind}", file))
    for path, view in _VIEWS.items():
        routes.append(Route(f"/captions/{{name}}{path}", partial(_page, origins, view)))


async def _file(
    broadcaster: Broadcaster,
    origins: OriginRule,
    media_type: str,
    write: _Write,
    request: Request,
) -> Response:
    name = request.path_params["name"]
    fault = _fault(origins, request.headers, name)
    if fault is not None:
        return _plain(*fault)
    history = broadcaster.history(name)
    if history is None:
        return _plain(
            f"There is no caption channel {name!r}: nobody has published to it, or its round "
            "ended so long ago that it is forgotten.",
            404,
        )
    # Hours of captions take a while to write; the audio of others does not wait for it.
    document = await asyncio.to_thread(write, history)
    return Response(document, headers=_HEADERS, media_type=media_type)


async def _page(origins: OriginRule, view: View, request: Request) -> Response:
    name = request.path_params["name"]
    fault = _fault(origins, request.headers, name)
    if fault is not None:
        sentence, status = fault
        return _html(error_page(view, sentence), status, _HEADERS)
    try:
        appearance = appearance_of(request.query_params.multi_items())
    except PageError as error:
        return _html(error_page(view, str(error)), 400, _HEADERS)
    language = language_of(appearance, request.headers.get("accept-language", ""))
    headers = _SHARE_HEADERS if view is SHARE else _HEADERS
    return _html(page(view, name, appearance, language), 200, headers)


class EventStream:
    """ASGI application of `/captions/NAME/events`."""

    def __init__(
        self, broadcaster: Broadcaster, origins: OriginRule, send_timeout_s: float
    ) -> None:
        """
        Args:
            send_timeout_s: a viewer that takes nothing for so long is dropped.
        """
        self._broadcaster = broadcaster
        self._origins = origins
        self._send_timeout_s = send_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path_params"]["name"]
        extensions = scope.get("extensions", {})
        headers = Headers(scope=scope)
        fault = _fault(self._origins, headers, name)
        if fault is not None:
            await _plain(*fault)(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            await Response(headers=dict(_decoded(_STREAM_HEADERS)))(scope, receive, send)
            return
        try:
            last = headers.get("last-event-id")
            viewer = self._broadcaster.join(name, last, extensions.get(ABORT, _nothing))
        except ViewerRefused as refused:
            answer = _plain(f"The captions can not be watched now: {refused}.", 503)
            answer.headers["Retry-After"] = "10"
            await answer(scope, receive, send)
            return
        extensions.get(SHALLOW, _nothing)()
        watching = watched(_until_gone(receive, viewer), name="viewer")
        try:
            await self._stream(viewer, send)
        except TimeoutError:
            viewer.abort()
        finally:
            watching.cancel()
            self._broadcaster.leave(viewer)

    async def _stream(self, viewer: Viewer, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS}
        await send(start)
        while (events := await viewer.next_events()) is not None:
            async with asyncio.timeout(self._send_timeout_s):
                await send({"type": "http.response.body", "body": events, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive, viewer: Viewer) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        viewer.disconnect()


def _nothing() -> None:
    """Stands in for an extension that the server beneath does not have."""


def _fault(origins: OriginRule, headers: Headers, name: str) -> tuple[str, int] | None:
    """Why a request gets no captions, and the HTTP status; None if it gets them."""
    if not origins.knows(headers):
        return stranger(headers), 403
    if _NAME.read(name) is None:
        return f"{name[:80]!r} is no name of a caption channel; allowed: {_NAME.allowed}.", 404
    return None


def _plain(sentence: str, status: int) -> Response:
    return Response(f"{sentence}\n", status, headers=_HEADERS, media_type="text/plain")


def _html(content: str, status: int, headers: Mapping[str, str]) -> Response:
    return Response(content, status, headers=headers, media_type="text/html")


def _decoded(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in headers]
