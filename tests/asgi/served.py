"""A server on loopback around a small application, and peers that write bytes by hand."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import Message, Receive, Scope, Send

from rasr.asgi import Limits, Server
from tests.processes import until

LIMITS = Limits(connections=50, linger_s=0.2)
HANDSHAKE = (
    b"GET /socket HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
END = b"\r\n"


def handshake(path: str) -> bytes:
    """A whole handshake for a websocket at this path."""
    return HANDSHAKE.replace(b"/socket", path.encode()) + END


class App:
    """Answers by the path: what it got, how it got it, or not at all."""

    def __init__(self) -> None:
        self.calls = 0
        self.scopes: list[Scope] = []
        self.gone = asyncio.Event()
        """A peer left while its request was open."""
        self.open = asyncio.Event()
        """A request came that is answered when it is told so."""
        self.answer = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls += 1
        self.scopes.append(scope)
        try:
            if scope["type"] == "websocket":
                await self._websocket(scope, receive, send)
            else:
                await self._http(scope, receive, send)
        except asyncio.CancelledError:
            self.gone.set()
            raise

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["path"]:
            case "/fails":
                raise ValueError("on purpose")
            case "/fails-late":
                await send(_start(200))
                raise ValueError("on purpose")
            case "/silent":
                return
            case "/large":
                await send(_start(200))
                await send(_body(bytes(100_000)))
                return
            case "/waits":
                self.open.set()
                await self.answer.wait()
            case "/watches":
                await send(_start(200))
                while (await receive())["type"] != "http.disconnect":
                    self.open.set()
                self.gone.set()
                return
            case "/unread":
                await send(_start(413))
                await send(_body(b"too much"))
                return
            case "/endless":
                await send(_start(200))
                while True:
                    await send(_body(bytes(1000), more=True))
                    await asyncio.sleep(0)
        body = b""
        if scope["method"] not in ("GET", "HEAD"):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.gone.set()
                    return
                body += message["body"]
                if not message["more_body"]:
                    break
        await send(_start(200))
        await send(_body(body or b"ok"))

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        if scope["path"] == "/refused":
            await send({"type": "websocket.http.response.start", "status": 429, "headers": []})
            await send({"type": "websocket.http.response.body", "body": b"no"})
            return
        if scope["path"] == "/forgotten":
            return
        await send({"type": "websocket.accept"})
        if scope["path"] == "/fails":
            raise ValueError("on purpose")
        if scope["path"] == "/deaf":
            self.open.set()
            await self.answer.wait()
            return
        while (message := await receive())["type"] == "websocket.receive":
            kind = "text" if message.get("text") is not None else "bytes"
            if message[kind] in ("close", b"close"):
                await send({"type": "websocket.close", "code": 4000, "reason": "as you like"})
                continue
            try:
                await send({"type": "websocket.send", kind: message[kind]})
            except OSError:
                # The next message says so too.
                continue
        self.gone.set()
        self.last = message

    last: Message | None = None


def _start(status: int) -> Message:
    return {"type": "http.response.start", "status": status, "headers": []}


def _body(data: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


@dataclass
class Peer:
    """A client that writes what it likes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write, and wait until the kernel takes it."""
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """All that comes until the server closes."""
        try:
            return await self.reader.read()
        except ConnectionResetError:
            return b""

    async def head(self) -> bytes:
        """The head of the next answer."""
        return await self.reader.readuntil(b"\r\n\r\n")

    def close(self) -> None:
        """Leave."""
        self.writer.close()


@dataclass
class Served:
    """A server that runs, and its application."""

    app: App
    server: Server
    port: int
    peers: list[Peer] = field(default_factory=list)

    async def peer(self) -> Peer:
        """A new client. It leaves with the server at the latest."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.peers.append(Peer(reader, writer))
        return self.peers[-1]

    async def quiet(self) -> None:
        """Wait until nobody is connected."""
        await until(lambda: not self.server.count)

    async def ask(self, data: bytes) -> bytes:
        """What a client of its own gets until the server closes."""
        peer = await self.peer()
        await peer.send(data)
        return await peer.rest()

    async def socket(self, path: str = "/socket") -> Peer:
        """A client behind the handshake of a websocket."""
        peer = await self.peer()
        await peer.send(handshake(path))
        assert (await peer.head()).startswith(b"HTTP/1.1 101 ")
        return peer


@asynccontextmanager
async def served(
    limits: Limits = LIMITS, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Served]:
    """A server with these limits; with a context its peers have to speak TLS."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = App()
    server = Server(app, limits, tls=tls)
    await server.start(listener)
    one = Served(app, server, listener.getsockname()[1])
    try:
        yield one
    finally:
        app.answer.set()
        for peer in one.peers:
            peer.close()
            try:
                await peer.writer.wait_closed()
            except ConnectionError:
                pass
        await server.stop(1.0)
