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
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from rasr.asgi import ABORT, SHALLOW
from rasr.captions import Broadcaster, ChannelHistory, Viewer, ViewerRefused, Watcher, readable
from rasr.captions.files import srt, vtt
from rasr.server.auth.answers import NOT_HERE, body
from rasr.server.channels.directory import REPLICA_HEADER, ChannelDirectory
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
from rasr.server.origins import OriginRule, refusal, stranger
from rasr.server.ws.socket import AsgiSocket
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
_GONE = ("http.disconnect", "websocket.disconnect")
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    # nginx would collect events until its buffer is full.
    (b"x-accel-buffering", b"no"),
]


def add_captions(
    app: FastAPI,
    broadcaster: Broadcaster,
    channels: ChannelDirectory,
    replica: str,
    origins: OriginRule,
    send_timeout_s: float,
) -> None:
    """Serve the captions of `broadcaster` below `/captions`.

    Args:
        replica: the name of this server, which others have for it.
        channels: knows where channels are that are not here.
        origins: a request that names the server by a name that it does not know is refused.
        send_timeout_s: a viewer that takes nothing for so long is dropped.
    """
    routes = app.router.routes
    events = EventStream(broadcaster, channels, origins, send_timeout_s)
    routes.append(Route("/captions/{name}/events", events, methods=["GET"]))
    copies = CopyStream(broadcaster, replica, origins, send_timeout_s)
    routes.append(WebSocketRoute("/captions/{name}/copy", copies))
    for kind, (media_type, write) in _FILES.items():
        file = partial(_file, broadcaster, channels, origins, media_type, write)
        routes.append(Route(f"/captions/{{name}}.{kind}", file))
    for path, view in _VIEWS.items():
        routes.append(Route(f"/captions/{{name}}{path}", partial(_page, origins, view)))


async def _file(
    broadcaster: Broadcaster,
    channels: ChannelDirectory,
    origins: OriginRule,
    media_type: str,
    write: _Write,
    request: Request,
) -> Response:
    name = request.path_params["name"]
    fault = _fault(origins, request.headers, name)
    if fault is not None:
        return _plain(*fault)
    await channels.seek(name)
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
        self,
        broadcaster: Broadcaster,
        channels: ChannelDirectory,
        origins: OriginRule,
        send_timeout_s: float,
    ) -> None:
        """
        Args:
            channels: knows where channels are that are not here.
            send_timeout_s: a viewer that takes nothing for so long is dropped.
        """
        self._broadcaster = broadcaster
        self._channels = channels
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
            await self._channels.seek(name)
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


class CopyStream:
    """ASGI application of `/captions/NAME/copy`, where another server copies a channel. It is told
    what a viewer may read; `Last-Event-ID` says what it has."""

    def __init__(
        self, broadcaster: Broadcaster, replica: str, origins: OriginRule, send_timeout_s: float
    ) -> None:
        """
        Args:
            replica: the name of this server; who means another one is refused.
            send_timeout_s: one that takes nothing for so long is dropped.
        """
        self._broadcaster = broadcaster
        self._replica = replica
        self._origins = origins
        self._send_timeout_s = send_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = AsgiSocket(scope, receive, send)
        name, headers = scope["path_params"]["name"], Headers(scope=scope)
        fault = _fault(self._origins, headers, name)
        if fault is None and not self._origins.admits(headers):
            # Browsers let any page read what a websocket tells, and do not let it read the stream.
            fault = refusal(headers), 403
        if fault is None and headers.get(REPLICA_HEADER, self._replica) != self._replica:
            fault = "this is another server than the one that is meant", 404
        if fault is not None:
            sentence, status = fault
            await socket.refuse(status, body(scope, NOT_HERE, sentence))
            return
        try:
            place = headers.get("last-event-id", "")
            copier = self._broadcaster.join_copier(name, place, socket.abort)
        except ViewerRefused as refused:
            sentence = f"The captions can not be copied now: {refused}."
            await socket.refuse(503, body(scope, NOT_HERE, sentence))
            return
        watching: asyncio.Task[None] | None = None
        try:
            await socket.accept()
            watching = watched(_until_gone(receive, copier), name="copier")
            while (message := await copier.next_events()) is not None:
                async with asyncio.timeout(self._send_timeout_s):
                    await socket.send(message)
                # A history of hours is many messages, and the audio of others does not wait for it.
                await asyncio.sleep(0)
            await socket.close(1001, "")
        except TimeoutError:
            socket.abort()
        finally:
            if watching is not None:
                watching.cancel()
            self._broadcaster.leave(copier)


async def _until_gone(receive: Receive, watcher: Watcher) -> None:
    try:
        while (await receive())["type"] not in _GONE:
            pass
    finally:
        watcher.disconnect()


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
