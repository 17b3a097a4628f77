"""A connection to a server, and the rounds on it.

Owns the address, the order START → sound → END, and the turning of whatever breaks into a
`ClientError`. The wire itself is `rasr.wire.sis.codec`, the socket `link`. Never buffers sound:
`send` waits until the network takes it, which is how the server slows a client down.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from rasr.client.errors import CannotConnect, ConnectionLost, RoundRefused
from rasr.client.link import Link, binary_frame, text_frame
from rasr.wire.sis.codec import decode_server, encode_client
from rasr.wire.sis.errors import ProtocolError
from rasr.wire.sis.messages import End, Ended, Error, ServerMessage, Start, StartConfig, Started
from rasr.wire.sis.modes import MODE_TRAITS, Mode

OPEN_TIMEOUT_S = 10.0

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_BUSY = frozenset({429, 502, 503, 504})
"""Statuses of a handshake that may be another one a moment later."""


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


def start_frame(config: StartConfig) -> bytes:
    """START as it goes over a `Link`."""
    return text_frame(encode_client(Start(config)))


def end_frame(*, cancel: bool = False) -> bytes:
    """END as it goes over a `Link`."""
    return text_frame(encode_client(End(cancel)))


def sound_frame(chunk: bytes) -> bytes:
    """A chunk of sound as it goes over a `Link`."""
    return binary_frame(chunk)


@asynccontextmanager
async def open_connection(
    url: str,
    mode: Mode,
    *,
    project_id: str = "default",
    timeout_s: float = OPEN_TIMEOUT_S,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Connection]:
    """Open a connection without a round, close it at the end of the context.

    Raises:
        CannotConnect: nobody is there, or the server refuses the handshake.
    """
    connection = await opened(address_of(url, mode, project_id), timeout_s=timeout_s, tls=tls)
    try:
        yield connection
    finally:
        await connection.close()


async def opened(
    address: str, *, timeout_s: float = OPEN_TIMEOUT_S, tls: ssl.SSLContext | None = None
) -> Connection:
    """A connection to `address`, to be closed by the caller.

    Raises:
        CannotConnect: nobody is there, or the server refuses the handshake.
    """
    try:
        return Connection(await Link(address).open(timeout_s=timeout_s, tls=tls))
    except InvalidStatus as error:
        status, body = error.response.status_code, error.response.body
        raise CannotConnect(
            f"the server at {address} refused the connection: "
            f"{_refusal(bytes(body or b'')) or f'HTTP status {status}'}",
            retryable=status in _BUSY,
        ) from error
    except TimeoutError as error:
        raise CannotConnect(f"the server at {address} does not answer", retryable=True) from error
    except ssl.SSLError as error:
        raise CannotConnect(f"{address} has no TLS that can be trusted: {error}") from error
    except OSError as error:
        why = error.strerror or str(error) or "it hung up"
        raise CannotConnect(
            f"there is no server at {address}: {why}; start one with `rasr serve`",
            retryable=True,
        ) from error
    except (InvalidURI, InvalidHandshake, ValueError) as error:
        raise CannotConnect(f"{address} is no speech server: {error}") from error


class Connection:
    """An open connection. One task may send while another one receives."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._fatal: Error | None = None
        self._end_sent = False
        self._arrived_s = 0.0

    @property
    def end_sent(self) -> bool:
        """True once the round has been told that no more sound comes."""
        return self._end_sent

    @property
    def arrived_s(self) -> float:
        """When the last message that was received came, on the clock of `time.monotonic`."""
        return self._arrived_s

    async def start(self, config: StartConfig) -> Started:
        """Begin a round; the one before must have been read to its end.

        Raises:
            RoundRefused: the server says no; the connection is as before.
            ConnectionLost
        """
        self._end_sent = False
        await self._send(start_frame(config))
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
        await self._send(sound_frame(chunk))

    async def end(self, *, cancel: bool = False) -> None:
        """Say that the round has no more sound; the second time in a round it does nothing.

        Args:
            cancel: what has not been recognised yet is dropped.

        Raises:
            ConnectionLost
        """
        if not self._end_sent:
            self._end_sent = True
            await self._send(end_frame(cancel=cancel))

    async def receive(self) -> ServerMessage:
        """The next message, whatever it is.

        Raises:
            ConnectionLost: no more will come, or what came is not of this protocol.
        """
        try:
            at_s, text = await self._link.receive()
            message = decode_server(text.decode())
        except ConnectionClosed as error:
            raise self._lost(error) from error
        except (ProtocolError, UnicodeDecodeError) as error:
            raise ConnectionLost(f"the server speaks another protocol: {error}") from error
        self._arrived_s = at_s
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

    async def close(self) -> None:
        """Close the connection; a round that is open is dropped by the server."""
        await self._link.close()

    async def _send(self, frame: bytes) -> None:
        try:
            await self._link.send(frame)
        except ConnectionClosed as error:
            raise self._lost(error) from error

    def _lost(self, closed: ConnectionClosed) -> ConnectionLost:
        if self._fatal is not None:
            return ConnectionLost(
                f"the server ended the connection: {self._fatal.error_msg} "
                f"({self._fatal.error_code})",
                self._fatal,
                retryable=True,
            )
        frame = closed.rcvd
        if frame is None:
            return ConnectionLost("the connection to the server broke", retryable=True)
        why = f": {frame.reason}" if frame.reason else ""
        return ConnectionLost(
            f"the server closed the connection ({int(frame.code)}){why}", retryable=True
        )


def _refusal(body: bytes) -> str | None:
    """What a refused handshake says in the form of SIS and its gateway."""
    try:
        answer: Any = json.loads(body)
        return f"{answer['error_msg']} ({answer['error_code']})"
    except (ValueError, KeyError, TypeError):
        return None
