"""One request and its answer, as an ASGI application sees them."""

from __future__ import annotations

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Protocol

import h11
import structlog
from starlette.types import ASGIApp, Message, Scope

from rasr.asgi.addresses import Headers
from rasr.asgi.connection import Connection
from rasr.asgi.heads import date, phrase

_log = structlog.get_logger("rasr.asgi")


class Requests(Protocol):
    """The requests of a connection, of which this is the one that is open."""

    @property
    def wants_continue(self) -> bool:
        """The peer waits to be told that its body is welcome."""

    @property
    def is_closing(self) -> bool:
        """The answer is the last one of the connection."""

    def send(self, event: h11.Event) -> None:
        """Send a part of the answer."""

    def refuse(self, status: HTTPStatus, sentence: str) -> None:
        """Answer with one sentence if nothing has been answered yet, and close."""

    def answered(self) -> None:
        """The answer has been sent whole."""


class Exchange:
    """`receive` and `send` of one request."""

    def __init__(self, http: Requests, connection: Connection, app: ASGIApp, scope: Scope) -> None:
        self._http = http
        self._connection = connection
        self._app = app
        self._scope = scope
        self._is_head = scope["method"] == "HEAD"
        self._parts: deque[bytes] = deque()
        """Of the body, not taken yet."""
        self._part_bytes = 0
        self._is_whole = False
        """All of the body has come."""
        self._end_is_told = False
        self._is_gone = False
        self._has_begun = False
        self._is_answered = False
        self._arrived: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        """Of the application, while it answers."""
        self._body_bytes = 0

    # From the connection

    def body(self, data: bytes) -> None:
        """A piece of the body came."""
        if self._is_answered or self._is_gone:
            return
        most = self._connection.limits.body_bytes
        self._body_bytes += len(data)
        if self._body_bytes > most:
            self._http.refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is longer than {most} bytes"
            )
            return
        self._connection.deadline.clear()
        self._parts.append(data)
        self._part_bytes += len(data)
        if self._part_bytes > self._connection.limits.body_buffer_bytes:
            self._connection.hold()
        self._wake()

    def body_ends(self) -> None:
        """The body is whole."""
        if not self._is_answered:
            self._connection.deadline.clear()
        self._is_whole = True
        self._wake()

    def lost(self) -> None:
        """The peer is gone: nobody wants the answer, and whoever makes it is cancelled."""
        self._is_gone = True
        self._parts.clear()
        if self._task is not None and not self._is_answered:
            self._task.cancel()

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    # The application's side

    async def run(self) -> None:
        """Let the application answer. What it fails to say is said for it."""
        path = self._scope["path"][:120]
        if self._is_gone:
            return
        self._task = asyncio.current_task()
        try:
            await self._app(self._scope, self.receive, self.send)
        except Exception:
            # For a peer that wants no more applications end as they like.
            if not self._is_gone and not self._is_answered:
                _log.exception("request_failed", path=path)
        else:
            if not self._is_answered and not self._is_gone:
                _log.error("request_not_answered", path=path)
        if self._is_answered or self._is_gone:
            return
        if self._has_begun:
            self._connection.abort()
        else:
            self._http.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of the server")

    async def receive(self) -> Message:
        """The next piece of the body; `http.disconnect` once the peer is gone or answered."""
        while True:
            if self._is_gone or self._is_answered:
                return {"type": "http.disconnect"}
            if self._parts or (self._is_whole and not self._end_is_told):
                return self._taken()
            if not self._is_whole:
                self._ask_for_more()
            self._arrived = asyncio.get_running_loop().create_future()
            try:
                await self._arrived
            finally:
                self._arrived = None

    def _taken(self) -> Message:
        data = b"".join(self._parts)
        self._parts.clear()
        self._part_bytes = 0
        self._end_is_told = self._is_whole
        if not self._is_whole:
            self._connection.release()
        return {"type": "http.request", "body": data, "more_body": not self._is_whole}

    def _ask_for_more(self) -> None:
        if self._http.wants_continue:
            self._http.send(
                h11.InformationalResponse(
                    status_code=HTTPStatus.CONTINUE,
                    headers=[],
                    reason=HTTPStatus.CONTINUE.phrase.encode(),
                )
            )
        timeout_s = self._connection.limits.body_timeout_s
        self._connection.deadline.set(timeout_s, self._body_is_late)

    def _body_is_late(self) -> None:
        timeout_s = self._connection.limits.body_timeout_s
        self._http.refuse(
            HTTPStatus.REQUEST_TIMEOUT, f"nothing more of the body came within {timeout_s:g} s"
        )

    async def send(self, message: Message) -> None:
        """Send a part of the answer; waits while the peer reads slowly.

        Raises:
            OSError: the peer is gone.
        """
        if self._is_answered:
            if message.get("more_body", False):
                # Of HEAD, by an application that would go on for ever.
                raise OSError("the peer wants no body")
            return
        if self._is_gone:
            raise OSError("the peer is gone")
        ends = False
        if message["type"] == "http.response.start":
            self._start(message)
            # Nobody wants the body of HEAD, and that of captions would never end.
            ends = self._is_head
        else:
            if message.get("body"):
                self._http.send(h11.Data(data=message["body"]))
            ends = not message.get("more_body", False)
        if ends:
            self._http.send(h11.EndOfMessage())
            self._is_answered = True
        await self._connection.drained()
        if ends:
            self._wake()
            self._http.answered()

    def _start(self, message: Message) -> None:
        headers: Headers = [date(), *message.get("headers", [])]
        # A body that is not here whole is not waited for behind its answer.
        if self._http.is_closing or not self._is_whole:
            headers.append((b"connection", b"close"))
        status = message["status"]
        self._has_begun = True
        self._http.send(h11.Response(status_code=status, headers=headers, reason=phrase(status)))
