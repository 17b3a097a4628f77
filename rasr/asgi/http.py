"""HTTP/1.1: the requests of one connection, one after the other.

h11 reads heads and bodies and keeps the order of things; here are the limits and the refusals. A
request that comes while one is being answered waits unread, so whoever sends many and reads no
answer is not served.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol

import h11
from starlette.types import ASGIApp

from rasr.asgi.addresses import Headers
from rasr.asgi.connection import Connection
from rasr.asgi.exchange import Exchange
from rasr.asgi.handshake import Handshake
from rasr.asgi.heads import asks_for_websocket, has_body, response, scope_of
from rasr.asgi.websocket import WebSocket

_NO_MORE = (h11.MUST_CLOSE, h11.CLOSED)
"""Behind a request that is to be the last one nothing counts: h11 would keep it all."""


class Host(Protocol):
    """What is asked of the server."""

    app: ASGIApp
    is_closing: bool
    """Nobody new is to come: every answer is the last one of its connection."""

    def run(self, exchange: Exchange | Handshake) -> None:
        """Let the application answer, in a task of its own."""

    def refused(self, reason: str) -> None:
        """A peer was refused before the application was asked."""


class HttpConnection:
    """Reads requests and hands each to the application. See `rasr.asgi.connection.Handler`."""

    def __init__(self, connection: Connection, host: Host) -> None:
        self._connection = connection
        self._limits = connection.limits
        self._host = host
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.head_bytes)
        self._exchange: Exchange | Handshake | None = None
        self._head_has_begun = False
        self._sends_more = False
        """Bytes came behind a request that is the last one."""
        self._is_over = False
        """The last answer has been sent, or a refusal: nothing more counts."""
        connection.deadline.set(self._limits.head_timeout_s, self._too_late)

    # Bytes in

    def feed(self, data: bytes) -> None:
        """Read requests."""
        if self._is_over:
            return
        if self._http.their_state in _NO_MORE:
            self._sends_more = True
            return
        if self._exchange is None and not self._head_has_begun:
            self._head_begins()
        self._http.receive_data(data)
        self._advance()

    def lost(self) -> None:
        """The peer is gone."""
        self._is_over = True
        if self._exchange is not None:
            self._exchange.lost()

    def writable(self) -> None:
        """Whoever sends waits by himself."""

    def beat(self) -> None:
        """HTTP has nothing that could be sent between answers."""

    def _advance(self) -> None:
        while not self._is_over and self._http.their_state not in _NO_MORE:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                # Behind the colon is what came, as Python writes bytes.
                reason = str(error).partition(": bytearray")[0]
                status = HTTPStatus(error.error_status_hint)
                if status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
                    reason = f"its head is longer than {self._limits.head_bytes} bytes"
                self.refuse(status, f"the request cannot be read: {reason}")
                return
            match event:
                case h11.Request():
                    self._begin(event)
                case h11.Data():
                    assert self._exchange is not None, "a body has a head before it"
                    self._exchange.body(bytes(event.data))
                case h11.EndOfMessage():
                    assert self._exchange is not None, "a body has a head before it"
                    self._exchange.body_ends()
                case h11.PAUSED:
                    # What has come belongs behind the answer.
                    self._connection.hold()
                    return
                case _:
                    if self._exchange is None:
                        self._check_lines()
                    return

    def _check_lines(self) -> None:
        """Refuse a head that is not here whole and has too many lines already.

        h11 reads all of them at once when the last one has come: thousands of short ones would hold
        up everybody's audio for some ten ms.
        """
        begun, _ = self._http.trailing_data
        if begun.count(b"\n") > self._limits.headers + 1:
            self.refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the request has more than {self._limits.headers} headers",
            )

    def _head_begins(self) -> None:
        self._head_has_begun = True
        self._connection.deadline.set(self._limits.head_timeout_s, self._too_late)

    def _begin(self, request: h11.Request) -> None:
        self._head_has_begun = False
        self._connection.deadline.clear()
        headers: Headers = list(request.headers)
        fault = self._fault(request, headers)
        if fault is not None:
            self.refuse(*fault)
            return
        self._connection.in_use(used=True)
        scope = scope_of(request, headers, self._connection)
        if asks_for_websocket(headers):
            # It is run when h11 has seen its end.
            self._exchange = Handshake(self, self._connection, self._host, scope)
        else:
            self._exchange = Exchange(self, self._connection, self._host.app, scope)
            self._host.run(self._exchange)

    def _fault(self, request: h11.Request, headers: Headers) -> tuple[HTTPStatus, str] | None:
        """What is wrong with a head that h11 takes."""
        if len(headers) > self._limits.headers:
            return (
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"the request has {len(headers)} headers, allowed: {self._limits.headers}",
            )
        if request.http_version not in (b"1.0", b"1.1"):
            return (
                HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
                f"HTTP/{request.http_version.decode()} is not spoken here, HTTP/1.1 is",
            )
        if asks_for_websocket(headers) and has_body(headers):
            # What comes behind a handshake would be taken for frames.
            return HTTPStatus.BAD_REQUEST, "the handshake of a websocket has no body"
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}:
            # A proxy before this server may believe the other one (RFC 9112, section 6.3).
            return HTTPStatus.BAD_REQUEST, "the request tells the length of its body in two ways"
        return None

    def _too_late(self) -> None:
        if not self._head_has_begun:
            # Nothing was asked, so there is nothing to answer.
            self._is_over = True
            self._host.refused("idle")
            self._connection.close()
            return
        timeout_s = self._limits.head_timeout_s
        self.refuse(
            HTTPStatus.REQUEST_TIMEOUT, f"the request was not here whole within {timeout_s:g} s"
        )

    # For the exchange that is open

    @property
    def wants_continue(self) -> bool:
        """The peer waits to be told that its body is welcome."""
        return self._http.they_are_waiting_for_100_continue

    @property
    def is_closing(self) -> bool:
        """The answer is the last one of the connection."""
        return self._host.is_closing

    def send(self, event: h11.Event) -> None:
        """Send a part of the answer."""
        data = self._http.send(event)
        if data:
            self._connection.write(data)

    def refuse(self, status: HTTPStatus, sentence: str) -> None:
        """Answer with one sentence if nothing has been answered yet, and close."""
        if self._is_over:
            return
        self._is_over = True
        self._host.refused(status.phrase.lower())
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            for event in response(status, sentence):
                self.send(event)
        if self._exchange is not None:
            self._exchange.lost()
        self._connection.linger()

    def answered(self) -> None:
        """The answer has been sent whole: on to the next request, or the end."""
        self._exchange = None
        if self._is_over:
            return
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            self._is_over = True
            if self._sends_more or self._http.their_state is h11.SEND_BODY:
                self._connection.linger()
            else:
                self._connection.close()
            return
        self._http.start_next_cycle()
        self._connection.in_use(used=False)
        self._connection.deadline.set(self._limits.idle_timeout_s, self._too_late)
        # What waits in h11 comes first; it holds the rest again if it has a request.
        self._connection.release()
        self._advance()
        # Of the next head a part may have come with the request that has just been answered.
        if self._exchange is None and not self._is_over and self._http.trailing_data[0]:
            self._head_begins()

    def switch(self, headers: Headers) -> WebSocket:
        """Answer the handshake with these headers; from now on frames come."""
        self._is_over = True
        self.send(
            h11.InformationalResponse(
                status_code=HTTPStatus.SWITCHING_PROTOCOLS,
                headers=headers,
                reason=HTTPStatus.SWITCHING_PROTOCOLS.phrase.encode(),
            )
        )
        rest, _ = self._http.trailing_data
        socket = WebSocket(self._connection)
        self._connection.hand_over(socket, bytes(rest))
        return socket
