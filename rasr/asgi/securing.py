"""TLS: peers are accepted and counted first, and show then that they speak it.

A peer counts from the moment it is accepted, as any other: for the bounds on connections and among
those that make room. So they are accepted here and not by the event loop's own TLS server, which
tells of a peer when its handshake is done.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from typing import Protocol

from rasr.asgi.connection import Connection
from rasr.asgi.limits import Limits
from rasr.tasks import watched

_WAIT_S = 1.0
"""When there is no descriptor for one more peer; the event loop's own servers wait as long."""


class Host(Protocol):
    """What is asked of the server."""

    limits: Limits
    tls: ssl.SSLContext | None

    def new_connection(self) -> Connection:
        """A connection for a peer."""

    def refused(self, reason: str) -> None:
        """A peer was refused before the application was asked."""

    def run(self, exchange: Securing) -> None:
        """Let a peer show that it speaks TLS, in a task of its own."""


class SecureListener:
    """Accepts peers on a listening socket."""

    def __init__(self, host: Host, listener: socket.socket, backlog: int) -> None:
        self._host = host
        self._listener = listener
        listener.setblocking(False)
        listener.listen(backlog)
        self._task = watched(self._accept(), name="accept", forever=True)

    def close(self) -> None:
        """Accept nobody more."""
        self._task.cancel()
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                peer, address = await loop.sock_accept(self._listener)
            except OSError as error:
                # Some have left before they were accepted.
                if error.errno != errno.ECONNABORTED:
                    await asyncio.sleep(_WAIT_S)
                continue
            assert self._host.tls is not None, "it is for TLS"
            securing = Securing(self._host, peer, address, self._host.tls)
            if securing.is_welcome:
                self._host.run(securing)


class Securing:
    """One peer until it speaks TLS."""

    def __init__(
        self, host: Host, peer: socket.socket, address: object, context: ssl.SSLContext
    ) -> None:
        self._host = host
        self._peer = peer
        self._context = context
        self._connection = host.new_connection()
        self._task: asyncio.Task[object] | None = None
        self._is_given_up = False
        self.is_welcome = self._connection.accepted(address, peer.getsockname(), self._give_up)
        """There is room for it."""
        if not self.is_welcome:
            self._over()

    async def run(self) -> None:
        """The handshake."""
        limits = self._host.limits
        self._task = asyncio.current_task()
        try:
            if self._is_given_up:
                return
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._connection,
                self._peer,
                ssl=self._context,
                ssl_handshake_timeout=limits.head_timeout_s,
                ssl_shutdown_timeout=limits.close_timeout_s,
            )
        except (OSError, EOFError):
            self._host.refused("no tls")
        finally:
            if not self._connection.is_made:
                self._over()

    def _give_up(self) -> None:
        self._is_given_up = True
        if self._task is not None:
            self._task.cancel()

    def _over(self) -> None:
        self._peer.close()
        self._connection.connection_lost(None)
