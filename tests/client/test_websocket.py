"""The socket under a connection: fragments, floods, a silent other end, TLS that is not there."""

from __future__ import annotations

import asyncio

import pytest

from rasr.client import CannotConnect, ConnectionLost, Mode, WebSocket, end_frame, open_connection
from rasr.client import websocket as websocket_module
from rasr.wire.sis.codec import encode_server
from rasr.wire.sis.messages import End, Started
from tests.client.scripted import Peer, scripted
from tests.client.values import CONFIG, ended, final
from tests.processes import LONG_S

STARTED = Started("trace")


async def test_a_message_in_fragments_is_one_message() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        text = encode_server(final("in three parts"))
        await peer.websocket.send([text[:5], text[5:30], text[30:]])
        await peer.send(ended())

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        await connection.start(CONFIG)
        assert [message async for message in connection] == [final("in three parts"), ended()]


async def test_a_client_that_does_not_read_stops_the_server_and_loses_nothing() -> None:
    sent, most = 0, 40_000
    text = "x" * 1000

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.start()
        await peer.send(STARTED)
        for number in range(most):
            await peer.send(final(text, number, number))
            sent += 1
        await peer.send(ended())

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        await connection.start(CONFIG)
        before = -1
        while before != sent:
            before = sent
            for _ in range(200):
                await asyncio.sleep(0)
        assert sent < most // 2
        messages = [message async for message in connection]
        assert messages[:-1] == [final(text, number, number) for number in range(most)]


async def test_a_server_that_does_not_answer_pings_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_module, "_PING_S", 0.02)
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        peer.websocket.transport.pause_reading()
        await gone.wait()
        peer.websocket.transport.resume_reading()

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        await connection.start(CONFIG)
        with pytest.raises(ConnectionLost, match="broke"):
            await connection.receive()
        gone.set()


async def test_a_server_that_answers_pings_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_module, "_PING_S", 0.01)
    pings, several = 0, asyncio.Event()
    ping = WebSocket._ping

    def counted(link: WebSocket) -> None:
        nonlocal pings
        ping(link)
        pings += 1
        if pings == 4:
            several.set()

    monkeypatch.setattr(WebSocket, "_ping", counted)

    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.end()
        await peer.send(ended())

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        await connection.start(CONFIG)
        await several.wait()
        await connection.end()
        assert [message async for message in connection] == [ended()]


async def test_a_listener_is_told_of_the_handshake_each_message_and_the_end() -> None:
    class Listener:
        def __init__(self, address: str) -> None:
            self.websocket = WebSocket(address, listener=self, pings=False)
            self.heard: list[str] = []
            self.over = asyncio.Event()

        def on_open(self) -> None:
            self.heard.append("open")
            self.websocket.write(end_frame())

        def on_message(self, at_s: float, text: bytes) -> None:
            self.heard.append(text.decode())

        def on_lost(self) -> None:
            self.over.set()

    async def script(peer: Peer) -> None:
        assert await peer.end() == End()
        await peer.send(ended())

    async with scripted(script) as url:
        listener = Listener(url)
        await listener.websocket.open(timeout_s=LONG_S)
        await listener.over.wait()
        assert listener.heard == ["open", encode_server(ended())]
        assert not listener.websocket.is_open


async def test_a_server_without_tls_is_told_from_none_at_all() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(CannotConnect, match="has no TLS that can be trusted"):
            async with open_connection(f"wss://127.0.0.1:{port}", Mode.CONTINUE):
                pass


async def test_a_server_that_hangs_up_at_once_is_told() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(CannotConnect, match="there is no server at") as told:
            async with open_connection(f"ws://127.0.0.1:{port}", Mode.CONTINUE):
                pass
        assert told.value.retryable
