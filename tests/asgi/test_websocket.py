"""Websockets: messages in and out, closing from either side, faults of either side."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import replace
from socket import SO_LINGER, SOL_SOCKET

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from rasr.asgi import GONE
from tests.asgi.served import END, HANDSHAKE, LIMITS, Served, served
from tests.processes import until

_MESSAGE = Frame(Opcode.BINARY, bytes(1000)).serialize(mask=True)


def _url(one: Served, path: str = "/socket") -> str:
    return f"ws://127.0.0.1:{one.port}{path}"


@pytest.mark.parametrize("message", ["", "text ä", b"", b"bytes", b"\0" * 300_000, "x" * 300_000])
async def test_a_message_comes_as_it_was_sent(message: str | bytes) -> None:
    async with served() as one, connect(_url(one), compression=None, proxy=None) as socket:
        await socket.send(message)
        assert await socket.recv() == message


async def test_many_messages_keep_their_order() -> None:
    async with served() as one, connect(_url(one), compression=None, proxy=None) as socket:
        for number in range(500):
            await socket.send(str(number))
        assert [await socket.recv() for _ in range(500)] == [str(n) for n in range(500)]


async def test_the_client_closes_and_the_application_is_told_how() -> None:
    async with served() as one:
        async with connect(_url(one), compression=None, proxy=None) as socket:
            await socket.close(4321, "enough")
        await one.app.gone.wait()
        assert one.app.last == {"type": "websocket.disconnect", "code": 4321, "reason": "enough"}


async def test_a_client_that_is_cut_off_is_told_as_1006() -> None:
    async with served() as one:
        peer = await one.socket()
        peer.writer.transport.abort()
        await one.app.gone.wait()
        assert one.app.last is not None
        assert one.app.last["code"] == 1006


async def test_the_application_closes() -> None:
    async with served() as one, connect(_url(one), compression=None, proxy=None) as socket:
        await socket.send("close")
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (4000, "as you like")


async def test_a_client_that_does_not_answer_the_close_is_dropped() -> None:
    async with served(replace(LIMITS, close_timeout_s=0.05)) as one:
        peer = await one.socket()
        await peer.send(Frame(Opcode.TEXT, b"close").serialize(mask=True))
        assert (await peer.rest())[0] == 0x88


async def test_a_fault_of_the_application_closes_with_1011() -> None:
    async with served() as one, connect(_url(one, "/fails"), proxy=None) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1011


@pytest.mark.parametrize(("path", "status"), [("/refused", 429), ("/forgotten", 403)])
async def test_a_handshake_can_be_refused(path: str, status: int) -> None:
    async with served() as one:
        with pytest.raises(InvalidStatus) as refused:
            await connect(_url(one, path), proxy=None)
        assert refused.value.response.status_code == status


async def test_frames_may_follow_the_handshake_at_once() -> None:
    async with served() as one:
        peer = await one.peer()
        hello = Frame(Opcode.TEXT, b"hello").serialize(mask=True)
        await peer.send(HANDSHAKE + END + hello * 3)
        await peer.head()
        assert await peer.reader.readexactly(21) == b"\x81\x05hello" * 3


async def test_messages_before_a_fault_count() -> None:
    async with served() as one:
        peer = await one.socket()
        good, bad = Frame(Opcode.TEXT, b"good"), Frame(Opcode.TEXT, b"\xff")
        await peer.send(good.serialize(mask=True) + bad.serialize(mask=True))
        answer = await peer.rest()
        # The fault is found before the application has had a turn to answer.
        assert (1007).to_bytes(2, "big") in answer
        await one.app.gone.wait()


async def test_an_application_that_takes_nothing_holds_its_client_back() -> None:
    async with served() as one:
        peer = await one.socket("/deaf")
        await one.app.open.wait()
        sending = asyncio.ensure_future(_flood(peer.writer, 20_000))
        for _ in range(3000):
            await asyncio.sleep(0)
        assert not sending.done()
        sending.cancel()


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("count", [40, 20_000], ids=["some", "more than buffers hold"])
async def test_a_client_that_has_left_is_dropped_though_its_messages_wait(
    count: int, reset: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rasr.asgi.server._LOOK_S", 0.01)
    async with served() as one:
        peer = await one.socket("/deaf")
        await one.app.open.wait()
        is_gone = one.app.scopes[0]["extensions"][GONE]
        sending = asyncio.ensure_future(_flood(peer.writer, count))
        for _ in range(3000):
            await asyncio.sleep(0)
        assert not is_gone()
        sending.cancel()
        if reset:
            linger = struct.pack("ii", 1, 0)
            peer.writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, linger)
        peer.writer.transport.abort()
        await until(is_gone)
        one.app.answer.set()
        await one.quiet()


async def _flood(writer: asyncio.StreamWriter, count: int) -> None:
    for _ in range(count):
        writer.write(_MESSAGE)
        await writer.drain()
