"""A client's websocket: messages in with the time at which they came, frames out.

It does the handshake, pings, closing and back-pressure both ways, and knows nothing of speech. It
runs the protocol of the websockets package in an `asyncio.Protocol`, so that a message costs no
task and no future. A client that carries hundreds of streams gives each websocket a
`WebSocketListener`, which is told of every message at once; otherwise messages wait for `receive`.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from typing import Protocol, Self, cast, final

from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.uri import parse_uri

from rasr.client.credentials import Credential, show

_TEXT, _OPEN = Opcode.TEXT, State.OPEN
_MOST_UNREAD = 1024
"""With more messages unread the socket is not read until half of them are gone."""
_CLOSE_S = 10.0
_PING_S = 5.0
"""Time between two pings."""
_MOST_UNANSWERED = 2
"""A server that owes answers to so many when the next is due is gone. That is found out within
15 s, before a server takes the client for idle, and not before 10 s: so long a busy one may take.
"""


def text_frame(text: str) -> bytes:
    """A text message as bytes on the wire; they may be sent any number of times."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=True)


def binary_frame(data: bytes) -> bytes:
    """A binary message as bytes on the wire; they may be sent any number of times."""
    return Frame(Opcode.BINARY, data).serialize(mask=True)


class WebSocketListener(Protocol):
    """Is told what happens to a websocket, on the event loop, so its methods must return soon."""

    def on_open(self) -> None:
        """The handshake is over: frames may be written."""

    def on_message(self, at_s: float, text: bytes) -> None:
        """A message came at `at_s` of `time.monotonic`."""

    def on_lost(self) -> None:
        """The connection is gone, or never came about."""


