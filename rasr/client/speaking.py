"""A text to sound, in real time: the sound comes as it is made, and with it when words are said."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict, Unpack, cast

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.headers import build_host
from websockets.http11 import Request
from websockets.uri import parse_uri

from rasr.client.connection import OPEN_TIMEOUT_S, address_at, refusals
from rasr.client.credentials import AccessKey, Credential, show
from rasr.client.errors import ClientError, ConnectionLost, StartRefused
from rasr.wire.sis.codec import json_text
from rasr.wire.sis.errors import ProtocolError
from rasr.wire.sis.messages import Ended, Error
from rasr.wire.synthesis.messages import Spoken, decode

_PATH = "rtts"
_MOST_FRAMES = 16
"""That were not taken yet; with more the socket is not read, and the server makes no more."""


class SpeechFields(TypedDict, total=False):
    """START's fields, as `rasr.wire.synthesis.request.START_FIELDS` has them."""

    property: str
    audio_format: str
    sample_rate: str
    speed: int
    pitch: int
    volume: int
    subtitle: str


class Speech:
    """A text that is being spoken: an asynchronous iterator of its sound and its words."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._has_begun = False

    def __aiter__(self) -> AsyncIterator[bytes | Spoken]:
        return self._parts()

    async def _parts(self) -> AsyncIterator[bytes | Spoken]:
        """Sound as it is made, in the format that was asked for, and words before their sound.

        Raises:
            StartRefused: the text is not spoken.
            ClientError: it is not spoken to its end.
            ConnectionLost: the server is gone.
        """
        while True:
            try:
                frame = await self._socket.recv()
            except ConnectionClosed as error:
                raise ConnectionLost(
                    "the connection to the server broke", retryable=True
                ) from error
            if isinstance(frame, bytes):
                yield frame
                continue
            try:
                message = decode(frame)
            except ProtocolError as error:
                raise ConnectionLost(f"the server speaks another protocol: {error}") from error
            match message:
                case Spoken():
                    yield message
                case Error(fatal=True):
                    raise ConnectionLost(
                        f"the server ended the connection: {message.error_msg} "
                        f"({message.error_code})",
                        message,
                        retryable=True,
                    )
                case Error() if self._has_begun:
                    raise ClientError(
                        f"the text was not spoken to its end: {message.error_msg} "
                        f"({message.error_code})"
                    )
                case Error():
                    raise StartRefused(message)
                case Ended():
                    return
                case _:
                    self._has_begun = True


@asynccontextmanager
async def speak(
    url: str,
    text: str,
    *,
    project_id: str = "default",
    open_timeout_s: float = OPEN_TIMEOUT_S,
    tls: ssl.SSLContext | None = None,
    token: str | None = None,
    key: AccessKey | None = None,
    **fields: Unpack[SpeechFields],
) -> AsyncIterator[Speech]:
    """Have a text spoken. Who leaves the context ends it; who reads slowly slows the server.

    Args:
        token: for a server that asks who calls.
        key: for such a server, in place of a token.
        fields: of START: `property="espeak-female"`, `sample_rate="16000"`, …

    Raises:
        CannotConnect: nobody is there, or the server refuses the handshake.
    """
    address = address_at(url, _PATH, project_id)
    with refusals(address):
        headers = _shown(address, key or token)
        socket = await connect_websocket(
            address,
            additional_headers=headers,
            compression=None,
            proxy=None,
            open_timeout=open_timeout_s,
            max_queue=_MOST_FRAMES,
            ssl=tls if tls is not None else (True if address.startswith("wss:") else None),
        )
    try:
        start = {"command": "START", "text": text, "config": cast(dict[str, object], fields)}
        await socket.send(json_text(start))
        yield Speech(socket)
    finally:
        # What is on its way is for nobody: the server stops as soon as it knows.
        await socket.close()


def _shown(address: str, credential: Credential) -> Headers:
    """The headers that show a credential at the handshake."""
    uri = parse_uri(address)
    host = build_host(uri.host, uri.port, uri.secure)
    handshake = Request(uri.resource_name, Headers(Host=host))
    show(credential, handshake)
    del handshake.headers["Host"]
    return handshake.headers
