"""What peers may ask for: sizes, numbers and times, and how each excess is answered."""

from __future__ import annotations

import asyncio
import re
import socket
import tracemalloc
from dataclasses import replace

import pytest
from websockets.frames import Frame, Opcode

from rasr.asgi.http import HttpConnection
from tests.asgi.served import END, HANDSHAKE, LIMITS, served
from tests.processes import until

GET = b"GET / HTTP/1.1\r\nHost: here\r\n"
SOON_S = 0.5
"""For what a peer does not finish: long enough for what it does send, on a machine that is busy."""


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (GET + b"X: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (GET + b"".join(b"X-%d: 1\r\n" % n for n in range(150)) + b"\r\n", 431),
        (GET.replace(b"/ ", b"/" + b"a" * 40_000 + b" ") + b"\r\n", 431),
        (GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (GET + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/7.0\r\nHost: here\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (GET + b"X: a\x00b\r\n\r\n", 400),
        (HANDSHAKE + b"X: " + b"a" * 40_000 + END, 431),
        (HANDSHAKE + b"".join(b"X-%d: 1\r\n" % n for n in range(150)) + END, 431),
        (HANDSHAKE.replace(b"/socket", b"/" + b"a" * 40_000) + END, 431),
        (HANDSHAKE + b"Content-Length: 2\r\n\r\nhi", 400),
        (HANDSHAKE + b"Content-Length: 100\r\n\r\nhi", 400),
        (HANDSHAKE + b"Content-Length: 1\r\n\r\n", 400),
        (HANDSHAKE + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 400),
        (HANDSHAKE.replace(b"GET", b"POST") + END, 405),
        (HANDSHAKE.replace(b"13", b"8") + END, 400),
        (HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short") + END, 400),
        (HANDSHAKE.replace(b"Connection: Upgrade", b"Connection: close") + END, 426),
        (HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0") + END, 505),
    ],
)
async def test_what_cannot_be_taken_is_answered_and_closed(
    request_bytes: bytes, status: int
) -> None:
    async with served() as one:
        answer = await one.ask(request_bytes)
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert one.app.calls == 0
        assert one.server.refusals.total() == 1


@pytest.mark.parametrize("request_bytes", [GET, HANDSHAKE])
async def test_a_token_of_sixteen_kilobytes_is_taken(request_bytes: bytes) -> None:
    async with served() as one:
        peer = await one.peer()
        await peer.send(request_bytes + b"X-Auth-Token: " + b"t" * 16_000 + END + END)
        assert (await peer.head()).split()[1] in (b"200", b"101")


async def test_a_head_of_many_lines_is_refused_before_it_is_read() -> None:
    async with served() as one:
        peer = await one.peer()
        await peer.send(GET + b"a:b\r\n" * 1000)
        answer = await peer.rest()
        assert answer.startswith(b"HTTP/1.1 431 ")
        assert answer.endswith(b"the request has more than 100 headers\n")


async def test_headers_without_end_hold_no_memory() -> None:
    async with served() as one:
        peer = await one.peer()
        tracemalloc.start()
        try:
            await peer.send(GET)
            line = b"X-Header: " + b"a" * 1000 + b"\r\n"
            while not peer.reader.at_eof() and tracemalloc.get_traced_memory()[0] < 4 << 20:
                peer.writer.write(line * 10)
                try:
                    await peer.writer.drain()
                except ConnectionError:
                    break
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 1 << 20


async def test_what_comes_behind_a_last_request_is_not_kept() -> None:
    async with served() as one:
        peer = await one.peer()
        await peer.send(GET.replace(b"/ ", b"/waits ") + b"Connection: close\r\n\r\n")
        await one.app.open.wait()
        tracemalloc.start()
        try:
            for _ in range(200):
                await peer.send(bytes(50_000))
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held < 1 << 20
        one.app.answer.set()
        assert (await peer.rest()).startswith(b"HTTP/1.1 200 ")


async def test_requests_that_wait_for_others_are_not_read_though_answers_are() -> None:
    async with served() as one:
        peer = await one.peer()
        reading = asyncio.ensure_future(peer.rest())
        await peer.send((GET + b"\r\n") * 5000)
        kept = 0
        while one.app.calls < 1000:
            await asyncio.sleep(0)
            for connection in one.server._connections:
                handler = connection._handler
                assert isinstance(handler, HttpConnection)
                kept = max(kept, len(handler._http.trailing_data[0]))
        # One slice of bytes, of the hundred and more that came.
        assert 0 < kept <= 4096
        reading.cancel()


async def test_a_body_that_is_too_long_is_refused_though_it_is_taken() -> None:
    async with served(replace(LIMITS, body_bytes=10_000)) as one:
        head = b"GET /watches HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n"
        peer = await one.peer()
        await peer.send(head)
        await peer.head()
        await peer.send(b"64\r\n" + bytes(100) + b"\r\n")
        await one.app.open.wait()
        await peer.send((b"64\r\n" + bytes(100) + b"\r\n") * 200)
        await one.app.gone.wait()
        await peer.rest()
        assert one.server.refusals.total() == 1


async def test_a_peer_that_takes_nothing_of_its_answer_is_dropped() -> None:
    async with served(replace(LIMITS, send_timeout_s=0.05)) as one:
        peer = await _deaf(one.port)
        request = GET.replace(b"/ ", b"/endless ") + b"\r\n"
        await asyncio.get_running_loop().sock_sendall(peer, request)
        await until(lambda: one.app.calls == 1 and not one.server.count)
        peer.close()


async def test_a_peer_that_closes_and_takes_nothing_more_is_dropped() -> None:
    async with served(replace(LIMITS, close_timeout_s=0.05)) as one:
        peer = await _deaf(one.port)
        await _socket(peer)
        loop = asyncio.get_running_loop()
        pings = _frame(Opcode.PING, bytes(120)) * 500
        for _ in range(20):
            await loop.sock_sendall(peer, pings)
        await loop.sock_sendall(peer, _frame(Opcode.CLOSE, b"\x03\xe8"))
        await until(lambda: not one.server.count)
        peer.close()


async def test_a_peer_that_says_nothing_is_dropped() -> None:
    async with served(replace(LIMITS, head_timeout_s=0.05)) as one:
        peer = await one.peer()
        assert await peer.rest() == b""
        assert one.server.refusals == {"idle": 1}


async def test_a_head_that_does_not_end_is_told_so() -> None:
    async with served(replace(LIMITS, head_timeout_s=SOON_S)) as one:
        assert (await one.ask(GET)).startswith(b"HTTP/1.1 408 ")


async def test_a_head_that_begins_behind_a_request_has_the_time_of_a_head() -> None:
    async with served(replace(LIMITS, head_timeout_s=SOON_S, idle_timeout_s=SOON_S)) as one:
        answers = await one.ask(GET + b"\r\n" + GET)
    assert re.findall(rb"HTTP/1.1 (\d+) ", answers) == [b"200", b"408"]


async def test_bytes_one_by_one_win_no_time() -> None:
    async with served(replace(LIMITS, head_timeout_s=0.1)) as one:
        peer = await one.peer()
        answer = asyncio.create_task(peer.head())
        for byte in b"GET / HTTP/1.1\r\nX: " + b"a" * 1_000_000:
            if answer.done():
                break
            peer.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await answer).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_does_not_come_is_told_so() -> None:
    async with served(replace(LIMITS, body_timeout_s=0.05)) as one:
        head = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\n"
        assert (await one.ask(head + b"ab")).startswith(b"HTTP/1.1 408 ")
        await one.app.gone.wait()


async def test_a_connection_that_asks_for_nothing_more_is_closed() -> None:
    async with served(replace(LIMITS, idle_timeout_s=0.05)) as one:
        assert (await one.ask(GET + b"\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_an_application_may_take_longer_than_a_peer() -> None:
    limits = replace(LIMITS, head_timeout_s=SOON_S, idle_timeout_s=0.05, body_timeout_s=0.05)
    async with served(limits) as one:
        peer = await one.peer()
        await peer.send(GET.replace(b"/ ", b"/waits ") + b"\r\n")
        silent = await one.peer()
        await silent.rest()  # Its time is up, and began later.
        one.app.answer.set()
        assert (await peer.rest()).startswith(b"HTTP/1.1 200 ")


async def test_whoever_reads_no_answers_is_not_served() -> None:
    async with served() as one:
        peer = await _deaf(one.port)
        request = GET.replace(b"/ ", b"/large ") + b"\r\n"
        sent = 0
        while sent < 2000 and await _takes(peer, request * 10):
            sent += 10
        peer.close()
        # 100 kB for each: some fill the kernel's buffers, one waits here.
        assert one.app.calls < 200


async def test_silent_connections_keep_nobody_out() -> None:
    async with served(replace(LIMITS, connections=3)) as one:
        silent = [await one.peer() for _ in range(3)]
        for _ in range(3):
            peer = await one.peer()
            await peer.send(GET + b"\r\n")
            assert (await peer.head()).startswith(b"HTTP/1.1 200 ")
            peer.close()
        assert await silent[0].rest() == b""
        assert one.server.refusals["made room"] > 0


async def test_when_all_connections_are_in_use_one_more_is_told_so() -> None:
    async with served(replace(LIMITS, connections=2)) as one:
        busy = [await one.socket(), await one.socket()]
        answer = await one.ask(b"")
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"2 connections are in use" in answer
        for peer in busy:
            peer.close()
        await one.quiet()
        assert (await one.ask(GET + b"Connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_connections_of_one_address_are_counted() -> None:
    async with served(replace(LIMITS, connections_per_address=2)) as one:
        await one.socket()
        await one.peer()
        assert (await one.ask(b"")).startswith(b"HTTP/1.1 429 ")


async def test_a_message_in_too_many_fragments_is_refused() -> None:
    async with served(replace(LIMITS, fragments=10)) as one:
        peer = await one.socket()
        await peer.send(_frame(Opcode.BINARY, b"a", fin=False))
        await peer.send(_frame(Opcode.CONT, b"a", fin=False) * 20)
        assert (await peer.rest())[2:4] == (1009).to_bytes(2, "big")
        await one.app.gone.wait()


async def test_fragments_up_to_the_bound_make_a_message() -> None:
    async with served(replace(LIMITS, fragments=10)) as one:
        peer = await one.socket()
        await peer.send(_frame(Opcode.TEXT, "ä".encode()[:1], fin=False))
        await peer.send(_frame(Opcode.CONT, b"", fin=False) * 8)
        await peer.send(_frame(Opcode.CONT, "ä".encode()[1:]))
        assert await peer.reader.readexactly(4) == b"\x81\x02" + "ä".encode()


async def test_a_message_in_fragments_of_a_byte_holds_no_more_than_the_message() -> None:
    async with served(replace(LIMITS, fragments=1 << 30)) as one:
        peer = await one.socket()
        await peer.send(_frame(Opcode.BINARY, b"a", fin=False))
        tracemalloc.start()
        try:
            for _ in range(40):
                await peer.send(_frame(Opcode.CONT, b"a", fin=False) * 500)
            await peer.send(_frame(Opcode.PING, b""))
            await peer.reader.readexactly(2)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # 20,000 of them; a list of small objects would hold megabytes.
        assert held < 500_000


async def test_a_peer_that_pings_and_does_not_read_is_owed_one_pong() -> None:
    async with served() as one:
        peer = await _deaf(one.port)
        await _socket(peer)
        pings = b"".join(_frame(Opcode.PING, b"%05d" % n + bytes(100)) for n in range(2000))
        for _ in range(20):
            await asyncio.get_running_loop().sock_sendall(peer, pings)
        (connection,) = one.server._connections
        transport = connection._transport
        assert transport is not None
        assert transport.get_write_buffer_size() < 300_000
        # Once it reads, the newest one of all is answered too.
        newest = _frame(Opcode.PING, b"newest")
        await asyncio.get_running_loop().sock_sendall(peer, newest)
        got = b""
        while b"newest" not in got:
            got = got[-20:] + await asyncio.get_running_loop().sock_recv(peer, 1 << 16)
        peer.close()


async def _deaf(port: int) -> socket.socket:
    """A client whose kernel takes little of what it does not read."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.setblocking(False)
    await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", port))
    return peer


async def _socket(peer: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(peer, HANDSHAKE + END)
    head = b""
    while b"\r\n\r\n" not in head:
        head += await loop.sock_recv(peer, 4096)


async def _takes(peer: socket.socket, data: bytes) -> bool:
    """False if the server's side does not take it while everything else has had its turn."""
    loop = asyncio.get_running_loop()
    sending = asyncio.ensure_future(loop.sock_sendall(peer, data))
    for _ in range(2000):
        await asyncio.sleep(0)
        if sending.done():
            return True
    sending.cancel()
    return False


def _frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)
