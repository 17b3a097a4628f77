"""Whatever bytes come, cut however, read or not: the server answers the same, and keeps nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from rasr.asgi import Server
from rasr.asgi.connection import READ_BYTES, Connection
from tests.asgi.served import END, HANDSHAKE, LIMITS, App

# None whose body is not read: an answer that comes before the last byte of it ends the connection.
PIECES = (
    b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
    b"HEAD /large HTTP/1.1\r\nHost: here\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"GET /fails HTTP/1.1\r\nHost: here\r\n\r\n",
    b"GET /fails-late HTTP/1.1\r\nHost: here\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
    HANDSHAKE + END,
    HANDSHAKE.replace(b"13", b"7") + END,
    HANDSHAKE.replace(b"/socket", b"/refused") + END,
    HANDSHAKE.replace(b"/socket", b"/fails") + END,
    Frame(Opcode.TEXT, b"text").serialize(mask=True),
    Frame(Opcode.TEXT, b"close").serialize(mask=True),
    Frame(Opcode.BINARY, b"part", fin=False).serialize(mask=True),
    Frame(Opcode.CONT, b"rest").serialize(mask=True),
    Frame(Opcode.PING, b"ping").serialize(mask=True),
    Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True),
    b"\x00\xff\r\n\r\n",
)
STREAMS = st.lists(st.sampled_from(PIECES) | st.binary(max_size=40), max_size=8).map(b"".join)


run = settings(max_examples=300)


class Wire(asyncio.Transport):
    """A transport without a network: what is written is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Addresses, and no socket."""
        return ("127.0.0.1", 4711) if name in ("peername", "sockname") else None

    def write(self, data: Any) -> None:
        """Keep it."""
        self.written += bytes(data)

    def is_closing(self) -> bool:
        """Closed by the server."""
        return self.closed

    def close(self) -> None:
        """Nothing waits to be sent."""
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        """The test feeds what it likes."""

    resume_reading = pause_reading


@dataclass
class World:
    """A server on a loop of its own, whose faults a test sees."""

    loop: asyncio.AbstractEventLoop
    faults: list[dict[str, Any]]

    def answers(self, cuts: list[bytes], *, slow: bool = False) -> tuple[bytes, int]:
        """What a peer is sent, and how often the application was called."""
        return self.loop.run_until_complete(self._answers(cuts, slow))

    async def _answers(self, cuts: list[bytes], slow: bool) -> tuple[bytes, int]:
        app = App()
        server = Server(app, LIMITS)
        connection, wire = Connection(server), Wire()
        connection.connection_made(wire)
        if slow:
            connection.pause_writing()
        for data in cuts:
            if wire.closed:
                break
            connection.get_buffer(-1)[: len(data)] = data
            connection.buffer_updated(len(data))
            await self._settle()
        if slow:
            connection.resume_writing()
            await self._settle()
        connection.eof_received()
        connection.connection_lost(None)
        await self._settle()
        await server.stop(1.0)
        assert server.count == 0
        assert not connection.is_open
        return _without_dates(wire.written), app.calls

    async def _settle(self) -> None:
        """Let all that can happen happen: no task here waits for time."""
        for _ in range(60):
            await asyncio.sleep(0)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    loop = asyncio.new_event_loop()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    yield World(loop, faults)
    loop.close()


@run
@given(stream=STREAMS, data=st.data())
def test_the_same_bytes_cut_differently_are_answered_the_same(
    world: World, stream: bytes, data: st.DataObject
) -> None:
    whole = world.answers([stream] if stream else [])
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    ends = [*places, len(stream)]
    cuts = [stream[begin:end] for begin, end in zip([0, *places], ends, strict=True) if begin < end]
    assert world.answers(cuts) == whole
    assert world.faults == []


@run
@given(stream=STREAMS)
def test_a_peer_that_reads_late_is_served_all_the_same(world: World, stream: bytes) -> None:
    data = [stream[at : at + READ_BYTES] for at in range(0, len(stream), READ_BYTES)]
    world.answers(data, slow=True)
    assert world.faults == []


def _without_dates(answers: bytes) -> bytes:
    lines = answers.split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(b"date: "))
