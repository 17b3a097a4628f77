"""Pages of other origins with a token: what their browsers ask first, and what they may read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from rasr.server.auth.paths import RIGHTS, WEBSOCKET
from rasr.server.service import Service
from tests.identity.signing import PROJECT
from tests.server.auth.conftest import Place, accounts, refused, web_of
from tests.server.auth.test_tokens import ask
from tests.server.conftest import fake_settings

PAGE = "https://talk.example"
STRANGER = "https://evil.example"
VOICES = f"/v1/{PROJECT}/tts/voices"


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    directory = accounts()
    settings = fake_settings(server={"allowed_origins": (PAGE,)})
    async with Service(settings, directory) as service:
        async with web_of(service) as web:
            yield Place(service, directory, web)


async def preflight(
    place: Place, path: str, origin: str = PAGE, method: str = "GET"
) -> httpx.Response:
    """As browsers ask: without credentials."""
    asked = {"origin": origin, "access-control-request-method": method}
    headers = asked | {"access-control-request-headers": "x-auth-token"}
    return await place.web.options(path, headers=headers)


def names(answer: httpx.Response, header: str) -> set[str]:
    return {one.strip() for one in answer.headers[header].split(",")}


async def test_a_page_that_the_settings_name_may_ask_with_a_token(place: Place) -> None:
    answer = await preflight(place, VOICES)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["vary"] == "origin"
    assert names(answer, "access-control-allow-methods") == {"GET"}
    assert {"x-auth-token", "content-type"} <= names(answer, "access-control-allow-headers")
    assert answer.headers["access-control-max-age"] == "600"
    assert "access-control-allow-credentials" not in answer.headers
    assert "x-request-id" in answer.headers
    text = (await ask(place)).headers["x-subject-token"]
    told = await place.web.get(VOICES, headers={"origin": PAGE, "x-auth-token": text})
    assert told.status_code == 200
    assert told.headers["access-control-allow-origin"] == PAGE


async def test_a_page_that_is_named_reads_why_it_is_refused(place: Place) -> None:
    answer = await place.web.get(VOICES, headers={"origin": PAGE, "x-auth-token": "wrong"})
    assert "credentials are not valid" in refused(answer, 401, "APIG.0301")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert names(answer, "access-control-expose-headers") == {"retry-after", "x-request-id"}
    # As a page without a token, which needs no preflight.
    answer = await place.web.get(VOICES, headers={"origin": STRANGER})
    refused(answer, 401, "APIG.0301")
    assert "access-control-allow-origin" not in answer.headers


async def test_a_strangers_page_may_not_ask(place: Place) -> None:
    answer = await preflight(place, VOICES, STRANGER)
    sentence = refused(answer, 403, "APIG.0302")
    assert f"server.allowed_origins in its settings may name {STRANGER}" in sentence
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-headers" not in answer.headers


async def test_every_call_over_http_can_be_asked_for_but_tickets_and_metrics(place: Place) -> None:
    methods: dict[str, set[str]] = {}
    for method, path in RIGHTS:
        if method != WEBSOCKET:
            methods.setdefault(path, set()).add(method)
    for path, known in methods.items():
        filled = path.format(project_id=PROJECT, job_id="1", upload_id="1", part="0", id="1",
                             access_id="1", kind="srt")  # fmt: skip
        answer = await preflight(place, filled, method=min(known))
        if path in ("/metrics", "/v1/{project_id}/tickets"):
            assert answer.status_code == 401 or answer.status_code == 404, path
            assert "access-control-allow-origin" not in answer.headers, path
        else:
            assert names(answer, "access-control-allow-methods") == known, path


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": PAGE}, {"access-control-request-method": "GET"}],
)
async def test_options_that_no_browser_asks_are_not_served(
    place: Place, headers: dict[str, str]
) -> None:
    answer = await place.web.options(VOICES, headers=headers)
    refused(answer, 404, "APIG.0101")
    assert "access-control-allow-methods" not in answer.headers


async def test_without_accounts_a_page_sends_json_to_the_server_of_its_own_machine() -> None:
    async with Service(fake_settings()) as service, web_of(service) as web:
        place = Place(service, accounts(), web)
        path = "/v1/any/asr/short-audio"
        answer = await preflight(place, path, "http://localhost:3000", "POST")
        assert names(answer, "access-control-allow-methods") == {"POST"}
        refused(await preflight(place, path, STRANGER, "POST"), 403, "APIG.0302")
