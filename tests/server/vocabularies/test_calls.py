"""The five calls without accounts, with bad bodies, and while the store is away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from huaweicloudsdksis.v1 import ShowVocabularyRequest

from rasr.server.service import Service
from rasr.settings import StoreSettings
from rasr.store.store import open_store
from rasr.usage.meter import UsageRefused
from rasr.wire.sis.vocabularies import MOST_WORDS
from tests.server.audio import quiet, voiced
from tests.server.auth.conftest import web_of
from tests.server.event_loop import MOST_HELD_MS, watched
from tests.server.sdk import PROJECT, SdkClient
from tests.server.vocabularies.conftest import Key, body, serving

SENTENCE = quiet(400) + voiced(1000) + quiet(900)
TABLES = f"/v1/{PROJECT}/asr/vocabularies"
BAD_BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the body is empty"),
    "no JSON": (b"{", "the body is not JSON"),
    "no object": (b'["team"]', "no JSON object"),
    "no UTF-8": (b'{"name":"\xff"}', "the body is not JSON"),
    "deep": (b'{"contents":' + b"[" * 9000, "the body is not JSON"),
    "many": (json.dumps(body(contents=["a"] * 20_001)).encode(), "allowed: 20000"),
    "a number": (json.dumps(body(contents=[float(1 << 80)])).encode(), "'contents' is invalid"),
    "a surrogate": (b'{"name":"\\ud800","language":"english","contents":["a"]}', "'name'"),
}


@dataclass
class Place:
    """A server without accounts."""

    service: Service
    web: httpx.AsyncClient
    store: StoreSettings

    @property
    def file(self) -> Path:
        assert self.store.url is not None
        return Path(self.store.url.removeprefix("sqlite:///"))

    async def made(self, path: str = TABLES, **changed: Any) -> str:
        answer = await self.web.post(path, json=body(**changed))
        assert answer.status_code == 200, answer.text
        made: str = answer.json()["vocabulary_id"]
        return made

    async def heard(self, **config: Any) -> set[str]:
        """The words of a round."""
        async with SdkClient(self.service.url) as client:
            await client.start(**config)
            await client.audio(SENTENCE)
            await client.end()
        return set(client.text_of_finals.split())


@pytest.fixture
async def place(sqlite_settings: StoreSettings) -> AsyncIterator[Place]:
    async with serving(sqlite_settings, vocabularies={"team": ["Elinor"]}) as service:
        async with web_of(service) as web:
            yield Place(service, web, sqlite_settings)


def is_refused(answer: httpx.Response, status: int, code: str) -> str:
    """The sentence of a refusal, which has all that those of SIS have."""
    told = answer.json()
    assert (answer.status_code, told["error_code"]) == (status, code), told
    assert told["request_id"] == answer.headers["x-request-id"]
    sentence: str = told["error_msg"]
    return sentence


async def test_a_server_without_accounts_makes_a_store_with_the_first_vocabulary(
    place: Place,
) -> None:
    assert (await place.web.get(TABLES)).json() == {"count": 0, "result": []}
    is_refused(await place.web.get(f"{TABLES}/{'0' * 32}"), 400, "SIS.0201")
    is_refused(await place.web.delete(f"{TABLES}/{'0' * 32}"), 400, "SIS.0201")
    assert not place.file.exists()
    made = await place.made(contents=["Kaelith"])
    assert place.file.exists()
    assert await place.heard(vocabulary_id=made) == {"Kaelith"}
    assert (await place.web.get(TABLES)).json()["count"] == 1
    # It has a project now, and nobody who could call: it asks nobody still.
    assert (await place.web.get("/properties")).json()["sign_in"] == "none"
    other = TABLES.replace(PROJECT, "f" * 32)
    assert (await place.web.get(other)).json() == {"count": 0, "result": []}
    is_refused(await place.web.get(f"{other}/{made}"), 400, "SIS.0201")
    deleted = await place.web.delete(f"{TABLES}/{made}")
    assert (deleted.status_code, deleted.content) == (200, b"")


async def test_vocabularies_stay_with_their_project_when_accounts_come(place: Place) -> None:
    made = await place.made("/v1/my-project/asr/vocabularies", contents=["Kaelith"])
    async with await open_store(place.store, {}) as store:
        async with store.writing() as work:
            project = await work.projects.get("default", "my-project")
            user = await work.users.create("default", "ann", "", 0.0)
            policy = await work.policies.get("SIS FullAccess")
            await work.policies.attach(policy, user, None, 0.0)
            key, secret = await work.keys.create(user, project, "", 0.0)
    is_refused(await place.web.get("/v1/my-project/asr/vocabularies"), 401, "APIG.0301")
    sis = Key(user.id, project.id, key.id, secret).client(place.service)
    found = await asyncio.to_thread(sis.show_vocabulary, ShowVocabularyRequest(made))
    assert found.contents == ["Kaelith"]


async def test_a_project_of_the_command_line_is_found_by_its_name_and_by_its_id(
    place: Place,
) -> None:
    async with await open_store(place.store, {}, make=True) as store:
        async with store.writing() as work:
            project = await work.projects.create("default", "north", "", 0.0)
    made = await place.made("/v1/north/asr/vocabularies")
    for name in ("north", project.id):
        found = await place.web.get(f"/v1/{name}/asr/vocabularies/{made}")
        assert found.json()["contents"] == ["华为"]


@pytest.mark.parametrize("project", ["a" * 33, "a.b", "%00", "a%20b", "中", "';--", "{x}"])
async def test_a_path_names_a_project_that_can_be_one(place: Place, project: str) -> None:
    path = f"/v1/{project}/asr/vocabularies"
    for answer in (
        await place.web.get(path),
        await place.web.post(path, json=body()),
        await place.web.get(f"{path}/x"),
        await place.web.put(f"{path}/x", json=body()),
        await place.web.delete(f"{path}/x"),
    ):
        assert "'project_id' is invalid" in is_refused(answer, 400, "SIS.0032")
    assert not place.file.exists()


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_a_body_that_is_none_is_told_why(place: Place, name: str) -> None:
    content, told = BAD_BODIES[name]
    for answer in (
        await place.web.post(TABLES, content=content),
        await place.web.put(f"{TABLES}/x", content=content),
    ):
        assert told in is_refused(answer, 400, "SIS.0032")
    if content:
        answer = await place.web.request("GET", TABLES, content=content)
        assert answer.status_code in (200, 400)
        if answer.status_code == 400:
            is_refused(answer, 400, "SIS.0032")


async def test_a_body_has_a_bound(place: Place) -> None:
    long = json.dumps(body(description="d" * (256 << 10))).encode()
    is_refused(await place.web.post(TABLES, content=long), 413, "APIG.0201")


async def test_a_name_in_the_body_of_a_list_is_a_filter(place: Place) -> None:
    for name in ("a", "b"):
        await place.made(name=name)
    answer = await place.web.request("GET", TABLES, json={"name": "b"})
    assert [one["name"] for one in answer.json()["result"]] == ["b"]
    answer = await place.web.request("GET", f"{TABLES}?limit=1&offset=1", json={})
    assert (answer.json()["count"], answer.json()["result"][0]["name"]) == (2, "b")
    assert (await place.web.request("HEAD", TABLES)).status_code == 200
    answer = await place.web.patch(TABLES)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "APIG.0101")
    assert answer.json()["error_msg"].startswith("PATCH is not served at")


async def test_a_page_of_strangers_changes_nothing(place: Place) -> None:
    stranger = {"origin": "https://evil.example"}
    answer = await place.web.post(TABLES, json=body(), headers=stranger)
    is_refused(answer, 403, "APIG.0302")
    assert not place.file.exists()


async def test_lists_of_the_settings_are_for_every_project(place: Place) -> None:
    assert await place.heard(vocabulary_id="team") == {"Elinor"}
    assert (await place.web.get(TABLES)).json()["count"] == 0


async def test_words_of_start_come_behind_those_of_the_vocabulary(place: Place) -> None:
    made = await place.made(contents=["Kaelith"])
    found = await place.heard(vocabulary_id=made, user_words=["Kaelith"])
    assert found == {"Kaelith"}
    found = await place.heard(vocabulary_id=made, user_words=["Thornvik"])
    assert found <= {"Kaelith", "Thornvik"}
    assert "Thornvik" in found


async def test_many_writers_of_one_vocabulary_leave_the_words_of_one(place: Place) -> None:
    made = await place.made()
    lists = [[letter * 3 + other for other in "abcdefghij"] for letter in "pqrstuvw"]
    answers = await asyncio.gather(
        *(
            place.web.put(f"{TABLES}/{made}", json=body(contents=words, description=words[0]))
            for words in lists
        )
    )
    assert [one.status_code for one in answers] == [200] * len(lists)
    found = (await place.web.get(f"{TABLES}/{made}")).json()
    assert found["contents"] in lists
    assert found["description"] == found["contents"][0]


async def test_while_the_store_is_away_rounds_go_on_and_new_ones_with_its_words_wait(
    place: Place,
) -> None:
    made = await place.made(contents=["Kaelith"])
    async with SdkClient(place.service.url) as client, SdkClient(place.service.url) as second:
        await client.start(vocabulary_id=made)
        await client.audio(SENTENCE[: len(SENTENCE) // 2])
        away = place.file.rename(place.file.with_name("away.db"))
        await client.audio(SENTENCE[len(SENTENCE) // 2 :])
        await client.end()
        assert set(client.text_of_finals.split()) == {"Kaelith"}
        await second.start(vocabulary_id=made)
        error = await second.until("ERROR")
        assert error["error_code"] == "SIS.0001"
        assert str(away.parent) not in error["error_msg"]
        for answer in (
            await place.web.get(TABLES),
            await place.web.post(TABLES, json=body(name="x")),
            await place.web.put(f"{TABLES}/{made}", json=body()),
            await place.web.delete(f"{TABLES}/{made}"),
        ):
            assert str(away.parent) not in is_refused(answer, 500, "SIS.0001")
        # The connection is as it was, and so is every round that asks the store for nothing.
        second.state = "connected"
        await second.start()
        await second.audio(SENTENCE)
        await second.end()
        assert second.finals
        away.rename(place.file)
        await second.start(vocabulary_id=made)
        await second.audio(SENTENCE)
        await second.end()
        assert second.finals[-1]["result"]["text"].split()[0] == "Kaelith"


async def test_an_engine_that_knows_no_hot_words_says_so(sqlite_settings: StoreSettings) -> None:
    engines: dict[str, object] = {"fake": {"kind": "fake"}}
    async with serving(sqlite_settings, engines=engines) as service:
        async with web_of(service) as web:
            assert not (await web.get("/properties")).json()["properties"][0]["hot_words"]
            made = (await web.post(TABLES, json=body())).json()["vocabulary_id"]
        async with SdkClient(service.url) as client:
            await client.start(vocabulary_id=made)
            await client.audio(SENTENCE)
            await client.end()
    (warning,) = [one for one in client.messages if one.get("warning") == "hot_words"]
    assert "the 1 hot words have no effect" in warning["message"]
    assert client.finals


async def test_the_calls_are_free_for_a_project_that_may_use_nothing_else(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UsageRefused("the project is frozen", is_frozen=True)

    monkeypatch.setattr(type(place.service.state.meter), "check", refuse)
    monkeypatch.setattr(type(place.service.state.meter), "charge", refuse)
    made = await place.made()
    for answer in (
        await place.web.get(TABLES),
        await place.web.get(f"{TABLES}/{made}"),
        await place.web.put(f"{TABLES}/{made}", json=body(contents=["Kaelith"])),
        await place.web.delete(f"{TABLES}/{made}"),
    ):
        assert answer.status_code == 200


async def test_a_long_list_does_not_hold_the_event_loop(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = "abcdefghij"
    words = [
        f"{letters[n % 10]}{letters[n // 10 % 10]}{letters[n // 100 % 10]}{'kl'[n // 1000]} "
        + "e\u0301" * 19
        for n in range(MOST_WORDS)
    ]
    with watched(monkeypatch) as held:
        made = await place.made(language="english", contents=words)
        assert (await place.web.get(f"{TABLES}/{made}")).json()["contents"] == words
        await place.heard(vocabulary_id=made)
    assert len(held) > 100
    assert max(held)[0] < MOST_HELD_MS, max(held)


async def test_no_word_of_a_vocabulary_is_logged(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    made = await place.made(contents=["Kaelith"])
    await place.web.put(f"{TABLES}/{made}", json=body(contents=["Kaelith", "5G"]))
    await place.heard(vocabulary_id=made)
    logged = capfd.readouterr()
    assert "session_opened" in logged.out + logged.err
    assert "Kaelith" not in logged.out + logged.err
