"""One TCP connection: bytes in by slices, bytes out with a wait, one deadline.

What the bytes mean is a `Handler`'s matter: HTTP first, and websocket frames after a handshake.
Nothing is read while bytes wait, so a connection holds one read of them and no more.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, cast

from rasr.asgi.addresses import Proxies
from rasr.asgi.deadline import Deadline
from rasr.asgi.limits import Limits
from rasr.asgi.turns import Turns

READ_BYTES = 16 << 10
"""Read at once. Real-time audio is far less, and a message of 1 MiB takes 64 reads."""
_SLICE_BYTES = 4 << 10
"""Handed on at once: at most 680 empty frames or requests' chunks, some ms of work."""
_SHALLOW_BYTES = 4096
_UNREAD_TLS_BYTES = 32 << 10
"""Of a peer that is not being read, still encrypted; then its kernel holds the rest."""
_QUIET_S = 0.5
"""A peer that sends nothing for so long has read what it was sent, or is about to: longer than a
round trip by a mobile network, in which a body that is on its way pauses."""
_TCP_CLOSE, _TCP_CLOSE_WAIT = 7, 8
"""States of Linux: reset, and closed by the peer."""
_MOST_DROPPED = 16 << 20
"""Of what nobody reads any more, before the connection is closed on it."""


class _TlsTransport(Protocol):
    """What such transports can do beside what the type of the standard library says."""

    def set_read_buffer_limits(self, high: int) -> None: ...


class Handler(Protocol):
    """What makes sense of the bytes of a connection."""

    def feed(self, data: bytes) -> None:
        """Bytes came, `_SLICE_BYTES` at most."""

    def lost(self) -> None:
        """The peer is gone, or nothing more comes from it. May be called twice."""

    def writable(self) -> None:
        """The peer, which was slow, has read what it was sent."""

    def beat(self) -> None:
        """Send something that costs a peer nothing and that the kernel of one that has left answers
        with a reset; nothing where there is no such thing."""


class Host(Protocol):
    """What a connection needs of its server."""

    limits: Limits
    proxies: Proxies
    turns: Turns
    read_buffer: memoryview
    """One for all connections: what is read is taken out before anybody else reads."""

    def connected(self, connection: Connection) -> bool:
        """A peer was accepted; False if there is no room for it."""

    def in_use(self, connection: Connection, *, used: bool) -> None:
        """A connection is used for a request or a websocket from now on, or waits for one."""

    def disconnected(self, connection: Connection) -> None:
        """A connection is over."""

    def handler(self, connection: Connection) -> Handler:
        """What takes the first bytes of a new connection."""


