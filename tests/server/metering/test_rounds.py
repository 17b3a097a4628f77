"""What rounds of websockets are billed, and who may begin one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from rasr.runtime.access import Heard
from rasr.server.service import Service as Server
from rasr.server.ws.metered import billed_s
from rasr.usage.services import Service
from tests.server.audio import quiet, voiced
from tests.server.metering.conftest import Place, settings_of
from tests.server.resumed import until as holds
from tests.server.sdk import SdkClient

CONTINUE, ONE_SENTENCE = "rasr/continue-stream", "asr/short-audio"
SENTENCE = quiet(400) + voiced(1000) + quiet(900)
SECONDS = 2.3
START: dict[str, Any] = {
    "command": "START",
    "config": {"audio_format": "pcm16k16bit", "property": "english_16k_common"},
}


@asynccontextmanager
async def websocket(place: Place, path: str) -> AsyncIterator[ClientConnection]:
    target = f"/v1/{place.project_id}/{path}"
    headers = place.signer.headers("GET", target)
    headers = {name: value for name, value in headers.items() if name.lower() != "host"}
    async with connect(
        place.service.url + target, additional_headers=headers, proxy=None, compression=None
    ) as socket:
        yield socket


async def until(socket: ClientConnection, *kinds: str) -> dict[str, Any]:
    """The next message of one of these kinds."""
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message["resp_type"] in kinds:
            return message


async def start(socket: ClientConnection) -> dict[str, Any]:
    await socket.send(json.dumps(START))
    return await until(socket, "START", "ERROR")


async def end(socket: ClientConnection, **more: object) -> dict[str, Any]:
    await socket.send(json.dumps({"command": "END", **more}))
    return await until(socket, "END")


async def test_a_round_in_real_time_is_billed_by_begun_seconds_of_what_was_heard(
    place: Place,
) -> None:
    async with websocket(place, CONTINUE) as socket:
        for _ in range(2):
            begun = await start(socket)
            await socket.send(SENTENCE)
            assert (await end(socket))["reason"] == "NORMAL"
    assert await place.used() == {"real-time": 6}
    (one,) = await place.ledger.sums()
    assert (one.calls, one.audio_ms) == (2, round(SECONDS * 2000))
    assert (one.access_id, one.user_id) == (place.ledger.access_id, place.ledger.user_id)
    store = await place.ledger.open().kept()
    async with store.reading() as work:
        rows = await work.connection.exec_driver_sql("SELECT id FROM usage")
        assert begun["trace_id"] in {row.id for row in rows}


async def test_silence_that_was_heard_is_billed(place: Place) -> None:
    async with websocket(place, CONTINUE) as socket:
        await start(socket)
        await socket.send(quiet(3000))
        await end(socket)
    assert await place.used() == {"real-time": 3}


async def test_a_round_without_audio_is_not(place: Place) -> None:
    for path in (CONTINUE, ONE_SENTENCE):
        async with websocket(place, path) as socket:
            await start(socket)
            await end(socket)
    assert await place.used() == {}


async def test_one_sentence_is_one_call_however_long(place: Place) -> None:
    async with websocket(place, ONE_SENTENCE) as socket:
        await start(socket)
        await socket.send(SENTENCE)
        await end(socket)
    assert await place.used() == {"one-sentence": 1}


@pytest.mark.parametrize(("path", "billed"), [(CONTINUE, {"real-time": 2}), (ONE_SENTENCE, {})])
async def test_a_round_that_fails_is_billed_to_its_last_text_and_as_a_call_not_at_all(
    place: Place, path: str, billed: dict[str, int]
) -> None:
    async with websocket(place, path) as socket:
        await start(socket)
        await socket.send(quiet(200) + voiced(1000) + quiet(6000))
        await socket.send("no JSON")
        assert (await until(socket, "END"))["reason"] == "ERROR"
    assert await place.used() == billed


async def test_a_round_that_is_cancelled_is_billed_to_its_last_text(place: Place) -> None:
    async with websocket(place, CONTINUE) as socket:
        await start(socket)
        await socket.send(quiet(200) + voiced(1000) + quiet(2000))
        await until(socket, "RESULT")
        await socket.send(voiced(5000))
        assert (await end(socket, cancel="true"))["reason"] == "CANCEL"
        await start(socket)
        await socket.send(voiced(5000))
        assert (await end(socket, cancel=True))["reason"] == "CANCEL"
    assert await place.used() == {"real-time": 2}


async def test_a_client_that_goes_away_is_billed_for_the_text_that_it_got(place: Place) -> None:
    async with websocket(place, CONTINUE) as socket:
        await start(socket)
        await socket.send(quiet(200) + voiced(1000) + quiet(2000))
        await until(socket, "RESULT")
        await socket.send(voiced(5000))
    async with websocket(place, ONE_SENTENCE) as socket:
        await start(socket)
        await socket.send(SENTENCE)
    assert await place.used() == {"real-time": 2}


@pytest.mark.parametrize(
    ("comes_back", "billed"), [(True, {"real-time": 6}), (False, {"real-time": 2})]
)
async def test_a_round_whose_connection_breaks_is_billed_once(
    place: Place, comes_back: bool, billed: dict[str, int]
) -> None:
    rounds = place.service.state.connections.rounds
    rounds.grace_s = 30.0 if comes_back else 0.1
    config = {**START["config"], "resume": "yes"}
    async with websocket(place, CONTINUE) as socket:
        await socket.send(json.dumps({"command": "START", "config": config}))
        token = (await until(socket, "START"))["resume"]["token"]
        await socket.send(quiet(200) + voiced(1000) + quiet(2000))
        await until(socket, "RESULT")
        socket.transport.abort()
    await holds(lambda: (rounds.held if comes_back else rounds.lost) == 1)
    if comes_back:
        async with websocket(place, CONTINUE) as socket:
            await socket.send(json.dumps({"command": "RESUME", "token": token, "seq": 2}))
            await until(socket, "RESUMED")
            await socket.send(voiced(2000))
            assert (await end(socket))["reason"] == "NORMAL"
    # Up to its end, or up to the end of the last text that its client got.
    assert await place.used() == billed
    (one,) = await place.ledger.sums()
    assert one.calls == 1


async def test_a_token_of_another_project_is_none(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with websocket(place, CONTINUE) as socket:
        config = {**START["config"], "resume": "yes"}
        await socket.send(json.dumps({"command": "START", "config": config}))
        token = (await until(socket, "START"))["resume"]["token"]
        # As if the same project had asked before under another owner.
        monkeypatch.setattr("rasr.server.ws.resuming.project_of", lambda _: "another")
        async with websocket(place, CONTINUE) as stranger:
            await stranger.send(json.dumps({"command": "RESUME", "token": token, "seq": 0}))
            answer = await until(stranger, "RESUMED", "ERROR")
            assert answer["error_code"] == "SIS.0032"
        assert (await end(socket))["reason"] == "NORMAL"


async def test_audio_beyond_the_longest_is_not_billed(place: Place) -> None:
    async with websocket(place, "rasr/short-stream") as socket:
        await start(socket)
        for _ in range(14):
            await socket.send(quiet(5000))
        await end(socket)
    assert await place.used() == {"real-time": 60}


async def test_a_round_that_a_shutdown_ends_is_billed(place: Place) -> None:
    async with websocket(place, CONTINUE) as socket:
        await start(socket)
        await socket.send(SENTENCE)
        # Its audio is heard before the server is told to stop.
        await until(socket, "RESULT")
        await place.service.stop()
        await until(socket, "END")
    assert await place.ledger.used() == {"real-time": 3}


async def test_past_the_quota_a_round_is_refused_and_an_open_one_finishes(place: Place) -> None:
    await place.ledger.quota(3)
    async with websocket(place, CONTINUE) as first, websocket(place, CONTINUE) as second:
        assert (await start(second))["resp_type"] == "START"
        await start(first)
        await first.send(SENTENCE)
        await end(first)
        # At once, whether the store has it or not.
        refused = await start(first)
        assert (refused["resp_type"], refused["error_code"]) == ("ERROR", "APIG.0308")
        assert "used up: 3 of 3 seconds" in refused["error_msg"]
        await second.send(SENTENCE)
        assert (await end(second))["reason"] == "NORMAL"
        # The other service has a quota of its own, or none.
        async with websocket(place, ONE_SENTENCE) as other:
            assert (await start(other))["resp_type"] == "START"
    assert await place.used() == {"real-time": 6}


async def test_a_project_that_is_frozen_is_refused_and_told_so(place: Place) -> None:
    await place.ledger.freeze(1.0)
    for path in (CONTINUE, ONE_SENTENCE):
        async with websocket(place, path) as socket:
            refused = await start(socket)
            assert (refused["resp_type"], refused["error_code"]) == ("ERROR", "SIS.0101")
            assert "frozen" in refused["error_msg"]
    report = await place.signer.send("GET", f"/v1/{place.project_id}/usage")
    assert report.status_code == 200


async def test_where_nobody_is_asked_nothing_is_metered(place: Place) -> None:
    await place.ledger.quota(0)
    settings = settings_of(place.ledger, auth={"kind": "none"})
    async with Server(settings, None, place.ledger.open()) as service:
        async with SdkClient(service.url) as client:
            await client.start()
            await client.audio(SENTENCE)
            await client.end()
        assert client.told[-1] == "END NORMAL"
        assert service.state.meter.waiting == 0


@pytest.mark.parametrize(
    ("service", "heard", "seconds"),
    [
        (Service.REAL_TIME, Heard("t", 10.0, 4.0, True), 10.0),
        (Service.REAL_TIME, Heard("t", 10.0, 4.0, False), 4.0),
        (Service.REAL_TIME, Heard("t", 10.0, 0.0, False), 0.0),
        (Service.ONE_SENTENCE, Heard("t", 10.0, 4.0, True), 10.0),
        (Service.ONE_SENTENCE, Heard("t", 10.0, 4.0, False), 0.0),
    ],
)
def test_what_counts_of_a_round(service: Service, heard: Heard, seconds: float) -> None:
    assert billed_s(service, heard) == seconds


async def test_a_store_that_is_gone_refuses_new_rounds_and_open_ones_go_on(place: Place) -> None:
    path = place.ledger.folder.with_name("store.db")
    async with websocket(place, CONTINUE) as socket, websocket(place, ONE_SENTENCE) as other:
        await start(socket)
        await asyncio.to_thread(path.rename, path.with_name("away"))
        await socket.send(SENTENCE)
        assert (await end(socket))["reason"] == "NORMAL"
        refused = await start(other)
        assert (refused["resp_type"], refused["error_code"]) == ("ERROR", "SIS.0001")
        assert place.service.state.meter.waiting == 1
        await asyncio.to_thread(path.with_name("away").rename, path)
        assert (await start(other))["resp_type"] == "START"
    assert await place.used() == {"real-time": 3}