@final
class WebSocket(asyncio.Protocol):
    """A websocket from the handshake to the close. It is made inside a running event loop."""

    def __init__(
        self, address: str, *, listener: WebSocketListener | None = None, pings: bool = True
    ) -> None:
        """
        Args:
            address: ws://… or wss://…
            listener: is told of messages at once; without one they wait for `receive`.
            pings: send pings, and take a server that does not answer them for gone.

        Raises:
            websockets.InvalidURI: `address` is no URL of a websocket.
        """
        self._uri = parse_uri(address)
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._protocol = ClientProtocol(self._uri, max_size=None)
        self._transport: asyncio.Transport | None = None
        self.is_open = False
        """True between the handshake and the first sign of an end. To be read only."""
        self._pings = pings
        self._unanswered = 0
        """Pings."""
        self._timer: asyncio.TimerHandle | None = None
        self._credential: Credential = None
        self._opened = self._loop.create_future()
        self._lost = asyncio.Event()
        self._fragments = b""
        self._unread: deque[tuple[float, bytes]] = deque()
        self._came = asyncio.Event()
        """Set while there is something to read or nothing will come any more."""
        self._writable = asyncio.Event()
        self._writable.set()
        self._reading = True

    async def open(
        self, *, timeout_s: float, tls: ssl.SSLContext | None = None, credential: Credential = None
    ) -> Self:
        """Connect and shake hands, and show who calls if there is a credential.

        Raises:
            OSError, TimeoutError: there is no server, or it does not answer.
            websockets.InvalidHandshake: it refuses, or is no websocket server.
        """
        uri, self._credential = self._uri, credential
        secure: ssl.SSLContext | bool | None = (tls or True) if uri.secure else None
        try:
            async with asyncio.timeout(timeout_s):
                await self._loop.create_connection(lambda: self, uri.host, uri.port, ssl=secure)
                await self._opened
        except BaseException:
            self.abort()
            raise
        if self._pings:
            self._timer = self._loop.call_later(_PING_S, self._ping)
        return self

    def write(self, frame: bytes) -> None:
        """Send a frame of `text_frame` or `binary_frame`, however much waits already.

        Raises:
            websockets.ConnectionClosed: the connection is not open any more.
        """
        if not self.is_open or self._transport is None:
            raise self.closed()
        self._transport.write(frame)

    async def send(self, frame: bytes) -> None:
        """Send a frame; returns when the network has taken it or has room for the next one.

        Raises:
            websockets.ConnectionClosed: the connection is not open any more.
        """
        self.write(frame)
        if not self._writable.is_set():
            await self._writable.wait()
            if not self.is_open:
                raise self.closed()

    async def receive(self) -> tuple[float, bytes]:
        """The next message and when it came.

        Raises:
            websockets.ConnectionClosed: no more will come.
        """
        while not self._unread:
            if self._lost.is_set():
                raise self.closed()
            self._came.clear()
            await self._came.wait()
        if not self._reading and len(self._unread) <= _MOST_UNREAD // 2:
            self._reading = True
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()
        return self._unread.popleft()

    async def close(self) -> None:
        """Close with a handshake; without one if the server takes no part in it."""
        if self._transport is None:
            return
        if self.is_open:
            self._protocol.send_close(1000)
            self._flush()
            self._end()
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._lost.wait()
        except TimeoutError:
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once, without a closing handshake."""
        self.is_open = False
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()

    def closed(self) -> ConnectionClosed:
        """The exception that says how the connection ended."""
        self._protocol.receive_eof()
        return self._protocol.close_exc

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        # uvloop's transports are not registered as such.
        self._transport = cast(asyncio.Transport, transport)
        self._protocol.send_request(_handshake(self._protocol, self._credential))
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Hand on the messages in what came, and send what the protocol answers."""
        now = time.monotonic()
        protocol = self._protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if not isinstance(event, Frame):
                self._shake_hands()
            elif event.opcode is _TEXT and event.fin:
                self._deliver(now, bytes(event.data))
            else:
                self._follow(event, now)
        self._flush()
        if protocol.state is not _OPEN:
            self._end()

    def eof_received(self) -> None:
        """The server sends no more."""
        self._protocol.receive_eof()
        self._flush()
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed: whoever waits for anything is woken."""
        self._protocol.receive_eof()
        self.is_open = False
        self._stop_timer()
        if not self._opened.done():
            self._opened.set_exception(_why_not_opened(self._protocol.handshake_exc, exc))
            # Whoever was to await it may be gone.
            self._opened.exception()
        self._lost.set()
        self._came.set()
        self._writable.set()
        if self._listener is not None:
            self._listener.on_lost()

    def pause_writing(self) -> None:
        """The network is full: `send` waits."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The network has room again."""
        self._writable.set()

    def _deliver(self, at_s: float, text: bytes) -> None:
        if self._listener is not None:
            self._listener.on_message(at_s, text)
            return
        self._unread.append((at_s, text))
        self._came.set()
        if len(self._unread) > _MOST_UNREAD and self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def _shake_hands(self) -> None:
        if self._opened.done():
            return
        problem = self._protocol.handshake_exc
        if problem is None:
            self.is_open = True
            self._opened.set_result(None)
            if self._listener is not None:
                self._listener.on_open()
        else:
            self._opened.set_exception(problem)
            self._opened.exception()

    def _follow(self, frame: Frame, now: float) -> None:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY | Opcode.CONT:
                self._fragments += bytes(frame.data)
                if frame.fin:
                    whole, self._fragments = self._fragments, b""
                    self._deliver(now, whole)
            case Opcode.PONG:
                self._unanswered = 0
            case _:
                pass

    def _end(self) -> None:
        """Nothing more is sent; the server is given some time to close."""
        self.is_open = False
        self._stop_timer()
        if not self._lost.is_set():
            self._timer = self._loop.call_later(_CLOSE_S, self.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ping(self) -> None:
        self._timer = None
        if not self.is_open:
            return
        if self._unanswered == _MOST_UNANSWERED:
            self.abort()
            return
        self._unanswered += 1
        self._protocol.send_ping(b"")
        self._flush()
        self._timer = self._loop.call_later(_PING_S, self._ping)

    def _flush(self) -> None:
        assert self._transport is not None
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                # An empty piece asks for the end of writing.
                self._transport.write_eof()


def _handshake(protocol: ClientProtocol, credential: Credential) -> Request:
    request = protocol.connect()
    show(credential, request)
    return request


def _why_not_opened(problem: Exception | None, cause: Exception | None) -> Exception:
    if isinstance(problem, InvalidHandshake) and not isinstance(problem.__cause__, EOFError):
        return problem
    return cause if isinstance(cause, OSError) else ConnectionResetError("it hung up at once")
