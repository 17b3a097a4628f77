"""A connection to a server, and the recognitions on it, one after the other.

Owns the address, the order START → audio → END, and the turning of whatever breaks into a
`ClientError`. The messages are encoded by `rasr.wire.sis.codec`, the socket is `websocket`. Audio
is never kept: `send` waits until the network takes it, which is how the server slows a client down.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from rasr.client.credentials import AccessKey, Credential
from rasr.client.errors import CannotConnect, ConnectionLost, ResumeRefused, StartRefused
from rasr.client.websocket import WebSocket, binary_frame, text_frame
from rasr.wire.sis.codec import decode_numbered, encode_client
from rasr.wire.sis.errors import ProtocolError
from rasr.wire.sis.messages import (
    Acknowledge,
    End,
    Ended,
    Error,
    Resume,
    Resumed,
    ResumingMessage,
    ServerMessage,
    Start,
    StartConfig,
    Started,
)
from rasr.wire.sis.modes import MODE_TRAITS, Mode

OPEN_TIMEOUT_S = 10.0

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_BUSY = frozenset({429, 502, 503, 504})
"""HTTP statuses that refuse a handshake and may be gone a moment later."""


def address_of(url: str, mode: Mode, project_id: str = "default") -> str:
    """The URL of the websocket: `url` itself if it has a path, else with the path of `mode`.

    Raises:
        CannotConnect: `url` is no address of a server.
    """
    return address_at(url, MODE_TRAITS[mode].path, project_id)


def address_at(url: str, path: str, project_id: str) -> str:
    """As `address_of`, for any path within a project.

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
    if parts.path not in ("", "/"):
        return urlunsplit((scheme, parts.netloc, parts.path, parts.query, ""))
    within = f"/v1/{quote(project_id, safe='')}/{path}"
    return urlunsplit((scheme, parts.netloc, within, parts.query, ""))


def start_frame(config: StartConfig) -> bytes:
    """The websocket frame of START."""
    return text_frame(encode_client(Start(config)))


def end_frame(*, cancel: bool = False) -> bytes:
    """The websocket frame of END."""
    return text_frame(encode_client(End(cancel)))


def audio_frame(chunk: bytes) -> bytes:
    """The websocket frame of a chunk of audio."""
    return binary_frame(chunk)


@asynccontextmanager
async def open_connection(
    url: str,
    mode: Mode,
    *,
    project_id: str = "default",
    timeout_s: float = OPEN_TIMEOUT_S,
    tls: ssl.SSLContext | None = None,
    token: str | None = None,
    key: AccessKey | None = None,
) -> AsyncIterator[Connection]:
    """Open a connection and send nothing yet; close it at the end of the context.

    Args:
        token: for a server that asks who calls.
        key: for such a server, in place of a token.

    Raises:
        CannotConnect: nobody is there, or the server refuses the handshake.
    """
    address = address_of(url, mode, project_id)
    connection = await opened(address, timeout_s=timeout_s, tls=tls, credential=key or token)
    try:
        yield connection
    finally:
        await connection.close()


async def opened(
    address: str,
    *,
    timeout_s: float = OPEN_TIMEOUT_S,
    tls: ssl.SSLContext | None = None,
    credential: Credential = None,
) -> Connection:
    """A connection to `address`, to be closed by the caller.

    Raises:
        CannotConnect: nobody is there, or the server refuses the handshake.
    """
    with refusals(address):
        websocket = await WebSocket(address).open(
            timeout_s=timeout_s, tls=tls, credential=credential
        )
    return Connection(websocket)


