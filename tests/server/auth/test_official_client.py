"""The official client of the REST calls, unmodified, over plain HTTP on loopback.

What shows that the door lets a call in is that it is told that nothing is there, or that there is
no store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdksis.v1 import (
    CreateVocabularyRequest,
    DeleteVocabularyRequest,
    PostCreateVocabReq,
    PostCustomTTSReq,
    PutUpdateVocabReq,
    RecognizeFlashAsrRequest,
    RunTtsRequest,
    ShowVocabulariesRequest,
    ShowVocabularyRequest,
    SisClient,
    TtsConfig,
    UpdateVocabularyRequest,
)

from tests.identity.signing import AK, PROJECT, SK
from tests.server.auth.conftest import OTHER, READER_AK, READER_SK, Place
from tests.server.auth.test_tokens import ask

VOCABULARY = PostCreateVocabReq(name="team", language="chinese_mandarin", contents=["华为"])
CHANGED = PutUpdateVocabReq(name="team", language="chinese_mandarin", contents=["华为"])
CALLS: dict[str, Callable[[SisClient], object]] = {
    "create": lambda sis: sis.create_vocabulary(CreateVocabularyRequest(body=VOCABULARY)),
    "list": lambda sis: sis.show_vocabularies(ShowVocabulariesRequest(limit=2, offset=1)),
    "show": lambda sis: sis.show_vocabulary(ShowVocabularyRequest("some/id ü")),
    "update": lambda sis: sis.update_vocabulary(UpdateVocabularyRequest("id", body=CHANGED)),
    "delete": lambda sis: sis.delete_vocabulary(DeleteVocabularyRequest("id")),
    "no id": lambda sis: sis.delete_vocabulary(DeleteVocabularyRequest()),
    "flash": lambda sis: sis.recognize_flash_asr(
        RecognizeFlashAsrRequest(
            _property="chinese_8k_common",
            audio_format="wav",
            obs_bucket_name="bucket",
            obs_object_key="data/a b+c中.wav",
        )
    ),
    "tts": lambda sis: sis.run_tts(
        RunTtsRequest(body=PostCustomTTSReq(text="!", config=TtsConfig()))
    ),
}
BEHIND_THE_DOOR = {
    **dict.fromkeys(("create", "list", "update", "delete", "no id", "flash"), (400, "SIS.0031")),
    "tts": (400, "SIS.0415"),
}
"""What calls are told for which there is a service, but no store, no model, or nothing to say."""


def client(place: Place, access: str = AK, secret: str = SK, project: str = PROJECT) -> SisClient:
    endpoint = str(place.web.base_url).rstrip("/")
    config = HttpConfig.get_default_config()
    config.retry_times = 0
    return (
        SisClient.new_builder()
        .with_http_config(config)
        .with_credentials(BasicCredentials(access, secret, project))
        .with_endpoints([endpoint])
        .build()
    )


async def refusal(call: Callable[[SisClient], object], sis: SisClient) -> ClientRequestException:
    """What the client raises."""
    with pytest.raises(ClientRequestException) as raised:
        await asyncio.to_thread(call, sis)
    found: ClientRequestException = raised.value
    return found


@pytest.mark.parametrize("name", CALLS)
async def test_its_calls_come_in(place: Place, name: str) -> None:
    error = await refusal(CALLS[name], client(place))
    if name == "show":
        # Its id has a slash in it, and a path with one more part is none that there is.
        assert "at '/v1/" in error.error_msg
        assert error.error_msg.endswith(" by GET")
    assert (error.status_code, error.error_code) == BEHIND_THE_DOOR.get(name, (404, "APIG.0101"))
    assert len(error.request_id) == 32


@pytest.mark.parametrize("name", CALLS)
async def test_its_calls_with_a_wrong_secret_do_not(place: Place, name: str) -> None:
    error = await refusal(CALLS[name], client(place, secret="wrong"))
    wanted = (404, "APIG.0101") if name == "show" else (401, "APIG.0301")
    assert (error.status_code, error.error_code) == wanted


async def test_it_takes_a_token_of_this_server_in_place_of_a_key(place: Place) -> None:
    token = (await ask(place)).headers["x-subject-token"]
    keyless = client(place, "none", "none")
    call = keyless.show_vocabularies_invoker(ShowVocabulariesRequest())
    call.add_header("X-Auth-Token", token).add_header("Authorization", "")
    error = await refusal(lambda _: call.invoke(), keyless)
    assert (error.status_code, error.error_code) == BEHIND_THE_DOOR["list"]


async def test_it_is_told_of_another_project_and_of_rights(place: Place) -> None:
    error = await refusal(CALLS["list"], client(place, project=OTHER))
    assert (error.status_code, error.error_code) == (401, "SIS.0101")
    reader = client(place, READER_AK, READER_SK)
    assert (await refusal(CALLS["list"], reader)).error_code == "SIS.0031"
    error = await refusal(CALLS["delete"], reader)
    assert (error.status_code, error.error_code) == (403, "APIG.0302")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_any_name_of_the_server_may_be_signed(place: Place, name: str) -> None:
    sis = (
        SisClient.new_builder()
        .with_credentials(BasicCredentials(AK, SK, PROJECT))
        .with_endpoints([f"http://{name}:{place.web.base_url.port}"])
        .build()
    )
    assert (await refusal(CALLS["list"], sis)).error_code == "SIS.0031"