class Connection(asyncio.BufferedProtocol):
    """One TCP connection, of the accepting side."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._give_up: Callable[[], None] | None = None
        """Ends a peer that has not shown yet that it speaks TLS."""
        self._handler: Handler | None = None
        self.peer = ""
        """Address of the peer; empty where the socket has none."""
        self.peer_port = 0
        self.is_secure = False
        """The peer speaks TLS."""
        self.own_address: tuple[str, int | None] = ("", None)
        self._waiting = b""
        """Bytes that were read and not handed on yet."""
        self._is_held = False
        self._is_reading = True
        self._has_asked = False
        """For a turn, which it has not had."""
        self._writable: asyncio.Future[None] | None = None
        """Set while the peer reads slowly; done when there is room again."""
        self.deadline = Deadline()
        """Of whatever the handler waits for."""

    # Called by the server

    def accepted(self, peer: object, own: object, give_up: Callable[[], None]) -> bool:
        """A peer was accepted that has to show yet that it speaks TLS. False if there is no room.

        Args:
            peer: its address, as sockets tell it.
            own: the address that it has reached.
            give_up: ends it before it has.
        """
        self._give_up = give_up
        self._know(peer, own)
        return self._host.connected(self)

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer was accepted, or speaks TLS now."""
        self._transport = cast(asyncio.Transport, transport)
        if self._give_up is not None:
            self._give_up = None
            self.is_secure = True
            cast(_TlsTransport, transport).set_read_buffer_limits(_UNREAD_TLS_BYTES)
        else:
            self._know(transport.get_extra_info("peername"), transport.get_extra_info("sockname"))
            if not self._host.connected(self):
                return
        self._handler = self._host.handler(self)

    def _know(self, peer: object, own: object) -> None:
        if isinstance(peer, tuple):
            self.peer, self.peer_port = str(peer[0]), int(peer[1])
        if isinstance(own, tuple):
            self.own_address = str(own[0]), int(own[1])

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where bytes are to be read to."""
        return self._host.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes were read."""
        is_fresh = not self._waiting
        self._waiting += bytes(self._host.read_buffer[:nbytes])
        self._ask(is_fresh=is_fresh)
        self._steer()

    def eof_received(self) -> bool:
        """The peer sends no more. Nobody is served who does not listen to the end either."""
        if self._handler is not None:
            self._handler.lost()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is over."""
        self._transport = None
        self._waiting = b""
        self.deadline.clear()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        handler, self._handler = self._handler, None
        if handler is not None:
            handler.lost()
        self._host.disconnected(self)

    def pause_writing(self) -> None:
        """The peer reads slowly."""
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """The peer has read."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)
        if self._handler is not None:
            self._handler.writable()

    # Called by handlers

    @property
    def limits(self) -> Limits:
        """What the peer may ask for."""
        return self._host.limits

    @property
    def proxies(self) -> Proxies:
        """Whose word on the client counts."""
        return self._host.proxies

    @property
    def is_made(self) -> bool:
        """True once the peer may ask for something."""
        return self._give_up is None

    @property
    def is_open(self) -> bool:
        """False once the connection is over or is being closed."""
        return self._transport is not None and not self._transport.is_closing()

    def beat(self) -> None:
        """Find out whether the peer is there, if it is not being read: see `Handler.beat`."""
        if not self._is_reading and self._handler is not None:
            self._handler.beat()

    @property
    def peer_has_left(self) -> bool:
        """True if the peer has closed or reset a connection that is not being read.

        One that is read tells so by itself. Known on Linux alone; elsewhere the bytes that wait are
        worked through first.
        """
        if self._is_reading or not self.is_open:
            return False
        assert self._transport is not None, "it is open"
        return _is_closed_by_peer(self._transport.get_extra_info("socket"))

    @property
    def peer_is_slow(self) -> bool:
        """True while the peer does not read what it is sent."""
        return self._writable is not None

    def hand_over(self, handler: Handler, rest: bytes = b"") -> None:
        """Give what comes from now on to another handler, first of all `rest`."""
        self._handler = handler
        self._waiting = rest + self._waiting
        self.release()

    def in_use(self, *, used: bool) -> None:
        """The connection is used for a request or a websocket from now on, or waits for one."""
        self._host.in_use(self, used=used)

    def hold(self) -> None:
        """Hand no more bytes on until `release`: what came before has not been taken."""
        self._is_held = True

    def release(self) -> None:
        """Hand bytes on again."""
        self._is_held = False
        self._ask(is_fresh=False)

    def write(self, data: bytes) -> None:
        """Send bytes; to a peer that is gone there is nothing to send."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def drained(self) -> None:
        """Wait while the peer reads slowly. One that reads nothing for too long is dropped."""
        if self._writable is not None:
            self.deadline.set(self.limits.send_timeout_s, self.abort)
            await asyncio.shield(self._writable)
            self.deadline.clear()

    def close(self) -> None:
        """Close once everything has been sent, or cannot be."""
        if self._give_up is not None:
            self._give_up()
        if self._transport is not None:
            self._transport.close()
            self.deadline.set(self.limits.close_timeout_s, self.abort)

    def linger(self) -> None:
        """Close once the peer is quiet or time is up; what it still sends is dropped.

        Closing at once, while it sends, would make its kernel throw the answer away.
        """
        if self.is_open:
            self._handler = _Discard(self, self._loop.time() + self.limits.linger_s)
            self._waiting = b""
            self.release()
            self._steer()

    def abort(self) -> None:
        """Drop the connection at once, whatever has not been sent."""
        if self._give_up is not None:
            self._give_up()
        if self._transport is not None:
            self._transport.abort()

    def make_shallow(self) -> None:
        """Buffer little for the peer, here and in the kernel; it would take megabytes."""
        if self._transport is None:
            return
        self._transport.set_write_buffer_limits(high=_SHALLOW_BYTES)
        option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
        connection = self._transport.get_extra_info("socket")
        if option is not None and connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, _SHALLOW_BYTES)

    # Slices

    def work(self) -> bool:
        """Hand one slice on: see `rasr.asgi.turns.Worker`."""
        self._has_asked = False
        if self._is_held or not self._waiting or self._handler is None:
            return False
        piece, self._waiting = self._waiting[:_SLICE_BYTES], self._waiting[_SLICE_BYTES:]
        self._handler.feed(piece)
        self._steer()
        if self._has_asked or self._is_held or not self._waiting:
            return False
        self._has_asked = True
        return True

    def _ask(self, *, is_fresh: bool) -> None:
        if self._waiting and not self._is_held and not self._has_asked:
            self._has_asked = True
            self._host.turns.ask(self, is_fresh=is_fresh)

    def _steer(self) -> None:
        """Read while nothing waits."""
        wanted = not self._waiting
        if wanted == self._is_reading or self._transport is None or self._transport.is_closing():
            return
        self._is_reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()


def _is_closed_by_peer(connection: socket.socket) -> bool:
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return False
    try:
        state = connection.getsockopt(socket.IPPROTO_TCP, option, 1)
    except (OSError, AttributeError):
        return False
    return state[0] in (_TCP_CLOSE, _TCP_CLOSE_WAIT)


class _Discard:
    """Takes what nobody reads any more, and closes when no more of it comes."""

    def __init__(self, connection: Connection, until: float) -> None:
        self._connection = connection
        self._until = until
        self._left = _MOST_DROPPED
        self._loop = asyncio.get_running_loop()
        self.feed(b"")

    def feed(self, data: bytes) -> None:
        """Drop the bytes."""
        self._left -= len(data)
        if self._left < 0:
            self._connection.close()
            return
        left_s = self._until - self._loop.time()
        self._connection.deadline.set(min(_QUIET_S, left_s), self._connection.close)

    def lost(self) -> None:
        """Nobody is to be told."""

    def writable(self) -> None:
        """Nothing is to be sent."""

    def beat(self) -> None:
        """It is closed soon in any case."""
