"""`/sessions`: what whoever runs the server is told of those who use it."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from rasr.runtime.statistics import SessionStatistics
from rasr.server.service import Service
from rasr.server.ws.connections import Connections
from tests.server.audio import quiet, voiced
from tests.server.auth.conftest import web_of
from tests.server.event_loop import MOST_HELD_MS, watched
from tests.server.sdk import SdkClient


async def ask(url: str, **headers: str) -> tuple[int, dict[str, Any]]:
    address = urlsplit(url)

    def fetch() -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(address.hostname or "", address.port)
        try:
            connection.request("GET", "/sessions", headers=headers)
            answer = connection.getresponse()
            return answer.status, json.load(answer)
        finally:
            connection.close()

    return await asyncio.to_thread(fetch)


async def test_a_session_is_told_with_how_it_fares(service: Service) -> None:
    async with SdkClient(service.url) as client, SdkClient(service.url):
        await client.start(interim_results="yes")
        await client.audio(quiet(300) + voiced(1000) + quiet(700))
        await client.until("RESULT")
        while not client.finals:
            await client.until("RESULT")
        status, body = await ask(service.url)
    assert status == 200
    assert (body["connections"], body["rounds"]) == (2, 1)
    assert body["engines"][0]["engine"] == "fake"
    speaker, idler = body["sessions"]
    assert idler["state"] == "idle"
    assert idler["engine"] is None
    assert speaker["id"] < idler["id"]
    assert speaker["state"] == "silence"
    assert speaker["peer"] == "127.0.0.1"
    assert speaker["mode"] == "continue"
    assert (speaker["property"], speaker["engine"]) == ("english_16k_common", "fake")
    assert speaker["audio_s"] == 2.0
    assert 0.5 < speaker["speech_ratio"] < 1.0
    assert speaker["backlog_s"] == 0
    assert speaker["last_final_s"] == speaker["p95_final_s"] >= 0
    assert speaker["rate"] > 0


async def test_thousands_of_sessions_hold_up_nobody(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    latencies = service.state.statistics
    many = [
        SessionStatistics(number, "continue", "127.0.0.1", 0.0, latencies, project="any")
        for number in range(10_000, 0, -1)
    ]
    for one in many:
        one.finals_s.extend([0.25] * 100)
    monkeypatch.setattr(Connections, "statistics", many)
    async with web_of(service) as web:
        for path in ("/sessions", "/v1/any/sessions"):
            with watched(monkeypatch) as held:
                answer = await web.get(path)
            numbers = [one["id"] for one in answer.json()["sessions"]]
            assert numbers == list(range(1, 10_001))
            assert max(held)[0] < MOST_HELD_MS


async def test_nothing_that_was_said_is_in_it(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start(interim_results="yes", user_words=["zanzibar"])
        await client.audio(quiet(300) + voiced(1000) + quiet(700))
        await client.until("RESULT")
        while not client.finals:
            await client.until("RESULT")
        words = client.text_of_finals.split()
        told = json.dumps((await ask(service.url))[1])
    assert words
    assert not any(word in told for word in [*words, "zanzibar"])


async def test_a_session_in_the_middle_of_a_sentence_is_told_to_speak(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start(interim_results="yes")
        await client.audio(quiet(300) + voiced(800))
        await client.until("RESULT")
        assert (await ask(service.url))[1]["sessions"][0]["state"] == "speech"


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"X-Forwarded-For": "203.0.113.9"}, "came from 203.0.113.9"),
        ({"Host": "rebound.example:8765"}, "was for 'rebound.example'"),
        ({"Host": "[::"}, "was for ''"),
    ],
)
async def test_nobody_but_this_machine_is_answered(
    service: Service, headers: dict[str, str], sentence: str
) -> None:
    status, body = await ask(service.url, **headers)
    assert status == 403
    assert sentence in body["error_msg"]
    assert "sessions" not in body


async def test_the_machine_may_be_called_by_any_of_its_own_names(service: Service) -> None:
    assert (await ask(service.url, Host="localhost"))[0] == 200


async def test_an_open_server_tells_this_machine_of_all_sessions_by_any_project(
    service: Service,
) -> None:
    async with SdkClient(service.url) as client, web_of(service) as web:
        await client.start(interim_results="yes")
        answer = await web.get("/v1/any/sessions")
        everything = (await ask(service.url))[1]["sessions"]
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["project_id"] == "any"
    [session] = told["sessions"]
    assert session.keys() == everything[0].keys()
    assert (session["state"], session["peer"]) == ("silence", "127.0.0.1")


async def test_an_open_server_tells_nobody_else_of_a_projects_sessions(service: Service) -> None:
    async with web_of(service) as web:
        answer = await web.get("/v1/any/sessions", headers={"host": "asr.example"})
    assert answer.status_code == 403
    assert answer.json()["error_code"] == "APIG.0302"
    assert "answers this machine by its own names alone" in answer.json()["error_msg"]
