"""One websocket to a server, and the rounds on it.

Owns the address, the order START → sound → END, and the turning of whatever breaks into a
`ClientError`. The wire itself is `rasr.protocol.codec`. Never buffers sound: `send` waits until the
network takes it, which is how the server slows a client down.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)

from rasr.client.errors import CannotConnect, ConnectionLost, RoundRefused
from rasr.protocol.codec import decode_server, encode_client
from rasr.protocol.errors import ProtocolError
from rasr.protocol.messages import End, Ended, Error, ServerMessage, Start, StartConfig, Started
from rasr.protocol.modes import MODE_TRAITS, Mode

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def address_of(url: str, mode: Mode, project_id: str = "default") -> str:
    """The websocket's own URL: `url` itself if it has a path, else with the path of `mode`.

    Raises:
        CannotConnect: `url` is no address of a server.
    """
    try:
        parts = urlsplit(url)
        scheme, host, _ = _SCHEMES.get(parts.scheme), parts.hostname, parts.port
    except ValueError as error:
        raise CannotConnect(f"{url!r} is no address of a server: {error}") from error
    if scheme is None or not host:
        raise CannotConnect(
            f"{url!r} is no address of a server; allowed: ws://host:port or wss://host:port"
        )
    path = parts.path
    if path in ("", "/"):
        path = f"/v1/{quote(project_id, safe='')}/{MODE_TRAITS[mode].path}"
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


@asynccontextmanager
async def connect(
    url: str, mode: Mode, *, project_id: str = "default"
) -> AsyncIterator[Connection]:
    """Open a connection, close it at the end of the context.

    Raises:
        CannotConnect: nobody is there, or the server refuses the handshake.
    """
    address = address_of(url, mode, project_id)
    try:
        websocket = await open_websocket(
            address,
            # Sound does not shrink, and a proxy is for the world outside.
            compression=None,
            proxy=None,
        )
    except InvalidStatus as error:
        body = error.response.body
        raise CannotConnect(
            f"the server at {address} refused the connection: "
            f"{_refusal(bytes(body or b'')) or f'HTTP status {error.response.status_code}'}"
        ) from error
    except TimeoutError as error:
        raise CannotConnect(f"the server at {address} does not answer") from error
    except OSError as error:
        raise CannotConnect(
            f"there is no server at {address}: {error.strerror or error}; "
            "start one with `rasr serve`"
        ) from error
    except (InvalidURI, InvalidHandshake, WebSocketException, ValueError) as error:
        raise CannotConnect(f"{address} is no speech server: {error}") from error
    try:
        yield Connection(websocket)
    finally:
        await websocket.close()


class Connection:
    """An open connection. One task may send while another one receives."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket
        self._fatal: Error | None = None
        self._end_sent = False

    @property
    def end_sent(self) -> bool:
        """True once the round has been told that no more sound comes."""
        return self._end_sent

    async def start(self, config: StartConfig) -> Started:
        """Begin a round; the one before must have been read to its end.

        Raises:
            RoundRefused: the server says no; the connection is as before.
            ConnectionLost
        """
        self._end_sent = False
        await self._send(encode_client(Start(config)))
        while True:
            match await self.receive():
                case Started() as started:
                    return started
                case Error(fatal=False) as error:
                    raise RoundRefused(error)
                case _:
                    # What is left of a round that was not read to its end.
                    continue

    async def send(self, chunk: bytes) -> None:
        """Send sound, coded as START said. Returns when the network has taken it.

        Raises:
            ConnectionLost
        """
        await self._send(chunk)

    async def end(self, *, cancel: bool = False) -> None:
        """Say that the round has no more sound; the second time in a round it does nothing.

        Args:
            cancel: what has not been recognised yet is dropped.

        Raises:
            ConnectionLost
        """
        if not self._end_sent:
            self._end_sent = True
            await self._send(encode_client(End(cancel)))

    async def receive(self) -> ServerMessage:
        """The next message, whatever it is.

        Raises:
            ConnectionLost: no more will come, or what came is not of this protocol.
        """
        try:
            text = await self._websocket.recv(decode=True)
            message = decode_server(text)
        except ConnectionClosed as error:
            raise self._lost(error) from error
        except (ProtocolError, UnicodeDecodeError) as error:
            raise ConnectionLost(f"the server speaks another protocol: {error}") from error
        if isinstance(message, Error) and message.fatal:
            self._fatal = message
        return message

    async def __aiter__(self) -> AsyncIterator[ServerMessage]:
        """The messages of the round that is open, up to and including its END.

        Raises:
            ConnectionLost
        """
        while True:
            message = await self.receive()
            yield message
            if isinstance(message, Ended):
                return

    async def _send(self, data: str | bytes) -> None:
        try:
            await self._websocket.send(data)
        except ConnectionClosed as error:
            raise self._lost(error) from error

    def _lost(self, closed: ConnectionClosed) -> ConnectionLost:
        if self._fatal is not None:
            return ConnectionLost(
                f"the server ended the connection: {self._fatal.error_msg} "
                f"({self._fatal.error_code})",
                self._fatal,
            )
        frame = closed.rcvd
        if frame is None:
            return ConnectionLost("the connection to the server broke")
        why = f": {frame.reason}" if frame.reason else ""
        return ConnectionLost(f"the server closed the connection ({int(frame.code)}){why}")


def _refusal(body: bytes) -> str | None:
    """What a refused handshake says in the form of SIS and its gateway."""
    try:
        answer: Any = json.loads(body)
        return f"{answer['error_msg']} ({answer['error_code']})"
    except (ValueError, KeyError, TypeError):
        return None
