"""What jobs refuse, and what becomes of recordings that are none."""

from __future__ import annotations

import io
import json
import os
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.recordings.hosts import hanging, leading, saying, serving, without_end
from tests.server.jobs.place import JOBS, Asker, asking, job_settings, service_of, talk, url_of

RATE_BYTES = 32000
MOST_S = 3.0


@pytest.fixture
async def asker(tmp_path: Path) -> AsyncIterator[Asker]:
    settings = job_settings(
        tmp_path,
        recordings={"max_bytes": 200_000},
        jobs={"max_audio_s": MOST_S, "per_project": 3},
    )
    async with service_of(settings) as service, asking(service) as one:
        yield one


@pytest.mark.parametrize(
    ("body", "code", "sentence"),
    [
        ({}, "SIS.0012", "'config' and no 'data_url'"),
        ({"config": {"property": "english_16k_common"}}, "SIS.0012", "'data_url'"),
        ({"config": {}, "data_url": "http://x.example/a"}, "SIS.0012", "'property'"),
        ({"config": [], "data_url": "http://x.example/a"}, "SIS.0032", "'config'"),
        ({"config": {"property": "english_16k_common"}, "data_url": ""}, "SIS.0032", "'data_url'"),
        ({"config": {"property": "english_16k_common"}, "data_url": 7}, "SIS.0032", "'data_url'"),
        (
            {"config": {"property": "klingon_16k_common"}, "data_url": "http://x.example/a"},
            "SIS.0031",
            "languages on this server",
        ),
    ],
)
async def test_a_body_that_is_wrong_is_refused(
    asker: Asker, body: dict[str, object], code: str, sentence: str
) -> None:
    answer = await asker.web.post(JOBS, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert sentence in answer.json()["error_msg"]


@pytest.mark.parametrize(
    ("config", "code", "field"),
    [
        ({"audio_format": "v3_8k4bit"}, "SIS.0032", "audio_format"),
        ({"audio_format": "pcm8k16bit"}, "SIS.0301", "audio_format"),
        ({"add_punc": True}, "SIS.0032", "add_punc"),
        ({"callback_url": ""}, "SIS.0032", "callback_url"),
        ({"callback_url": "http://10.0.0.1/x"}, "SIS.0608", "10.0.0.1"),
        ({"vocabulary_id": "none"}, "SIS.0201", "vocabulary_id"),
        ({"need_analysis_info": 1}, "SIS.0032", "need_analysis_info"),
        ({"need_analysis_info": {"emotion": True}}, "SIS.0031", "diarization"),
    ],
)
async def test_a_field_that_is_wrong_is_refused(
    asker: Asker, config: dict[str, object], code: str, field: str
) -> None:
    answer = await asker.post("http://files.example/a.wav", **config)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert field in answer.json()["error_msg"]


@pytest.mark.parametrize(
    "url",
    ["obs://b", "obs:///k", "obs://b/\ud800", "obs://\ud800/k", "obs://b/../k", "obs://b/a\0"],
)
async def test_what_names_no_object_of_a_bucket_is_refused_at_once(asker: Asker, url: str) -> None:
    body = {"config": {"property": "english_16k_common"}, "data_url": url}
    answer = await asker.web.post(JOBS, content=json.dumps(body))
    assert (answer.status_code, answer.json()["error_code"]) == (400, "SIS.0032")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://files.example/",
        "http://10.0.0.1/a.wav",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/a.wav",
        "http://2130706433/",
        "http://user:password@files.example/",
        "not a url",
    ],
)
async def test_a_url_that_may_not_be_asked_is_refused_at_once(asker: Asker, url: str) -> None:
    answer = await asker.post(url)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "SIS.0608")


async def _failed(asker: Asker, url: str, **config: object) -> tuple[str, str]:
    """Code and sentence of a job that fails."""
    job = await asker.submit(url, **config)
    told = await asker.over(job)
    answer = await asker.show(job)
    assert answer.status_code == 400
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert told["status"] == "ERROR"
    assert told["create_time"] <= told["start_time"] <= told["finish_time"]
    assert "segments" not in told
    return told["error_code"], told["error_msg"]


