"""Flash transcription for the official client, unmodified and signed, and for signed uploads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdksis.v1 import (
    RecognizeFlashAsrRequest,
    RecognizeFlashAsrResponse,
    SisClient,
)

from rasr.server.http import flash, late_answers
from rasr.server.service import Service
from rasr.usage.services import Service as Kind
from tests.identity.signing import PROJECT
from tests.media.files import encoded
from tests.server.audio import quiet, voiced
from tests.server.auth.conftest import READER_AK, READER_SK, Place, accounts, web_of
from tests.server.auth.test_official_client import client
from tests.server.conftest import fake_settings
from tests.server.flash import PATH
from tests.server.metered import Metered, metered

SPOKEN = quiet(300) + voiced(1400) + quiet(900) + voiced(900, seed=4) + quiet(300)
SAMPLES = np.frombuffer(SPOKEN, np.int16)
KEY = "data/a b+c中.wav"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A server whose bucket has recordings; the project of the calls alone may use it."""
    folder = tmp_path / "objects"
    (folder / "data").mkdir(parents=True)
    both = np.stack((SAMPLES, SAMPLES[::-1]), axis=1)
    (folder / KEY).write_bytes(encoded(both, "wav", layout="stereo"))
    (folder / "one.mp3").write_bytes(encoded(SAMPLES, "mp3"))
    buckets = {"calls": {"kind": "folder", "folder": str(folder), "projects": [PROJECT]}}
    settings = fake_settings(recordings={"folder": str(tmp_path / "spool"), "buckets": buckets})
    directory = accounts()
    async with Service(settings, directory) as service:
        async with web_of(service) as web:
            yield Place(service, directory, web)


def request(key: str, audio_format: str, **more: str) -> RecognizeFlashAsrRequest:
    return RecognizeFlashAsrRequest(
        _property="english_16k_conversation",
        audio_format=audio_format,
        obs_bucket_name="calls",
        obs_object_key=key,
        **more,
    )


async def recognised(sis: SisClient, asked: RecognizeFlashAsrRequest) -> RecognizeFlashAsrResponse:
    answer: RecognizeFlashAsrResponse = await asyncio.to_thread(sis.recognize_flash_asr, asked)
    return answer


async def test_a_recording_of_two_channels_is_recognised_and_charged(place: Place) -> None:
    meter = metered(place.service, Metered())
    answer = await recognised(client(place), request(KEY, "wav", need_word_info="yes"))
    assert len(answer.trace_id) == 36
    assert answer.audio_duration == 3800
    assert [one.channel_id for one in answer.flash_result] == [0, 1]
    for channel in answer.flash_result:
        assert len(channel.sentences) == 2
        for sentence in channel.sentences:
            assert 0 <= sentence.start_time < sentence.end_time <= 3800
            words = " ".join(one.word for one in sentence.result.word_info)
            assert words == sentence.result.text
            assert 0 < sentence.result.score <= 1
    (charge,) = meter.charges
    assert (charge.id, charge.service, charge.channels) == (answer.trace_id, Kind.FLASH, 2)
    assert charge.service.amount(charge.audio_s, charge.channels) == 8


async def test_blanks_before_the_answer_do_not_disturb_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash, "PROMPT_S", 0.0)
    monkeypatch.setattr(late_answers, "BLANK_S", 0.001)
    answer = await recognised(client(place), request("one.mp3", "mp3"))
    assert len(answer.flash_result[0].sentences) == 2


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (request("none.wav", "wav"), 400, "SIS.30003"),
        (request("one.mp3", "wav"), 400, "SIS.30006"),
        (request("one.mp3", "avi"), 400, "SIS.0032"),
        (request("one.mp3", "mp3", vocabulary_id="none"), 400, "SIS.0201"),
        (RecognizeFlashAsrRequest(_property="english_16k_common"), 400, "SIS.0012"),
    ],
)
async def test_each_error_has_its_code(
    place: Place, asked: RecognizeFlashAsrRequest, status: int, code: str
) -> None:
    with pytest.raises(ClientRequestException) as raised:
        await recognised(client(place), asked)
    assert (raised.value.status_code, raised.value.error_code) == (status, code)
    assert len(raised.value.request_id) == 32


async def test_who_may_only_read_may_not(place: Place) -> None:
    with pytest.raises(ClientRequestException) as raised:
        await recognised(client(place, READER_AK, READER_SK), request(KEY, "wav"))
    assert (raised.value.status_code, raised.value.error_code) == (403, "APIG.0302")


def _query() -> list[tuple[str, str]]:
    return [("audio_format", "wav"), ("property", "english_16k_common")]


async def _sent(place: Place, body: bytes, *, unsigned: bool = False) -> httpx.Response:
    url = f"{PATH}?" + "&".join(f"{name}={quote(value)}" for name, value in _query())
    sign = partial(place.signer.headers, "POST", PATH, body, query=_query())
    signed = sign(x_sdk_content_sha256="UNSIGNED-PAYLOAD") if unsigned else sign()
    return await place.web.post(url, content=body, headers=signed, timeout=None)


async def test_a_signed_body_is_recognised_and_held_no_longer_than_it_comes(place: Place) -> None:
    answer = await _sent(place, encoded(SAMPLES, "wav"))
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["flash_result"][0]["sentences"]) == 2
    assert place.service.state.authenticator.bodies.used_bytes == 0


async def test_a_body_past_what_can_be_signed_comes_unsigned(place: Place) -> None:
    body = encoded(np.concatenate([SAMPLES, np.zeros(6_500_000, np.int16)]), "wav")
    assert len(body) > 12 << 20
    signed = await _sent(place, body)
    assert (signed.status_code, signed.json()["error_code"]) == (413, "APIG.0201")
    answer = await _sent(place, body, unsigned=True)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["flash_result"][0]["sentences"]) == 2
