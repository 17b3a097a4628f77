"""The five calls by the official client, unmodified and signed, over plain HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdksis.v1 import (
    CreateVocabularyRequest,
    DeleteVocabularyRequest,
    PostCreateVocabReq,
    PutUpdateVocabReq,
    ShowVocabulariesParams,
    ShowVocabulariesRequest,
    ShowVocabularyRequest,
    SisClient,
    UpdateVocabularyRequest,
)
from websockets.asyncio.client import connect

from rasr.server.service import Service
from rasr.settings import StoreSettings
from rasr.store.store import open_store
from tests.identity.signing import signed_headers
from tests.server.audio import quiet, voiced
from tests.server.vocabularies.conftest import Key, body, serving

SENTENCE = quiet(400) + voiced(1000) + quiet(900)


@pytest.fixture
async def service(store_settings: StoreSettings, keys: dict[str, Key]) -> AsyncIterator[Service]:
    async with serving(store_settings) as running:
        yield running


async def ask(call: Callable[[], Any]) -> Any:
    """What the client gives back, which waits for the answer."""
    return await asyncio.to_thread(call)


async def create(sis: SisClient, **changed: Any) -> str:
    request = CreateVocabularyRequest(body=PostCreateVocabReq(**body(**changed)))
    made: str = (await ask(lambda: sis.create_vocabulary(request))).vocabulary_id
    return made


async def update(sis: SisClient, vocabulary_id: str, **changed: Any) -> str:
    request = UpdateVocabularyRequest(vocabulary_id, body=PutUpdateVocabReq(**body(**changed)))
    made: str = (await ask(lambda: sis.update_vocabulary(request))).vocabulary_id
    return made


async def show(sis: SisClient, vocabulary_id: str) -> dict[str, Any]:
    found = await ask(lambda: sis.show_vocabulary(ShowVocabularyRequest(vocabulary_id)))
    told: dict[str, Any] = found.to_json_object()
    return told


async def delete(sis: SisClient, vocabulary_id: str) -> None:
    await ask(lambda: sis.delete_vocabulary(DeleteVocabularyRequest(vocabulary_id)))


async def listed(sis: SisClient, **asked: Any) -> tuple[int, list[str]]:
    """How many there are, and the names of some."""
    found = await ask(lambda: sis.show_vocabularies(ShowVocabulariesRequest(**asked)))
    return found.count, [one.name for one in found.result]


async def refusal(doing: Any) -> tuple[int, str, str]:
    """Status, code and sentence of what the client raises."""
    with pytest.raises(ClientRequestException) as raised:
        await doing
    error = raised.value
    assert len(error.request_id) == 32
    return error.status_code, error.error_code, error.error_msg


async def heard(service: Service, key: Key, **config: Any) -> str:
    """The text of a round on a websocket that is opened with this key, or its error."""
    path = f"/v1/{key.project}/rasr/continue-stream"
    signed = signed_headers(
        "GET",
        service.url[5:],
        path,
        now=service.state.authenticator.clock(),
        access=key.access,
        secret=key.secret,
    )
    signed.pop("Host")
    start = {"audio_format": "pcm16k16bit", "property": "english_16k_common", **config}
    async with connect(
        service.url + path, additional_headers=signed, proxy=None, compression=None
    ) as socket:
        await socket.send(json.dumps({"command": "START", "config": start}))
        first = json.loads(await socket.recv())
        if first["resp_type"] == "ERROR":
            return str(first["error_code"])
        await socket.send(SENTENCE)
        await socket.send('{"command":"END"}')
        text = ""
        while (message := json.loads(await socket.recv()))["resp_type"] != "END":
            for segment in message.get("segments", []):
                text += segment["result"]["text"]
        return text


async def test_a_vocabulary_is_made_shown_changed_listed_and_deleted(
    service: Service, keys: dict[str, Key]
) -> None:
    sis = keys["ann"].client(service)
    assert await listed(sis) == (0, [])
    made = await create(sis, description="who is who", contents=["张三", "Kaelith"])
    assert len(made) == 32
    assert await show(sis, made) == {
        "vocabulary_id": made,
        "name": "team",
        "language": "chinese_mandarin",
        "description": "who is who",
        "contents": ["张三", "Kaelith"],
    }
    changed = {"name": "Team_2-#", "language": "english", "contents": ["Doctor Kaelith"]}
    assert await update(sis, made, **changed) == made
    assert await show(sis, made) == {"vocabulary_id": made, "description": "", **changed}
    assert await listed(sis) == (1, ["Team_2-#"])
    await delete(sis, made)
    assert await listed(sis) == (0, [])
    assert (await refusal(show(sis, made)))[:2] == (400, "SIS.0201")


async def test_pages_are_counted_and_a_name_is_looked_for(
    service: Service, keys: dict[str, Key]
) -> None:
    sis = keys["ann"].client(service)
    for name in "vwxyz":
        await create(sis, name=name)
    assert await listed(sis, limit=2, offset=1) == (5, ["x", "y"])
    assert await listed(sis, limit=2, offset=2) == (5, ["z"])
    assert await listed(sis, limit=2, offset=9) == (5, [])
    assert await listed(sis, body=ShowVocabulariesParams(name="y")) == (1, ["y"])
    assert await listed(sis, body=ShowVocabulariesParams(name="a")) == (0, [])
    for asked in ({"limit": 0}, {"limit": -1}, {"offset": -1}, {"limit": 10**30}):
        code, sentence = (await refusal(listed(sis, **asked)))[1:]
        assert code == "SIS.0032"
        assert f"'{next(iter(asked))}' is invalid" in sentence


async def test_limits_have_codes_of_their_own(service: Service, keys: dict[str, Key]) -> None:
    sis = keys["ann"].client(service)
    first = await create(sis)
    for changed, code in (
        ({"name": "a" * 33}, "SIS.0032"),
        ({"name": ""}, "SIS.0032"),
        ({"description": "d" * 256}, "SIS.0032"),
        ({"language": "klingon"}, "SIS.0205"),
        ({"contents": []}, "SIS.0032"),
        ({"contents": ["two words"]}, "SIS.0203"),
        ({"name": None}, "SIS.0012"),
    ):
        for doing in (create(sis, **changed), update(sis, first, **changed)):
            assert (await refusal(doing))[:2] == (400, code), changed
    # Signed twice in one second the same request would be refused as a copy.
    taken = refusal(create(sis, description="second"))
    assert (await taken)[:2] == (400, "SIS.0204")
    for number in range(9):
        other = await create(sis, name=f"n{number}")
    assert (await refusal(update(sis, other)))[:2] == (400, "SIS.0204")
    refused = await refusal(create(sis, name="eleventh"))
    assert refused[:2] == (400, "SIS.0208")
    assert "10 vocabularies" in refused[2]
    # Of this project alone; and who deletes one has room again.
    await create(keys["bob"].client(service))
    await delete(sis, other)
    await create(sis, name="eleventh", description="again")
    assert (await listed(sis))[0] == 10


async def test_a_vocabulary_of_another_project_is_as_none(
    service: Service, keys: dict[str, Key]
) -> None:
    made = await create(keys["ann"].client(service))
    bob = keys["bob"].client(service)
    for use in (show, update, delete):
        foreign, none = await refusal(use(bob, made)), await refusal(use(bob, "0" * 32))
        assert foreign[:2] == none[:2] == (400, "SIS.0201")
        assert foreign[2].replace(made, "0" * 32) == none[2]
    assert await listed(bob) == (0, [])
    assert (await show(keys["ann"].client(service), made))["contents"] == ["华为"]


@pytest.mark.parametrize(
    "odd",
    [
        "{vocabulary_id}",
        "ü",
        "'; DROP TABLE vocabularies; --",
        "%00",
        "..%2f..",
        "\u202e",
        "a" * 999,
    ],
)
async def test_an_odd_id_is_an_unknown_one(
    service: Service, keys: dict[str, Key], odd: str
) -> None:
    sis = keys["ann"].client(service)
    for use in (show, update, delete):
        assert (await refusal(use(sis, odd)))[:2] == (400, "SIS.0201")


async def test_an_id_with_a_slash_is_another_path(service: Service, keys: dict[str, Key]) -> None:
    sis = keys["ann"].client(service)
    assert (await refusal(show(sis, "some/id")))[:2] == (404, "APIG.0101")


async def test_who_may_only_read_changes_nothing(service: Service, keys: dict[str, Key]) -> None:
    sis, reader = keys["ann"].client(service), keys["reader"].client(service)
    made = await create(sis)
    assert await listed(reader) == (1, ["team"])
    assert (await show(reader, made))["contents"] == ["华为"]
    for doing in (create(reader, name="x"), update(reader, made), delete(reader, made)):
        assert (await refusal(doing))[:2] == (403, "APIG.0302")


async def test_the_audit_says_who_changed_which_and_no_word(
    service: Service, keys: dict[str, Key], store_settings: StoreSettings
) -> None:
    ann = keys["ann"]
    sis = ann.client(service)
    made = await create(sis)
    await update(sis, made, contents=["Kaelith"])
    await refusal(update(sis, made, contents=["5G"]))
    await refusal(delete(sis, "0" * 32))
    await delete(sis, made)
    async with await open_store(store_settings, {}) as store:
        async with store.reading() as work:
            lines = await work.audit.newest(10)
    assert [(one.actor, one.action, one.target, one.project_id, one.address) for one in lines] == [
        (ann.user, f"sis:vocabulary:{what}", made, ann.project, "127.0.0.1")
        for what in ("delete", "update", "create")
    ]


async def test_a_round_has_the_hot_words_of_its_project_as_they_are_at_its_start(
    service: Service, keys: dict[str, Key], store_settings: StoreSettings
) -> None:
    ann, bob = keys["ann"], keys["bob"]
    sis = ann.client(service)
    made = await create(sis, contents=["Kaelith"])
    plain = await heard(service, ann)
    assert plain
    assert "kaelith" not in plain.lower()
    assert set((await heard(service, ann, vocabulary_id=made)).split()) == {"Kaelith"}
    assert await heard(service, bob, vocabulary_id=made) == "SIS.0201"
    assert await heard(service, ann, vocabulary_id="no such") == "SIS.0201"
    # The server that is asked is another one than the one where it was changed.
    async with serving(store_settings) as replica:
        assert set((await heard(replica, ann, vocabulary_id=made)).split()) == {"Kaelith"}
        for word in ("Thornvik", "Knightley"):
            await update(sis, made, contents=[word])
            for one in (replica, service):
                assert set((await heard(one, ann, vocabulary_id=made)).split()) == {word}
        await delete(sis, made)
        assert await heard(replica, ann, vocabulary_id=made) == "SIS.0201"


async def test_calls_are_counted_by_their_interface(service: Service, keys: dict[str, Key]) -> None:
    sis = keys["ann"].client(service)
    await create(sis)
    await refusal(create(sis, description="second"))
    await listed(sis)
    counted = service.state.interfaces.counts["vocabularies"]
    assert (counted.successful, counted.failed_4xx, counted.failed_5xx) == (2, 1, 0)
