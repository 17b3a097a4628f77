"""Requests and answers over HTTP."""

from __future__ import annotations

import asyncio
import gc

import httpx
import pytest

from rasr.asgi import ABORT
from rasr.asgi.http import HttpConnection
from tests.asgi.served import served
from tests.processes import LONG_S, until

GET = b"GET /%s HTTP/1.1\r\nHost: here\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"


async def test_a_connection_carries_many_requests_in_their_order() -> None:
    async with served() as one:
        answer = await one.ask(GET % b"a" + GET % b"b" + CLOSE)
        assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3
        assert [scope["path"] for scope in one.app.scopes] == ["/a", "/b", "/"]


async def test_the_scope_says_what_was_asked() -> None:
    async with served() as one:
        peer = await one.peer()
        await peer.send(b"GET /a%20b?q=%31 HTTP/1.1\r\nHOST: here\r\nX-Thing: 1\r\n\r\n")
        await peer.head()
        (scope,) = one.app.scopes
        assert (scope["path"], scope["raw_path"]) == ("/a b", b"/a%20b")
        assert scope["query_string"] == b"q=%31"
        assert scope["headers"] == [(b"host", b"here"), (b"x-thing", b"1")]
        assert (scope["method"], scope["scheme"]) == ("GET", "http")
        assert scope["client"] == peer.writer.get_extra_info("sockname")
        assert scope["server"] == ("127.0.0.1", one.port)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (b"", "127.0.0.1"),
        (b"X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9"),
        # The one that a client wrote itself stands before what the proxy has added.
        (b"X-Forwarded-For: 1.2.3.4, 203.0.113.9:4711\r\n", "203.0.113.9"),
        (b"X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: [2001:db8::1]:99\r\n", "2001:db8::1"),
        (b"X-Forwarded-For: <script>\r\n", "unknown"),
        (b"X-Forwarded-For: 127.0.0.1\r\n", "127.0.0.1"),
        (b"X-Forwarded-For: ,\r\n", "127.0.0.1"),
    ],
)
async def test_a_proxy_on_this_machine_says_who_asks(forwarded: bytes, address: str) -> None:
    async with served() as one:
        await one.ask(CLOSE.replace(b"Host", forwarded + b"Host"))
        assert one.app.scopes[0]["client"][0] == address


async def test_a_whole_url_is_a_path_too() -> None:
    async with served() as one:
        await one.ask(CLOSE.replace(b"/ ", b"http://here/there?x "))
        assert one.app.scopes[0]["path"] == "/there"
        assert one.app.scopes[0]["query_string"] == b"x"


@pytest.mark.parametrize("size", [0, 1, 70_000, 3 << 20])
async def test_a_body_comes_whole_however_large(size: int) -> None:
    async with served() as one, httpx.AsyncClient(trust_env=False, timeout=LONG_S) as client:
        content = bytes(range(256)) * (size // 256) + bytes(size % 256)
        answer = await client.post(f"http://127.0.0.1:{one.port}/", content=content)
        assert answer.content == (content or b"ok")


async def test_a_body_in_chunks_of_a_byte_comes_whole() -> None:
    async with served() as one:
        head = (
            b"POST / HTTP/1.1\r\nHost: here\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
        )
        answer = await one.ask(head + b"\r\n" + b"1\r\na\r\n" * 5000 + b"0\r\n\r\n")
        assert answer.count(b"a") >= 5000


async def test_whoever_waits_to_be_asked_for_the_body_is_asked() -> None:
    async with served() as one:
        peer = await one.peer()
        await peer.send(
            b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert await peer.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await peer.send(b"hi")
        assert (await peer.head()).startswith(b"HTTP/1.1 200 ")


async def test_an_answer_that_comes_before_all_of_the_body_arrives_and_ends_the_connection() -> (
    None
):
    async with served() as one:
        head = b"POST /unread HTTP/1.1\r\nHost: here\r\nContent-Length: 3000000\r\n\r\n"
        answer = await one.ask(head + bytes(1_000_000))
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"too much" in answer


@pytest.mark.parametrize("path", [b"", b"endless", b"large"])
async def test_head_gets_a_head_alone_and_the_connection_goes_on(path: bytes) -> None:
    async with served() as one:
        peer = await one.peer()
        await peer.send((GET % path).replace(b"GET", b"HEAD"))
        assert (await peer.head()).startswith(b"HTTP/1.1 200 ")
        await peer.send(CLOSE)
        assert (await peer.head()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"fails", b"silent"])
async def test_a_fault_of_the_application_is_answered(path: bytes) -> None:
    async with served() as one:
        answer = await one.ask(GET % path)
        assert answer.startswith(b"HTTP/1.1 500 ")
        assert b"on purpose" not in answer


async def test_a_fault_in_the_middle_of_an_answer_breaks_the_connection_off() -> None:
    async with served() as one:
        answer = await one.ask(GET % b"fails-late")
        # Without the last chunk the client knows that it is not whole.
        assert b"\r\n0\r\n\r\n" not in answer


@pytest.mark.parametrize("path", [b"waits", b"watches"])
async def test_an_application_whose_peer_leaves_is_cancelled(path: bytes) -> None:
    async with served() as one:
        peer = await one.peer()
        await peer.send(b"POST /%s HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nab" % path)
        await one.app.open.wait()
        peer.close()
        await one.app.gone.wait()
        await until(lambda: not one.server.count and not one.server._tasks)


async def test_the_application_can_drop_a_connection() -> None:
    async with served() as one:
        peer = await one.peer()
        await peer.send(GET % b"waits")
        await one.app.open.wait()
        one.app.scopes[0]["extensions"][ABORT]()
        assert await peer.rest() == b""


async def test_at_the_end_an_open_request_is_answered_and_an_idle_connection_closed() -> None:
    async with served() as one:
        idle, busy = await one.peer(), await one.peer()
        await busy.send(GET % b"waits")
        await one.app.open.wait()
        stopping = asyncio.create_task(one.server.stop(10.0))
        assert await idle.rest() == b""
        one.app.answer.set()
        answer = await busy.rest()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close" in answer.lower()
        await stopping


async def test_at_the_end_a_request_that_is_not_answered_in_time_is_given_up() -> None:
    async with served() as one:
        busy = await one.peer()
        await busy.send(GET % b"endless")
        await busy.head()
        await one.server.stop(0.0)
        assert one.server.count == 0


async def test_nothing_is_left_of_connections_that_are_over() -> None:
    async with served() as one:
        for _ in range(20):
            await one.ask(CLOSE)
        await one.quiet()
        one.app.scopes.clear()
        gc.collect()
        assert not [held for held in gc.get_objects() if isinstance(held, HttpConnection)]
