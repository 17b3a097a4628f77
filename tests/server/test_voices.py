"""The list of voices over HTTP: who may ask, what is told, and what asking loads."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from rasr.client import AccessKey, CallRefused, CannotConnect, voices
from rasr.models import catalogue
from rasr.models.voice_list import list_voices
from rasr.server.service import Service
from rasr.synthesis.errors import EngineFailed
from rasr.synthesis.official import mapped, official_voices
from rasr.synthesis.pool import SpeechPool
from rasr.synthesis.voice import LIVE_COST
from tests.identity.signing import AK, PROJECT, SK
from tests.server.auth.conftest import READER_AK, READER_SK, accounts
from tests.server.conftest import fake_settings
from tests.server.short_audio import web_of
from tests.server.speaking import speaking

__all__ = ["speaking"]

PATH = f"/v1/{PROJECT}/tts/voices"

in_one_loop = pytest.mark.asyncio(loop_scope="module")


async def ask(service: Service, **headers: str) -> httpx.Response:
    async with web_of(service) as web:
        return await web.get(PATH, headers=headers)


async def document(service: Service) -> dict[str, Any]:
    answer = await ask(service)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@in_one_loop
async def test_asking_for_the_voices_loads_and_measures_them(speaking: Service) -> None:
    assert speaking.state.speech._pool is None
    first = await document(speaking)
    assert all(one["cost"] is one["real_time"] is None for one in first["voices"])
    assert speaking.state.speech._warming is not None
    await speaking.state.speech._warming
    measured = await document(speaking)
    for one in measured["voices"]:
        assert one["cost"] > 0
        assert one["real_time"] is (one["cost"] <= LIVE_COST)
    pool = await speaking.state.speech._started()
    asked = pool.asked
    await document(speaking)
    await speaking.state.speech._warming
    assert pool.asked == asked


@in_one_loop
async def test_it_is_the_list_of_the_command(speaking: Service) -> None:
    pool = await speaking.state.speech._started()
    listed = list_voices(pool.voices, {}, pool.costs, catalogue.load())
    assert await document(speaking) == json.loads(json.dumps(listed.document()))
    assert len(listed.official) == len(official_voices())


@in_one_loop
async def test_a_voice_that_is_too_slow_for_real_time_says_why(
    speaking: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = await speaking.state.speech._started()
    monkeypatch.setitem(pool._costs, pool.voices[-1].name, 2 * LIVE_COST)
    found = (await document(speaking))["voices"][-1]
    assert found["real_time"] is False
    assert "takes 1.0 s of processor time for a second of sound" in found["real_time_fault"]


@in_one_loop
async def test_nothing_is_measured_while_somebody_is_spoken_to(speaking: Service) -> None:
    speech = speaking.state.speech
    pool = await speech._started()
    costs = dict(pool.costs)
    pool._costs.clear()
    pool._texts += 1
    try:
        await document(speaking)
        assert speech._warming is not None
        await speech._warming
        assert pool.costs == {}
    finally:
        pool._texts -= 1
        pool._costs.update(costs)


@in_one_loop
async def test_pages_that_may_use_the_server_may_read_it(speaking: Service) -> None:
    page = "http://localhost:3000"
    assert (await ask(speaking, origin=page)).headers["access-control-allow-origin"] == page
    refused = await ask(speaking, origin="https://elsewhere.example")
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


@in_one_loop
async def test_the_client_reads_it(speaking: Service) -> None:
    pool = await speaking.state.speech._started()
    found = await voices(speaking.url)
    assert [one.name for one in found.voices] == [one.name for one in pool.voices]
    assert all(one.real_time is not None for one in found.voices)
    name = "chinese_xiaoyan_common"
    assert found.official[name] == mapped(name, pool.voices, {}).name
    assert found.official["arabic_dh_male"] is None


async def test_who_may_not_have_a_text_spoken_is_not_told() -> None:
    async with Service(fake_settings(), accounts()) as service:
        found = await voices(service.url, project_id=PROJECT, key=AccessKey(AK, SK))
        assert "espeak-female" in {one.name for one in found.voices}
        with pytest.raises(CannotConnect) as unknown:
            await voices(service.url, project_id=PROJECT)
        assert unknown.value.status == 401
        with pytest.raises(CallRefused, match="sis:tts:synthesize") as refused:
            await voices(service.url, project_id=PROJECT, key=AccessKey(READER_AK, READER_SK))
        assert refused.value.status == 403


async def test_nobody_there_is_one_sentence() -> None:
    with pytest.raises(CannotConnect, match=r"http://127\.0\.0\.1:1 cannot be asked"):
        await voices("ws://127.0.0.1:1", project_id="p")


async def test_workers_that_do_not_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: SpeechPool) -> None:
        raise EngineFailed("a process that speaks does not start")

    monkeypatch.setattr(SpeechPool, "start", fails)
    async with Service(fake_settings()) as service:
        answer = await ask(service)
    assert (answer.status_code, answer.json()["error_code"]) == (500, "SIS.0417")
