"""What `/languages` tells of languages that are served, and of those that are not."""

from __future__ import annotations

import pytest

from rasr.client import Options, StartRefused, connect
from rasr.models.catalogue import load
from rasr.models.languages import languages
from rasr.server.service import Service
from rasr.wire.sis.errors import ErrorCode
from tests.server.conftest import fake_settings
from tests.server.test_pages import client


async def told(**properties: object) -> list[dict[str, object]]:
    async with Service(fake_settings(properties=properties)) as service, client(service) as http:
        response = await http.get("/languages")
    assert response.headers["cache-control"] == "no-store"
    listed: list[dict[str, object]] = response.json()["languages"]
    return listed


async def test_every_language_that_can_be_had_is_told_with_the_command_that_brings_it() -> None:
    listed = await told()
    assert [one["language"] for one in listed] == [one.name for one in languages(load())]
    assert listed[0] == {
        "language": "chinese",
        "served": False,
        "model": "x-asr-480ms",
        "recommended": "x-asr-480ms",
        "download_mb": 134,
        "memory_mb": load().get("x-asr-480ms").memory_mb,
        "command": "rasr setup chinese",
    }


async def test_what_is_served_is_told_with_what_serves_it_and_what_is_recommended() -> None:
    english = (await told())[1]
    assert (english["language"], english["served"]) == ("english", True)
    assert (english["model"], english["recommended"]) == ("fake", "moonshine-tiny-en")


async def test_a_language_of_one_rate_is_served_and_a_second_pass_is_told() -> None:
    settings = fake_settings(
        engines={"better": {"kind": "fake", "options": {"prefix": "x"}}},
        properties={"chinese_8k": {"live": "fake", "final": "better"}},
    )
    async with Service(settings) as service, client(service) as http:
        chinese = (await http.get("/languages")).json()["languages"][0]
    assert (chinese["served"], chinese["model"]) == (True, "fake + better")


async def test_a_language_that_no_known_model_serves_is_told_without_a_command() -> None:
    last = (await told(klingon="fake"))[-1]
    assert last == {
        "language": "klingon",
        "served": True,
        "model": "fake",
        "recommended": None,
        "download_mb": None,
        "memory_mb": None,
        "command": None,
    }


async def test_pages_that_may_speak_may_read_it(service: Service) -> None:
    async with client(service) as http:
        friend = await http.get("/languages", headers={"origin": "http://localhost:3000"})
        stranger = await http.get("/languages", headers={"origin": "https://evil.example"})
    assert friend.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("chinese", "english; who runs it can add chinese: rasr setup chinese"),
        ("klingon", "english"),
    ],
)
async def test_a_language_that_is_refused_is_told_with_the_command_that_brings_it(
    service: Service, language: str, told: str
) -> None:
    with pytest.raises(StartRefused) as refused:
        async with connect(service.url, Options.of(f"{language}_16k_common")):
            pass
    assert refused.value.code is ErrorCode.UNSUPPORTED
    assert refused.value.error.error_msg.endswith(f"; languages on this server: {told}")
