"""The handshake of a websocket, and the websocket behind it, as an ASGI application sees them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol

import h11
import structlog
from starlette.types import ASGIApp, Message, Scope
from websockets.datastructures import Headers as WebSocketHeaders
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from rasr.asgi.addresses import Headers
from rasr.asgi.connection import Connection
from rasr.asgi.exchange import Requests
from rasr.asgi.extensions import GONE, SHALLOW
from rasr.asgi.heads import date, phrase
from rasr.asgi.websocket import WebSocket

_log = structlog.get_logger("rasr.asgi")


class Host(Protocol):
    """What is asked of the server."""

    app: ASGIApp

    def run(self, exchange: Handshake) -> None:
        """Let the application answer, in a task of its own."""


class Switching(Requests, Protocol):
    """Requests of which the last one makes the connection a websocket."""

    def switch(self, headers: Headers) -> WebSocket:
        """Answer the handshake with these headers; from now on frames come."""


class Handshake:
    """`receive` and `send` of one websocket, its handshake included."""

    def __init__(
        self,
        http: Switching,
        connection: Connection,
        host: Host,
        scope: Scope,
    ) -> None:
        self._http = http
        self._connection = connection
        self._host = host
        extensions = {name: call for name, call in scope["extensions"].items() if name != SHALLOW}
        self._scope: Scope = {
            **scope,
            "type": "websocket",
            "scheme": "wss" if scope["scheme"] == "https" else "ws",
            "subprotocols": _subprotocols(scope["headers"]),
            "extensions": extensions
            | {"websocket.http.response": {}, GONE: lambda: self._peer_is_gone},
        }
        self._accept: Headers = []
        """Of the answer, as the request's key wants it."""
        self._socket: WebSocket | None = None
        self._connect_is_told = False
        self._is_refused = False
        self._is_gone = False

    @property
    def _peer_is_gone(self) -> bool:
        return self._is_gone if self._socket is None else self._socket.is_over

    # From the connection

    def body(self, data: bytes) -> None:
        """There is none: a handshake that announces one is refused."""

    def body_ends(self) -> None:
        """The handshake is whole: it is right, or it is refused."""
        if self._is_gone:
            return
        request = Request(
            self._scope["path"],
            WebSocketHeaders(
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in self._scope["headers"]
            ),
            method=self._scope["method"],
            protocol=f"HTTP/{self._scope['http_version']}",
        )
        answer = ServerProtocol().accept(request)
        if answer.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            sentence = bytes(answer.body or b"").decode(errors="replace").strip()
            self._http.refuse(HTTPStatus(answer.status_code), sentence)
            return
        self._accept = [
            (name.lower().encode(), value.encode())
            for name, value in answer.headers.raw_items()
            if name.lower() != "date"
        ]
        self._host.run(self)

    def lost(self) -> None:
        """The peer is gone."""
        self._is_gone = True

    # The application's side

    async def run(self) -> None:
        """Let the application have the websocket. What it leaves open is closed."""
        status, code, reason = HTTPStatus.FORBIDDEN, CloseCode.NORMAL_CLOSURE, ""
        try:
            await self._host.app(self._scope, self.receive, self.send)
        except Exception:
            if not self._is_gone and (self._socket is None or not self._socket.is_over):
                _log.exception("websocket_failed", path=self._scope["path"][:120])
            status, code = HTTPStatus.INTERNAL_SERVER_ERROR, CloseCode.INTERNAL_ERROR
            reason = "an error of the server"
        if self._socket is not None:
            self._socket.close(code, reason)
        elif not self._is_refused:
            self._http.refuse(status, reason or "the websocket is refused")

    async def receive(self) -> Message:
        """`websocket.connect`, then messages, then `websocket.disconnect`."""
        if not self._connect_is_told:
            self._connect_is_told = True
            return {"type": "websocket.connect"}
        if self._socket is None:
            return {"type": "websocket.disconnect", "code": CloseCode.ABNORMAL_CLOSURE}
        return await self._socket.receive()

    async def send(self, message: Message) -> None:
        """Answer the handshake, then send messages.

        Raises:
            OSError: the peer is gone.
        """
        if self._socket is not None:
            await self._socket.send(message)
            return
        if self._is_gone:
            raise OSError("the peer is gone")
        match message["type"]:
            case "websocket.accept":
                self._socket = self._http.switch(self._accepted(message))
            case "websocket.close":
                self._is_refused = True
                self._http.refuse(HTTPStatus.FORBIDDEN, "the websocket is refused")
            case "websocket.http.response.start":
                headers = [date(), *message.get("headers", []), (b"connection", b"close")]
                status = message["status"]
                self._http.send(
                    h11.Response(status_code=status, headers=headers, reason=phrase(status))
                )
            case _:
                if message.get("body"):
                    self._http.send(h11.Data(data=message["body"]))
                if not message.get("more_body", False):
                    self._is_refused = True
                    self._http.send(h11.EndOfMessage())
                    self._http.answered()

    def _accepted(self, message: Message) -> Headers:
        chosen = message.get("subprotocol")
        subprotocol = [(b"sec-websocket-protocol", chosen.encode())] if chosen else []
        return [date(), *self._accept, *subprotocol, *message.get("headers", [])]


def _subprotocols(headers: Headers) -> list[str]:
    values = b",".join(value for name, value in headers if name == b"sec-websocket-protocol")
    return [text for part in values.decode("latin-1").split(",") if (text := part.strip())]