@contextmanager
def refusals(address: str) -> Iterator[None]:
    """What goes wrong with connecting to an address is one sentence.

    Raises:
        CannotConnect: nobody is there, or the server refuses the handshake.
    """
    try:
        yield
    except InvalidStatus as error:
        status, body = error.response.status_code, error.response.body
        raise CannotConnect(
            f"the server at {address} refused the connection: "
            f"{_refusal(bytes(body or b'')) or f'HTTP status {status}'}",
            retryable=status in _BUSY,
            status=status,
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

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._fatal: Error | None = None
        self._end_sent = False
        self._arrived_s = 0.0

    @property
    def end_sent(self) -> bool:
        """True once END was sent for the newest recognition."""
        return self._end_sent

    @property
    def arrived_s(self) -> float:
        """When the message that was received last came, on the clock of `time.monotonic`."""
        return self._arrived_s

    async def start(self, config: StartConfig) -> Started:
        """Send START and wait for its answer; what the recognition before it left is passed over.

        Raises:
            StartRefused: the server does not take it; the connection is as before.
            ConnectionLost: the server is gone.
        """
        self._end_sent = False
        await self._send(start_frame(config))
        while True:
            match await self.receive():
                case Started() as started:
                    return started
                case Error(fatal=False) as error:
                    raise StartRefused(error)
                case _:
                    # Left of a recognition that was not read to its end.
                    continue

    async def send(self, chunk: bytes) -> None:
        """Send audio in the format that START named. Returns when the network has taken it.

        Raises:
            ConnectionLost: the server is gone.
        """
        await self._send(audio_frame(chunk))

    async def end(self, *, cancel: bool = False) -> None:
        """Send END: no more audio comes. The second time in a recognition it does nothing.

        Args:
            cancel: what has not been recognised yet is dropped.

        Raises:
            ConnectionLost: the server is gone.
        """
        if not self._end_sent:
            self._end_sent = True
            await self._send(end_frame(cancel=cancel))

    async def receive(self) -> ServerMessage:
        """The next message of a recognition, whatever it is.

        Raises:
            ConnectionLost: no more will come, or what came is not of this protocol.
        """
        while True:
            _, message = await self.receive_numbered()
            if not isinstance(message, ResumingMessage):
                return message

    async def receive_numbered(self) -> tuple[int | None, ServerMessage | ResumingMessage]:
        """The next message, with its number in a recognition that survives its connection.

        Raises:
            ConnectionLost: no more will come, or what came is not of this protocol.
        """
        try:
            at_s, text = await self._websocket.receive()
            number, message = decode_numbered(text.decode())
        except ConnectionClosed as error:
            raise self._lost(error) from error
        except (ProtocolError, UnicodeDecodeError) as error:
            raise ConnectionLost(f"the server speaks another protocol: {error}") from error
        self._arrived_s = at_s
        if isinstance(message, Error) and message.fatal:
            self._fatal = message
        return number, message

    async def acknowledge(self, number: int) -> None:
        """Say that the messages of the recognition have come up to this one.

        Raises:
            ConnectionLost: the server is gone.
        """
        await self._send(text_frame(encode_client(Acknowledge(number))))

    async def resume(self, token: str, number: int) -> Resumed:
        """Go on here with a recognition whose connection is lost.

        Args:
            number: of the newest of its messages that has come.

        Raises:
            ResumeRefused: the server does not hold it any more; the connection is as before.
            ConnectionLost: the server is gone.
        """
        await self._send(text_frame(encode_client(Resume(token, number))))
        while True:
            match (await self.receive_numbered())[1]:
                case Resumed() as resumed:
                    self._end_sent = resumed.ended
                    return resumed
                case Error(fatal=False) as error:
                    raise ResumeRefused(error)
                case _:
                    continue

    async def __aiter__(self) -> AsyncIterator[ServerMessage]:
        """The messages of the recognition that is open, up to and including its END.

        Raises:
            ConnectionLost: no more will come, or what came is not of this protocol.
        """
        while True:
            message = await self.receive()
            yield message
            if isinstance(message, Ended):
                return

    async def close(self) -> None:
        """Close the connection; the server drops a recognition that is open."""
        await self._websocket.close()

    def abort(self) -> None:
        """Drop the connection, without a word."""
        self._websocket.abort()

    async def _send(self, frame: bytes) -> None:
        try:
            await self._websocket.send(frame)
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
            f"the server closed the connection ({int(frame.code)}){why}",
            code=int(frame.code),
            retryable=True,
        )


def _refusal(body: bytes) -> str | None:
    """The error that refuses a handshake, in the form of SIS and its gateway; None for another."""
    try:
        answer: Any = json.loads(body)
        return f"{answer['error_msg']} ({answer['error_code']})"
    except (ValueError, KeyError, TypeError):
        return None