async def test_a_redirect_to_where_nobody_may_ask_fails_the_job(asker: Asker) -> None:
    async with serving(leading("http://169.254.169.254/latest")) as host:
        code, sentence = await _failed(asker, url_of(host))
    assert code == "SIS.0608"
    assert "clouds" in sentence


async def test_a_recording_one_byte_too_large_fails_the_job(asker: Asker) -> None:
    async with serving(saying(bytes(200_001))) as host:
        assert (await _failed(asker, url_of(host)))[0] == "SIS.0537"


async def test_a_body_without_end_fails_the_job(asker: Asker) -> None:
    async with serving(without_end) as host:
        assert (await _failed(asker, url_of(host)))[0] == "SIS.0537"


async def test_a_page_in_place_of_a_recording_fails_the_job(asker: Asker) -> None:
    async with serving(saying(b"<!doctype html><p>sign in", Content_Type="text/html")) as host:
        assert (await _failed(asker, url_of(host), audio_format="auto"))[0] == "SIS.0609"


async def test_what_is_no_audio_fails_the_job(asker: Asker) -> None:
    async with serving(saying(os.urandom(5000))) as host:
        assert (await _failed(asker, url_of(host), audio_format="auto"))[0] == "SIS.30006"


async def test_a_file_of_another_kind_than_declared_fails_the_job(asker: Asker) -> None:
    async with serving(saying(_wav(bytes(RATE_BYTES)))) as host:
        code, sentence = await _failed(asker, url_of(host), audio_format="mp3")
    assert code == "SIS.30006"
    assert "'mp3'" in sentence


@pytest.mark.parametrize("audio_format", ["pcm16k16bit", "wav"])
async def test_a_sample_more_than_the_longest_fails_the_job(
    asker: Asker, audio_format: str
) -> None:
    longest = talk(3)[: round(MOST_S * RATE_BYTES)]
    for audio, is_longer in ((longest, False), (longest + bytes(2), True)):
        body = audio if audio_format != "wav" else _wav(audio)
        async with serving(saying(body)) as host:
            if is_longer:
                code, _ = await _failed(asker, url_of(host), audio_format=audio_format)
                assert code == "SIS.0537"
            else:
                job = await asker.submit(url_of(host), audio_format=audio_format)
                assert (await asker.over(job))["audio_duration"] == 1000 * MOST_S


async def test_less_than_a_tenth_of_a_second_fails_the_job(asker: Asker) -> None:
    async with serving(saying(bytes(3198))) as host:
        assert (await _failed(asker, url_of(host)))[0] == "SIS.30006"
    async with serving(saying(bytes(3200))) as host:
        told = await asker.over(await asker.submit(url_of(host)))
    assert (told["status"], told["segments"]) == ("FINISHED", [])


async def test_a_wav_that_claims_hours_has_what_is_in_it(asker: Asker) -> None:
    lying = bytearray(_wav(talk(1)))
    lying[40:44] = (0x7FFFFFFF).to_bytes(4, "little")
    async with serving(saying(bytes(lying))) as host:
        told = await asker.over(await asker.submit(url_of(host), audio_format="wav"))
    assert told["audio_duration"] == 2000


async def test_more_jobs_than_a_project_may_have_are_refused(asker: Asker) -> None:
    async with serving(hanging) as host:
        for number in range(3):
            await asker.submit(url_of(host, f"/{number}"))
        answer = await asker.post(url_of(host, "/3"))
        assert (answer.status_code, answer.json()["error_code"]) == (429, "SIS.0536")
        for job in asker.jobs:
            assert (await asker.web.delete(f"{JOBS}/{job}")).status_code == 204


@pytest.mark.parametrize("job", ["0" * 32, "nothing", "0" * 33, "%00", "ü"])
async def test_a_job_that_never_was_is_not_found(asker: Asker, job: str) -> None:
    for method in ("GET", "DELETE"):
        answer = await asker.web.request(method, f"{JOBS}/{job}")
        assert (answer.status_code, answer.json()["error_code"]) == (404, "SIS.0533")
        assert answer.json()["error_msg"].startswith("task id is not found")


def _wav(samples: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16000)
        out.writeframes(samples)
    return file.getvalue()
