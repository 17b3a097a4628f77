"""The load client and the peer, for three seconds: everything but the numbers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench.load_client import put_on
from bench.load_result import Clock, LoadResult, merged
from bench.model import TINY, export
from bench.servers import SherpaSettings, running_sherpa
from bench.wire_clients import SherpaClient, SisClient, WireClient
from bench.workload import CHUNK_SAMPLES, CONTINUOUS, Load, Share, Talk, plan, read_corpus
from tests.processes import LONG_S


def test_every_stream_that_is_put_on_the_peer_is_told_its_steps_and_its_end(
    tmp_path: Path,
) -> None:
    export(tmp_path, TINY)
    with running_sherpa(tmp_path, SherpaSettings(), int8=True) as server:
        load = Load(
            SherpaClient(server.url),
            Talk.SPEECH,
            clients=3,
            warm_s=0.0,
            window_s=3.5,
            turn_s=(1.0, 1.0),
            tells_steps=True,
        )
        outcome = put_on(load)
        used = server.usage()
    assert outcome.errors == ()
    assert outcome.ended == outcome.streams
    assert {one.client for one in outcome.latencies[Clock.END]} == {0, 1, 2}
    assert {one.client for one in outcome.latencies[Clock.STEP]} == {0, 1, 2}
    # The first step of each second is complete after half of it, the next ones every 320 ms.
    assert len(outcome.latencies[Clock.STEP]) >= 12
    assert used.cpu_s > 0


def test_a_server_that_is_not_there_is_an_error_of_each_stream() -> None:
    load = Load(SherpaClient("ws://127.0.0.1:1"), Talk.SPEECH, 2, warm_s=0.0, window_s=0.3)
    outcome = put_on(load)
    assert len(outcome.errors) == 2
    assert all("no connection" in error for error in outcome.errors)
    assert outcome.refused == ()


def test_shares_of_a_load_are_the_whole_of_it() -> None:
    corpus = read_corpus(CONTINUOUS)
    load = Load(SherpaClient("ws://127.0.0.1:1"), Talk.SPEECH, 7, 0.0, 0.5, turn_s=(0.1, 0.2))
    shares = [plan(load, corpus, Share(number, 3)) for number in range(3)]
    assert sorted(
        (one for share in shares for one in share), key=lambda one: (one.client, one.start_s)
    ) == plan(load, corpus)
    outcomes = [put_on(load, Share(number, 3)) for number in range(2)]
    assert merged(outcomes).clients == 5


@contextmanager
def speaking(conversation: Callable[[ServerConnection], Awaitable[None]]) -> Iterator[str]:
    """The address of a server that holds this conversation, in a thread of its own."""
    ready, addresses = threading.Event(), list[str]()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        async with serve(conversation, "127.0.0.1", 0) as server:
            (listening,) = server.sockets
            addresses.append(f"ws://127.0.0.1:{listening.getsockname()[1]}")
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert ready.wait(LONG_S)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def put_a_moment_on(wire: WireClient) -> LoadResult:
    return put_on(Load(wire, Talk.SPEECH, 1, warm_s=0.0, window_s=0.6))


def test_all_audio_is_sent_and_then_the_end() -> None:
    got: list[object] = []

    async def server(socket: ServerConnection) -> None:
        async for message in socket:
            got.append(message if isinstance(message, str) else len(message))
            if message == "Done":
                body = {"text": "a", "is_final": True, "is_eof": True}
                await socket.send(json.dumps(body))
                await socket.send("Done!")

    with speaking(server) as url:
        result = put_a_moment_on(SherpaClient(url))
    assert (result.errors, result.refused, result.streams, result.ended) == ((), (), 1, 1)
    assert got == [*[4 * CHUNK_SAMPLES] * 6, "Done"]


def test_a_server_that_is_full_refuses_and_does_not_fail() -> None:
    async def full(socket: ServerConnection) -> None:
        await socket.recv()
        body = {"resp_type": "ERROR", "error_code": "SIS.0312", "error_msg": "full"}
        await socket.send(json.dumps(body | {"trace_id": "a"}))
        await socket.wait_closed()

    with speaking(full) as url:
        result = put_a_moment_on(SisClient(url))
    assert (result.errors, result.refused) == ((), ("SIS.0312: full",))


@pytest.mark.parametrize("client", [SherpaClient, SisClient])
def test_a_server_that_closes_before_the_end_is_an_error(
    client: Callable[[str], WireClient],
) -> None:
    async def rude(socket: ServerConnection) -> None:
        await socket.recv()

    with speaking(rude) as url:
        result = put_a_moment_on(client(url))
    assert result.ended == 0
    assert "closed the connection" in result.errors[0]
