"""Calls by interface: what counts as one, how it ended and how long it took."""

from __future__ import annotations

import asyncio
import time
import tracemalloc

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import JSONResponse, Response
from websockets.exceptions import InvalidStatus

from rasr.server.auth.paths import RIGHTS, WEBSOCKET, interface_of
from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.ops.interfaces import (
    HISTORY_MINUTES,
    MOST_COUNTS,
    InterfaceCount,
    InterfaceHistory,
    InterfaceStatistics,
    summed,
)
from rasr.server.ops.metrics import Exposition
from rasr.server.origins import OriginRule
from rasr.server.service import Service
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.modes import Mode
from tests.identity.signing import PROJECT
from tests.server.audio import quiet, voiced
from tests.server.auth.conftest import READER_AK, READER_SK, Place, Signer, place
from tests.server.conftest import fake_settings
from tests.server.sdk import SdkClient

__all__ = ["place"]

CONTINUE = "real-time-continue"


class Clock:
    """Seconds since 1970, as a test says."""

    def __init__(self, minute: int = 1000) -> None:
        self.now = 60.0 * minute

    def __call__(self) -> float:
        return self.now


def outcomes(service: Service, interface: str = CONTINUE) -> tuple[int, int, int]:
    found = service.state.interfaces.counts.get(interface, InterfaceCount())
    return found.successful, found.failed_4xx, found.failed_5xx


def projects(service: Service) -> set[str]:
    interfaces = service.state.interfaces
    return {
        project
        for minute in (interfaces.minute - 1, interfaces.minute)
        for project, _, _ in interfaces.history.minute(minute)
    }


# Rounds


