"""A connection: its address, its rounds, and each way in which it can fail."""

from __future__ import annotations

import socket

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from rasr.client import (
    CannotConnect,
    ConnectionLost,
    StartRefused,
    address_of,
    open_connection,
)
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.messages import (
    End,
    Ended,
    EndReason,
    Error,
    Result,
    Segment,
    StartConfig,
    Started,
)
from rasr.wire.sis.modes import Mode
from tests.client.scripted import Peer, one_round, scripted
from tests.client.values import CONFIG, STARTED, ended, final, partial


@pytest.mark.parametrize(
    ("url", "mode", "address"),
    [
        ("ws://host:1", Mode.CONTINUE, "ws://host:1/v1/me/rasr/continue-stream"),
        ("ws://host:1/", Mode.SHORT, "ws://host:1/v1/me/rasr/short-stream"),
        ("http://host", Mode.SENTENCE, "ws://host/v1/me/rasr/sentence-stream"),
        ("https://host", Mode.ONE_SENTENCE, "wss://host/v1/me/asr/short-audio"),
        ("ws://[::1]:1", Mode.SHORT, "ws://[::1]:1/v1/me/rasr/short-stream"),
        ("wss://host/v1/x/other?key=1", Mode.SHORT, "wss://host/v1/x/other?key=1"),
    ],
)
def test_a_base_url_gets_the_path_of_the_mode_and_a_full_one_stays(
    url: str, mode: Mode, address: str
) -> None:
    assert address_of(url, mode, "me") == address


@pytest.mark.parametrize("url", ["host:8765", "ftp://host", "ws://", "ws://host:port", "", "ws:x"])
def test_what_is_no_address_is_told_with_what_is_allowed(url: str) -> None:
    with pytest.raises(CannotConnect, match="is no address of a server"):
        address_of(url, Mode.CONTINUE)


async def test_a_round_is_played_from_start_to_end() -> None:
    async with scripted(one_round) as url, open_connection(url, Mode.CONTINUE) as connection:
        assert await connection.start(CONFIG) == STARTED
        await connection.send(b"ab")
        await connection.send(b"cd")
        await connection.end()
        assert [message async for message in connection] == [
            partial("hel"),
            final("hello"),
            ended(),
        ]


async def test_one_connection_carries_several_rounds() -> None:
    async def script(peer: Peer) -> None:
        for number in range(3):
            await peer.start()
            await peer.send(Started(f"trace {number}"))
            await peer.end()
            await peer.send(final(f"text {number}"), ended())

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        for number in range(3):
            started = await connection.start(CONFIG)
            await connection.end()
            messages = [message async for message in connection]
            assert started == Started(f"trace {number}")
            assert messages == [final(f"text {number}"), ended()]


async def test_a_round_that_was_left_early_does_not_reach_into_the_next() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        assert await peer.end() == End(cancel=True)
        await peer.send(final("old"), ended(EndReason.CANCEL))
        await peer.start()
        await peer.send(STARTED, final("new"), ended())

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        await connection.start(CONFIG)
        await connection.end(cancel=True)
        await connection.start(CONFIG)
        assert [message async for message in connection] == [final("new"), ended()]


async def test_end_is_sent_once_a_round() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED)
        await peer.end()
        await peer.send(ended())
        await peer.start()
        await peer.send(STARTED)

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        await connection.start(CONFIG)
        await connection.end()
        await connection.end(cancel=True)
        await connection.start(CONFIG)


async def test_an_error_to_start_is_a_refusal_and_another_start_may_follow() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(Error("trace", ErrorCode.FULL, "the server is full: 4 of 4"))
        await peer.start()
        await peer.send(STARTED)

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        with pytest.raises(StartRefused, match="the server is full: 4 of 4") as refused:
            await connection.start(CONFIG)
        assert refused.value.code is ErrorCode.FULL
        await connection.start(CONFIG)


async def test_an_error_in_a_round_is_a_message_of_it() -> None:
    error = Error("trace", ErrorCode.RECOGNITION_FAILED, "the engine failed")

    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED, error, ended(EndReason.ERROR))

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        await connection.start(CONFIG)
        assert [message async for message in connection] == [error, ended(EndReason.ERROR)]


async def test_a_fatal_error_is_read_and_then_said_by_the_loss() -> None:
    fatal = Error("trace", ErrorCode.IDLE, "wait voice timeout", fatal=True)

    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.send(STARTED, fatal)
        await peer.websocket.close(1000, "no message for too long")

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        await connection.start(CONFIG)
        heard: list[object] = []
        with pytest.raises(ConnectionLost, match=r"wait voice timeout \(SIS.0304\)") as lost:
            heard.extend([message async for message in connection])
        assert lost.value.fatal == fatal


async def test_a_server_that_goes_says_why() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.websocket.close(1001, "the server is shutting down")

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        with pytest.raises(ConnectionLost, match=r"\(1001\): the server is shutting down"):
            await connection.start(CONFIG)
        with pytest.raises(ConnectionLost):
            await connection.send(b"late")


async def test_a_connection_that_breaks_is_lost() -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        peer.websocket.transport.abort()

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        with pytest.raises(ConnectionLost, match="broke"):
            await connection.start(CONFIG)


@pytest.mark.parametrize("text", ["{}", "[]", "hello", '{"resp_type":"RESULT","trace_id":"x"}'])
async def test_a_server_of_another_protocol_is_told_apart(text: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.start()
        await peer.websocket.send(text)

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        with pytest.raises(ConnectionLost, match="speaks another protocol"):
            await connection.start(CONFIG)


async def test_nobody_listening_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(CannotConnect, match="rasr serve"):
            async with open_connection(f"ws://127.0.0.1:{port}", Mode.CONTINUE):
                pass


async def test_a_refused_handshake_is_told_in_the_words_of_the_server() -> None:
    def refuse(websocket: ServerConnection, request: Request) -> Response:
        return websocket.respond(
            429, '{"error_code":"SIS.0312","error_msg":"the server is full: 9 connections"}'
        )

    async def script(peer: Peer) -> None: ...

    async with scripted(script, refuse) as url:
        with pytest.raises(CannotConnect, match=r"the server is full: 9 connections \(SIS.0312\)"):
            async with open_connection(url, Mode.CONTINUE):
                pass


async def test_a_web_server_that_is_no_speech_server_is_told_by_its_status() -> None:
    def refuse(websocket: ServerConnection, request: Request) -> Response:
        return websocket.respond(404, "nothing here")

    async def script(peer: Peer) -> None: ...

    async with scripted(script, refuse) as url:
        with pytest.raises(CannotConnect, match="HTTP status 404"):
            async with open_connection(url, Mode.CONTINUE):
                pass


async def test_words_arrive_typed() -> None:
    result = Result("trace", (Segment("hi", 100, 300, True, 0.5),))

    async def script(peer: Peer) -> None:
        config = (await peer.start()).config
        assert config == StartConfig(CONFIG.audio_format, CONFIG.property, vad_tail=700)
        await peer.send(STARTED, result, ended())

    async with scripted(script) as url, open_connection(url, Mode.CONTINUE) as connection:
        await connection.start(StartConfig(CONFIG.audio_format, CONFIG.property, vad_tail=700))
        first = await connection.receive()
        assert first == result
        assert isinstance(await connection.receive(), Ended)
