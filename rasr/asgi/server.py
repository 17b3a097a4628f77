"""The server: who is connected, the tasks that answer them, and the end of both."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from http import HTTPStatus
from typing import Protocol

import h11
from starlette.types import ASGIApp

from rasr.asgi.addresses import Proxies
from rasr.asgi.connection import READ_BYTES, Connection
from rasr.asgi.heads import response
from rasr.asgi.http import HttpConnection
from rasr.asgi.limits import Limits
from rasr.asgi.securing import SecureListener
from rasr.asgi.turns import Turns
from rasr.tasks import watched

_LOOK_S = 2.0
"""Between two looks at connections that are not being read. Who has left at two of them in a row is
gone: a peer that has sent its last bytes, its farewell among them, has its moment."""
_BACKLOG = 2048
"""Connections that the kernel accepts before they are; a crowd comes within a moment."""


class _Runs(Protocol):
    async def run(self) -> None:
        """Let the application answer."""


class Server:
    """Serves an ASGI application on a listening socket."""

    def __init__(
        self,
        app: ASGIApp,
        limits: Limits,
        refusals: Counter[str] | None = None,
        *,
        proxies: Proxies | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """
        Args:
            refusals: counts the peers that were refused before the application was asked, by why.
            proxies: whose word on the client counts; None: those on this machine.
            tls: with it peers have to speak TLS.
        """
        self.app = app
        self.limits = limits
        self.proxies = Proxies() if proxies is None else proxies
        self.tls = tls
        """Peers are accepted with the one that is here; another one may take its place."""
        self.turns = Turns()
        """In which the bytes of connections are handed on."""
        self.read_buffer = memoryview(bytearray(READ_BYTES))
        """Where every connection reads to; see `rasr.asgi.connection.Host`."""
        self.is_closing = False
        """Every answer is the last one of its connection."""
        self.refusals = Counter[str]() if refusals is None else refusals
        self._connections: set[Connection] = set()
        self._not_in_use: dict[Connection, None] = {}
        """Those that have asked for nothing yet, or for nothing more; the oldest first."""
        self._by_address: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | SecureListener | None = None
        self._has_left: set[Connection] = set()
        """At the last look."""
        self._looking: asyncio.TimerHandle | None = None

    async def start(self, listener: socket.socket) -> None:
        """Accept connections on a bound socket."""
        if self.tls is None:
            self._listener = await asyncio.get_running_loop().create_server(
                self.new_connection, sock=listener, backlog=_BACKLOG
            )
        else:
            self._listener = SecureListener(self, listener, _BACKLOG)
        self._look()

    def stop_accepting(self) -> None:
        """Let nobody new in. Those who are in may go on."""
        if self._listener is not None:
            self._listener.close()

    async def stop(self, grace_s: float) -> None:
        """Let open requests be answered within a time; then end all that is left."""
        self.stop_accepting()
        self.is_closing = True
        if self._looking is not None:
            self._looking.cancel()
        for connection in list(self._not_in_use):
            connection.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        for connection in list(self._connections):
            connection.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def count(self) -> int:
        """Connections that are open, whatever they are used for."""
        return len(self._connections)

    # For connections

    def new_connection(self) -> Connection:
        """A connection for a peer."""
        return Connection(self)

    def handler(self, connection: Connection) -> HttpConnection:
        """What takes the first bytes of a new connection."""
        return HttpConnection(connection, self)

    def connected(self, connection: Connection) -> bool:
        """Count a new connection; False if it is refused."""
        self._connections.add(connection)
        self._by_address[connection.peer] += 1
        most = self.limits.connections_per_address
        if most and self._by_address[connection.peer] > most:
            self._turn_away(
                connection,
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{most} connections of this address are open, which is all that it may have",
            )
            return False
        if self.count > self.limits.connections:
            if not self._not_in_use:
                self._turn_away(
                    connection,
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    f"the server is full: {self.limits.connections} connections are in use",
                )
                return False
            # Whoever asks for nothing keeps nobody out.
            self.refused("made room")
            oldest = next(iter(self._not_in_use))
            del self._not_in_use[oldest]
            oldest.abort()
        self._not_in_use[connection] = None
        return True

    def in_use(self, connection: Connection, *, used: bool) -> None:
        """A connection is used for a request or a websocket from now on, or waits for one."""
        self._not_in_use.pop(connection, None)
        if not used:
            self._not_in_use[connection] = None

    def disconnected(self, connection: Connection) -> None:
        """A connection is over."""
        self._connections.discard(connection)
        self._not_in_use.pop(connection, None)
        self._by_address[connection.peer] -= 1
        if not self._by_address[connection.peer]:
            del self._by_address[connection.peer]

    def run(self, exchange: _Runs) -> None:
        """Let the application answer, or a peer show that it speaks TLS, in a task of its own."""
        task = watched(exchange.run(), name="exchange")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refused(self, reason: str) -> None:
        """A peer was refused before the application was asked."""
        self.refusals[reason] += 1

    def _look(self) -> None:
        """Drop those who have left while what they sent before still waits."""
        left = {one for one in self._connections if one.peer_has_left}
        for connection in left & self._has_left:
            connection.abort()
        self._has_left = left
        # The end of what a peer has sent comes behind all of it, and it may be work for minutes.
        for connection in self._connections:
            connection.beat()
        self._looking = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def _turn_away(self, connection: Connection, status: HTTPStatus, sentence: str) -> None:
        self.refused(status.phrase.lower())
        if self.tls is not None:
            # It has not shown yet that it speaks TLS, and could not read it.
            return
        http = h11.Connection(h11.SERVER)
        for event in response(status, sentence):
            connection.write(http.send(event) or b"")
        # Its request is not waited for: there would be as many of these as somebody likes.
        connection.close()
