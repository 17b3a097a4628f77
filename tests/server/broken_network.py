"""A network between a client and a server that breaks when it is told to, in one of four ways."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from urllib.parse import urlsplit

NOBODY = "ws://127.0.0.1:1"
"""Where no server is."""


class Break(StrEnum):
    """How a connection is lost."""

    RESET = "reset"
    """Both ends are told at once."""
    CLOSE = "close"
    """Both ends are told that nothing more comes."""
    HANG = "hang"
    """Nobody is told anything, and nothing gets through."""
    RESTART = "restart"
    """As by a reset, and for a moment nobody can connect."""


class BrokenNetwork:
    """Hands bytes on between a port of its own and a server."""

    def __init__(self, port: int) -> None:
        self.target = port
        """Of the server; another one for connections that are made from now on."""
        self._listener: asyncio.Server | None = None
        self._port = 0
        self._open: list[_Pipe] = []
        self.connections = 0
        """So many were made."""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    async def listen(self) -> None:
        self._listener = await asyncio.get_running_loop().create_server(
            self._accept, "127.0.0.1", self._port
        )
        self._port = self._listener.sockets[0].getsockname()[1]

    async def lose(self, how: Break) -> None:
        """Whoever is connected now loses the connection."""
        lost, self._open = self._open, []
        for pipe in lost:
            pipe.lose(how)
        if how is Break.RESTART:
            self.close()
            # Whoever comes now finds nobody.
            for _ in range(20):
                await asyncio.sleep(0)
            await self.listen()

    def close(self) -> None:
        assert self._listener is not None
        self._listener.close()

    def _accept(self) -> asyncio.Protocol:
        self.connections += 1
        pipe = _Pipe(self.target)
        self._open.append(pipe)
        return pipe.near


class _Pipe:
    def __init__(self, port: int) -> None:
        self.near, self.far = _End(self._opened), _End(lambda: None)
        self.near.other, self.far.other = self.far, self.near
        self._port = port

    def _opened(self) -> None:
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: self.far, "127.0.0.1", self._port
            )
        except OSError:
            # As if nobody had listened here either.
            self.near.lose(Break.RESET)

    def lose(self, how: Break) -> None:
        for end in (self.near, self.far):
            end.lose(how)


class _End(asyncio.Protocol):
    def __init__(self, opened: object) -> None:
        self._opened = opened
        self.other: _End
        self._transport: asyncio.Transport | None = None
        self._waiting = b""
        self._hangs = False
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._is_over:
            transport.abort()
            return
        if callable(self._opened):
            self._opened()
        waiting, self._waiting = self._waiting, b""
        if waiting:
            transport.write(waiting)

    def data_received(self, data: bytes) -> None:
        if not self._hangs:
            self.other.write(data)

    def write(self, data: bytes) -> None:
        if self._transport is None:
            self._waiting += data
        elif not self._transport.is_closing():
            self._transport.write(data)

    def pause_writing(self) -> None:
        if self.other._transport is not None:
            self.other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other._transport is not None:
            self.other._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_over = True
        if not self._hangs:
            self.other.lose(Break.RESET)

    def lose(self, how: Break) -> None:
        if how is Break.HANG:
            self._hangs = True
            return
        self._is_over = True
        if self._transport is not None and not self._transport.is_closing():
            if how is Break.CLOSE:
                self._transport.close()
            else:
                self._transport.abort()


def port_of(url: str) -> int:
    """The port of a server."""
    port = urlsplit(url).port
    assert port is not None
    return port


@asynccontextmanager
async def broken_network(url: str) -> AsyncIterator[BrokenNetwork]:
    """A network in front of the server at `url`."""
    network = BrokenNetwork(port_of(url))
    await network.listen()
    try:
        yield network
    finally:
        network.close()
        await network.lose(Break.RESET)
