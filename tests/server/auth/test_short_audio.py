"""One-sentence recognition for the official client, unmodified and signed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from typing import IO

import numpy as np
import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdksis.v1 import (
    Config,
    PostShortAudioReq,
    RecognizeShortAudioRequest,
    RecognizeShortAudioResponse,
    SisClient,
)

from rasr.audio import FORMATS, FileFormat, Resampler, encode
from rasr.identity.principals import Principal
from rasr.media import Limits
from rasr.usage.meter import Charge, UsageRefused
from rasr.usage.services import Service as Kind
from tests.identity.signing import PROJECT
from tests.media.files import ENCODED, amr_wb, encoded
from tests.server.audio import quiet, voiced
from tests.server.auth.conftest import OTHER, READER_AK, READER_SK, Place
from tests.server.auth.test_official_client import client
from tests.server.auth.test_tokens import ask
from tests.server.short_audio import body

SPOKEN = quiet(300) + voiced(1400) + quiet(300)
SAMPLES = np.frombuffer(SPOKEN, np.int16)


def request(
    data: bytes | str, audio_format: str, khz: int = 16, **config: object
) -> RecognizeShortAudioRequest:
    wanted = Config(audio_format=audio_format, _property=f"english_{khz}k_common", **config)
    if isinstance(data, bytes):
        data = base64.b64encode(data).decode()
    return RecognizeShortAudioRequest(body=PostShortAudioReq(config=wanted, data=data))


async def recognised(
    sis: SisClient, data: bytes, audio_format: str, khz: int = 16, **config: object
) -> RecognizeShortAudioResponse:
    asked = request(data, audio_format, khz, **config)
    answer: RecognizeShortAudioResponse = await asyncio.to_thread(sis.recognize_short_audio, asked)
    return answer


async def refusal(sis: SisClient, asked: RecognizeShortAudioRequest) -> ClientRequestException:
    with pytest.raises(ClientRequestException) as raised:
        await asyncio.to_thread(sis.recognize_short_audio, asked)
    found: ClientRequestException = raised.value
    assert len(found.request_id) == 32
    return found


def coded(name: str) -> bytes:
    chosen = FORMATS[name]
    resampler = Resampler(16000, chosen.sample_rate)
    samples = np.concatenate([resampler.feed(SAMPLES), resampler.flush()])
    return encode(samples, chosen.encoding)


async def test_files_wait_behind_those_of_projects_with_fewer(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = place.service.state.audio_files
    pieces, callers = files.pieces, []

    def asked(
        file: IO[bytes], declared: FileFormat, rate: int, limits: Limits, caller: str = ""
    ) -> AsyncGenerator[bytes, None]:
        callers.append(caller)
        return pieces(file, declared, rate, limits, caller)

    monkeypatch.setattr(files, "pieces", asked)
    await recognised(client(place), encoded(SAMPLES, "wav"), "wav")
    assert callers == [PROJECT]


@pytest.mark.parametrize("kind", [*FORMATS, *ENCODED, "auto"])
async def test_every_format_is_recognised(place: Place, kind: str) -> None:
    khz = 8 if "8k" in kind or kind == "amr" else 16
    data = coded(kind) if kind in FORMATS else encoded(SAMPLES, "mp3" if kind == "auto" else kind)
    answer = await recognised(client(place), data, kind.partition("-")[0], khz)
    assert len(answer.trace_id) == 36
    assert len(answer.result.text.split()) > 3
    assert 0 < answer.result.score <= 1
    assert answer.result.word_info is None


async def test_amr_of_the_wide_band_is_recognised(place: Place) -> None:
    answer = await recognised(client(place), amr_wb(2), "amrwb")
    assert isinstance(answer.result.text, str)


async def test_words_have_their_times(place: Place) -> None:
    answer = await recognised(
        client(place), SPOKEN, "pcm16k16bit", need_word_info="yes", add_punc="no", digit_norm="no"
    )
    words = answer.result.word_info
    assert [one.word for one in words] == answer.result.text.split()
    assert all(one.start_time < one.end_time for one in words)


PLAIN = request(SPOKEN, "pcm16k16bit")
REFUSALS: dict[str, tuple[RecognizeShortAudioRequest, int, str]] = {
    "no base64": (request("not base64!", "wav"), 400, "SIS.0032"),
    "no audio": (request("", "wav"), 400, "SIS.0032"),
    "no format": (request(SPOKEN, "mp4"), 400, "SIS.0032"),
    "no yes": (request(SPOKEN, "pcm16k16bit", add_punc="maybe"), 400, "SIS.0032"),
    "rate": (request(SPOKEN, "pcm8k16bit"), 400, "SIS.0301"),
    "vocabulary": (request(SPOKEN, "pcm16k16bit", vocabulary_id="none"), 400, "SIS.0201"),
    "detection": (request(SPOKEN, "pcm16k16bit", auto_language_detect="yes"), 400, "SIS.0031"),
    "samples as a file": (request(SPOKEN, "wav"), 400, "SIS.0602"),
    "another file": (request(encoded(SAMPLES, "flac"), "wav"), 400, "SIS.0602"),
    "too long": (request(bytes(61 * 32000), "pcm16k16bit"), 413, "SIS.0604"),
    "too much": (request("A" * (4 << 20) + "AAAA", "wav"), 413, "SIS.0604"),
    "far too much": (request("A" * (6 << 20), "wav"), 413, "SIS.0604"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_each_error_has_its_code(place: Place, name: str) -> None:
    asked, status, code = REFUSALS[name]
    error = await refusal(client(place), asked)
    assert (error.status_code, error.error_code) == (status, code), error.error_msg


async def test_what_is_missing_is_named(place: Place) -> None:
    sis = client(place)
    for sent, name in (
        (PostShortAudioReq(config=Config(audio_format="wav"), data="AAAA"), "'property'"),
        (PostShortAudioReq(data="AAAA"), "'config'"),
        (PostShortAudioReq(config=Config("wav", "english_16k_common")), "'data'"),
    ):
        error = await refusal(sis, RecognizeShortAudioRequest(body=sent))
        assert error.error_code == "SIS.0012"
        assert name in error.error_msg


async def test_who_may_only_read_may_not_recognise(place: Place) -> None:
    error = await refusal(client(place, READER_AK, READER_SK), PLAIN)
    assert (error.status_code, error.error_code) == (403, "APIG.0302")
    error = await refusal(client(place, project=OTHER), PLAIN)
    assert (error.status_code, error.error_code) == (401, "SIS.0101")


class Metered:
    """A meter that remembers."""

    def __init__(self) -> None:
        self.refuses: UsageRefused | None = None
        self.charges: list[Charge] = []

    async def check(self, principal: Principal | None, service: Kind) -> None:
        assert principal is not None
        if self.refuses is not None:
            raise self.refuses

    def charge(self, charge: Charge) -> None:
        self.charges.append(charge)


async def test_a_call_that_succeeds_is_charged_and_no_other(place: Place) -> None:
    meter = Metered()
    object.__setattr__(place.service.state, "meter", meter)
    sis = client(place)
    answer = await recognised(sis, SPOKEN, "pcm16k16bit")
    (charge,) = meter.charges
    assert charge.id == answer.trace_id
    assert (charge.principal.user_name, charge.principal.project_id) == ("alice", PROJECT)
    assert (charge.service, charge.audio_s) == (Kind.ONE_SENTENCE, 2.0)
    await refusal(sis, request(SPOKEN, "wav"))
    await refusal(sis, request(SPOKEN, "pcm16k16bit", vocabulary_id="none"))
    assert meter.charges == [charge]
    meter.refuses = UsageRefused("1000 of 1000 calls of this month are used")
    error = await refusal(sis, PLAIN)
    assert error.status_code == 429
    assert meter.charges == [charge]


async def test_a_token_does_as_a_signature(place: Place) -> None:
    token = (await ask(place)).headers["x-subject-token"]
    path, content = f"/v1/{PROJECT}/asr/short-audio", body(SPOKEN, "pcm16k16bit")
    answer = await place.web.post(path, json=content, headers={"x-auth-token": token})
    assert answer.json()["result"]["text"]
    answer = await place.web.post(path, json=content)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "APIG.0301")