async def test_a_round_is_a_call_and_its_delay_is_that_of_its_finals(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start()
        await client.audio(quiet(300) + voiced(1000) + quiet(1500))
        await client.end()
        assert outcomes(service) == (1, 0, 0)
        began = time.monotonic()
        await client.start()
        await client.end()
        took_s = time.monotonic() - began
    assert outcomes(service) == (2, 0, 0)
    count = service.state.interfaces.counts[CONTINUE]
    finals = service.state.statistics.finals
    waited = next(one for one in finals.collect()).samples
    (total,) = [one.value for one in waited if one.name.endswith("_sum")]
    # The second one's: from END to its answer.
    assert total < count.delay_s < total + took_s
    assert projects(service) == {""}


async def test_a_start_that_is_refused_is_a_call_that_failed(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.text('{"command": "START", "config": {"audio_format": "pcm16k16bit"}}')
        await client.until("ERROR")
    assert outcomes(service) == (0, 1, 0)


async def test_whoever_leaves_without_an_answer_has_made_no_call(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start()
        await client.audio(voiced(500))
    await service.state.connections.quiet()
    assert outcomes(service) == (0, 0, 0)


async def test_silence_in_a_round_is_a_call_that_failed_and_between_two_it_is_none() -> None:
    # Long enough for a slow machine to come from the handshake to START.
    settings = fake_settings(session={"idle_s": 1.5})
    async with Service(settings) as service:
        async with SdkClient(service.url) as client:
            await client.until("FATAL_ERROR")
        assert outcomes(service) == (0, 0, 0)
        async with SdkClient(service.url) as client:
            await client.start()
            await client.until("FATAL_ERROR")
        assert outcomes(service) == (0, 1, 0)


async def test_a_fault_of_the_server_is_counted_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, *_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    async with SdkClient(service.url) as client:
        await client.start()
        monkeypatch.setattr("rasr.wire.sis.reports.Reports.of", fail)
        await client.audio(quiet(300) + voiced(1000) + quiet(1500))
        await client.until("FATAL_ERROR")
    await service.state.connections.quiet()
    assert outcomes(service) == (0, 0, 1)


async def test_a_handshake_that_finds_no_room_is_a_call_that_failed() -> None:
    async with Service(fake_settings(server={"port": 0, "max_connections": 1})) as service:
        async with SdkClient(service.url):
            with pytest.raises(InvalidStatus):
                async with SdkClient(service.url):
                    pass
        assert outcomes(service) == (0, 1, 0)


# The door


async def test_who_is_refused_at_the_door_counts_for_the_interface_of_the_path(
    place: Place,
) -> None:
    vocabularies = f"/v1/{PROJECT}/asr/vocabularies"
    assert (await place.web.get(vocabularies)).status_code == 401
    assert projects(place.service) == {""}
    reader = Signer(place.web, READER_AK, READER_SK)
    assert (await reader.send("DELETE", f"{vocabularies}/one")).status_code == 403
    assert outcomes(place.service, "vocabularies") == (0, 2, 0)
    assert projects(place.service) == {"", PROJECT}
    with pytest.raises(InvalidStatus):
        async with SdkClient(place.service.url):
            pass
    assert outcomes(place.service) == (0, 1, 0)
    place.directory.is_down = True
    assert (await place.signer.send("GET", vocabularies)).status_code == 500
    assert outcomes(place.service, "vocabularies") == (0, 2, 1)
    assert (await place.web.post(f"/v1/{PROJECT}/tickets")).status_code == 401
    assert set(place.service.state.interfaces.counts) == {"vocabularies", CONTINUE}


# Requests


@pytest.fixture
def counted(service: Service) -> FastAPI:
    app = FastAPI()
    origins = OriginRule.of((), names_are_ours=True)

    async def answer(request: SisRequest) -> Response:
        if request.query.get("wrong"):
            raise ProtocolError(ErrorCode.INVALID, "it is wrong")
        return JSONResponse({})

    for path in ("asr/vocabularies", "keys"):
        interface = Interface("GET", f"/v1/{{project_id}}/{path}")
        add_interface(app, service.state, origins, interface, answer)
    return app


async def test_requests_are_counted_by_the_status_of_their_answers(
    service: Service, counted: FastAPI
) -> None:
    transport = httpx.ASGITransport(app=counted)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as web:
        assert (await web.get("/v1/p/asr/vocabularies")).status_code == 200
        assert (await web.get("/v1/p/asr/vocabularies?wrong=1")).status_code == 400
        assert (await web.get("/v1/p/keys")).status_code == 200
    assert outcomes(service, "vocabularies") == (1, 1, 0)
    assert set(service.state.interfaces.counts) == {"vocabularies"}


def test_every_mode_has_an_interface_and_only_one_sentence_is_one_of_sis() -> None:
    names = [interface_of(mode) for mode in Mode]
    assert names == [
        "real-time-short",
        "real-time-sentence",
        "real-time-continue",
        "sentence-transcription",
    ]
    of_websockets = {
        right.interface for (method, _), right in RIGHTS.items() if method == WEBSOCKET
    }
    assert of_websockets == {*names, "real-time-synthesis"}


# Minutes


def test_the_four_metrics_are_those_of_the_last_whole_minute(service: Service) -> None:
    clock = Clock()
    statistics = InterfaceStatistics(clock)
    statistics.count("a", 200, 0.1, "p")
    statistics.count("a", 200, 0.3, "q")
    statistics.count("a", 404, 9.0, "q")
    statistics.count("b", 503, 0.0)
    assert statistics.last_minute() == {"a": InterfaceCount(), "b": InterfaceCount()}
    clock.now += 60
    statistics.count("a", 200, 5.0, "p")
    last = statistics.last_minute()
    assert last == {"a": InterfaceCount(2, 1, 0, 0.4), "b": InterfaceCount(0, 0, 1, 0.0)}
    assert last["a"].average_delay_ms == pytest.approx(200)
    assert last["b"].average_delay_ms is None
    assert statistics.counts["a"] == InterfaceCount(3, 1, 0, 5.4)


async def test_prometheus_is_told_them_by_the_names_of_sis(service: Service) -> None:
    clock = Clock()
    interfaces = service.state.interfaces
    interfaces.clock = clock
    interfaces.count(CONTINUE, 200, 0.25)
    interfaces.count(CONTINUE, 429, 0.0)
    interfaces.count("vocabularies", 500, 0.0)
    clock.now += 60
    text = bytes(Exposition(service.state).answer().body).decode()
    told = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "interface" in sample.labels
    }
    assert told == {
        ("rasr_interface_calls_total", CONTINUE, "successful"): 1,
        ("rasr_interface_calls_total", CONTINUE, "4xx"): 1,
        ("rasr_interface_calls_total", CONTINUE, "5xx"): 0,
        ("rasr_interface_calls_total", "vocabularies", "successful"): 0,
        ("rasr_interface_calls_total", "vocabularies", "4xx"): 0,
        ("rasr_interface_calls_total", "vocabularies", "5xx"): 1,
        ("rasr_interface_delay_seconds_total", CONTINUE): 0.25,
        ("rasr_interface_delay_seconds_total", "vocabularies"): 0,
        ("successful_calls_of_service", CONTINUE): 1,
        ("successful_calls_of_service", "vocabularies"): 0,
        ("api_calls_with_4xx_response", CONTINUE): 1,
        ("api_calls_with_4xx_response", "vocabularies"): 0,
        ("api_calls_with_5xx_response", CONTINUE): 0,
        ("api_calls_with_5xx_response", "vocabularies"): 1,
        ("average_delay", CONTINUE): 250,
    }


# The history


def test_minutes_are_added_up_by_periods() -> None:
    history = InterfaceHistory()
    for minute, project in ((7, "p"), (9, "p"), (9, "q"), (10, "p"), (12, "p")):
        history.count(minute, project, "a").call(200, 1.0)
    assert summed(history.of("p")["a"], 8, 12, 5) == {
        5: InterfaceCount(1, 0, 0, 1.0),
        10: InterfaceCount(1, 0, 0, 1.0),
    }
    assert summed(history.of(None)["a"], 0, 99, 60) == {0: InterfaceCount(5, 0, 0, 5.0)}
    assert history.of("nobody") == {}


def test_what_is_older_than_eight_days_is_forgotten() -> None:
    history = InterfaceHistory()
    history.count(0, "p", "a").call(200, 0.0)
    history.count(HISTORY_MINUTES - 1, "p", "b").call(200, 0.0)
    assert set(history.of("p")) == {"a", "b"}
    assert history.complete_from == 0
    history.count(HISTORY_MINUTES, "q", "c")
    assert set(history.of(None)) == {"b", "c"}
    assert history.complete_from == 1
    assert history.unsaved == {HISTORY_MINUTES - 1, HISTORY_MINUTES}


def test_of_too_many_counts_the_oldest_minutes_go() -> None:
    history = InterfaceHistory(most_counts=4)
    for minute in range(3):
        for project in ("p", "q"):
            history.count(minute, project, "a").call(200, 0.0)
    assert [minute for part in history.of("p")["a"] for minute in part] == [1, 2]
    assert history.complete_from == 1
    # A single minute stays whole, however many call in it.
    for number in range(9):
        history.count(7, f"p{number}", "a").call(200, 0.0)
    assert len(history.minute(7)) == 9
    assert history.minute(2) == []


def test_a_full_history_takes_the_memory_that_is_said() -> None:
    tracemalloc.start()
    try:
        history = InterfaceHistory()
        for number in range(MOST_COUNTS):
            history.count(number // 5, "p" * 32, f"interface-{number % 5}").call(200, 0.1)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 10e6 < used < 25e6


async def test_counts_are_of_the_loop_and_added_up_elsewhere() -> None:
    history = InterfaceHistory()
    history.count(1, "p", "a").call(200, 0.0)
    parts = history.of("p")
    history.count(2, "p", "a").call(200, 0.0)
    found = await asyncio.to_thread(summed, parts["a"], 0, 9, 1)
    assert list(found) == [1]
