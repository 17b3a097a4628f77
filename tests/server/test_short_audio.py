"""One-sentence recognition over HTTP: the text of the websocket, its bounds, its errors."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

import numpy as np
import pytest

from rasr.audio import FORMATS, Resampler, encode, read_audio
from rasr.media import DecodingKilled, Limits
from rasr.server.service import Service
from rasr.usage.meter import UsageRefused
from rasr.usage.services import Service as Kind
from tests.longer import mostly_long
from tests.media.files import ENCODED, amr_wb, bomb, encoded
from tests.processes import until
from tests.server.audio import noise, quiet, voiced
from tests.server.conftest import Held, fake_settings
from tests.server.event_loop import MOST_HELD_MS, watched
from tests.server.metered import Metered, metered
from tests.server.sdk import PROJECT, SdkClient
from tests.server.short_audio import PATH, body, post, streamed, told, transcribed, web_of

SPOKEN = quiet(300) + voiced(1400) + quiet(700) + voiced(900, seed=4) + quiet(300)
SAMPLES = np.frombuffer(SPOKEN, np.int16)


def pcm_of(data: bytes, folder: Path, rate: int) -> bytes:
    """A file as `rasr transcribe` sends it."""
    file = folder / "recording"
    file.write_bytes(data)
    return np.concatenate(list(read_audio(file, rate))).tobytes()


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("khz", mostly_long([8, 16], 16))
async def test_a_file_has_the_text_that_its_samples_have_on_the_websocket(
    service: Service, kind: str, khz: int, tmp_path: Path
) -> None:
    data = encoded(SAMPLES, kind)
    samples = pcm_of(data, tmp_path, khz * 1000)
    expected = await streamed(service, samples, f"pcm{khz}k16bit", khz, need_word_info="yes")
    assert len(expected["text"].split()) > 5
    for name in (kind.partition("-")[0], "auto"):
        assert await told(service, data, name, khz, need_word_info="yes") == expected


@pytest.mark.parametrize("name", FORMATS)
async def test_samples_have_the_text_that_they_have_on_the_websocket(
    service: Service, name: str
) -> None:
    chosen = FORMATS[name]
    resampler = Resampler(16000, chosen.sample_rate)
    samples = np.concatenate([resampler.feed(SAMPLES), resampler.flush()])
    data, khz = encode(samples, chosen.encoding), chosen.sample_rate // 1000
    expected = await streamed(service, data, name, khz)
    assert await told(service, data, name, khz) == expected
    assert set(expected) == {"text", "score"}
    assert 0 < expected["score"] <= 1


async def test_the_command_line_gives_the_same_text(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "recording.m4a"
    file.write_bytes(encoded(SAMPLES, "m4a"))
    result = await told(service, file.read_bytes(), "m4a")
    assert await transcribed(service, file) == result["text"]


async def test_an_answer_has_a_trace_id_and_the_id_of_its_request(service: Service) -> None:
    answer = await post(service, SPOKEN, "pcm16k16bit")
    assert set(answer.json()) == {"trace_id", "result"}
    assert len(answer.json()["trace_id"]) == 36
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["content-type"] == "application/json"


async def test_words_come_where_they_are_asked_for(service: Service) -> None:
    result = await told(service, SPOKEN, "pcm16k16bit", need_word_info="yes")
    assert " ".join(one["word"] for one in result["word_info"]) == result["text"]
    assert all(0 <= one["start_time"] < one["end_time"] <= 3600 for one in result["word_info"])


@pytest.mark.parametrize("data", [quiet(2000), b"\0\0"], ids=["silence", "a sample"])
async def test_where_nothing_is_said_the_text_is_empty(service: Service, data: bytes) -> None:
    assert (await told(service, data, "pcm16k16bit"))["text"] == ""


async def test_a_warning_says_what_is_very_likely_wrong(service: Service) -> None:
    answer = await post(service, SPOKEN, "pcm16k16bit", user_words=["Ada"])
    assert [one["warning"] for one in answer.json()["warnings"]] == ["hot_words"]
    quiet_one = await post(service, SPOKEN, "pcm16k16bit", user_words=["Ada"], warnings="no")
    assert "warnings" not in quiet_one.json()


# What is wrong

MINUTE = bytes(60 * 32000)
REFUSALS = {
    "no body": (b"", 400, "SIS.0032", "the body is empty"),
    "an array": (b"[]", 400, "SIS.0032", "no JSON object"),
    "deep": (b"[" * 9_000, 400, "SIS.0032", "nested too deeply"),
    "no data": (b'{"config":{}}', 400, "SIS.0012", "'data'"),
    "no property": (
        json.dumps({"config": {"audio_format": "wav"}, "data": "AAAA"}).encode(),
        400,
        "SIS.0012",
        "'property'",
    ),
    "language": (
        json.dumps(body(SPOKEN, "pcm16k16bit", property="chinese_16k_general")).encode(),
        400,
        "SIS.0031",
        "languages on this server: english",
    ),
    "vocabulary": (
        json.dumps(body(SPOKEN, "pcm16k16bit", vocabulary_id="none")).encode(),
        400,
        "SIS.0201",
        "'none'",
    ),
    "no detection": (
        json.dumps(body(SPOKEN, "pcm16k16bit", auto_language_detect="yes")).encode(),
        400,
        "SIS.0031",
        "'auto_language_detect' is not supported: no engine of this server finds out",
    ),
    "rate": (json.dumps(body(SPOKEN, "pcm16k16bit", 8)).encode(), 400, "SIS.0301", "match model"),
    "lie": (
        json.dumps(body(encoded(SAMPLES, "mp3"), "wav")).encode(),
        400,
        "SIS.0602",
        "is not 'wav', as declared; it seems to be 'mp3'",
    ),
    "band": (json.dumps(body(amr_wb(1), "amr")).encode(), 400, "SIS.0602", "'amrwb'"),
    "text": (json.dumps(body(b"hello " * 99)).encode(), 400, "SIS.0602", "is a text file"),
    "bomb": (json.dumps(body(bomb(), "aac")).encode(), 413, "SIS.0604", "more than 60 s"),
    "long file": (
        json.dumps(body(encoded(np.zeros(61 * 16000, np.int16), "flac"))).encode(),
        413,
        "SIS.0604",
        "more than 60 s of audio",
    ),
    "long samples": (
        json.dumps(body(MINUTE + b"\0\0", "pcm16k16bit")).encode(),
        413,
        "SIS.0604",
        "more than 60 s of audio",
    ),
    "very long samples": (
        json.dumps(body(MINUTE + MINUTE[:600_000], "pcm16k16bit")).encode(),
        413,
        "SIS.0604",
        "more than 60 s of audio",
    ),
    "long data": (
        json.dumps({"config": body(b"")["config"], "data": "A" * (4 << 20) + "AAAA"}).encode(),
        413,
        "SIS.0604",
        "4194304 characters of base64",
    ),
    "long body": (b'{"data":"' + b"A" * (5 << 20), 413, "SIS.0604", "the body has more than"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_is_wrong_is_told_in_the_way_of_sis(service: Service, name: str) -> None:
    sent, status, code, words = REFUSALS[name]
    async with web_of(service) as web:
        answer = await web.post(PATH, content=sent)
    told = answer.json()
    assert (answer.status_code, told["error_code"]) == (status, code), told
    assert words in told["error_msg"]
    assert told["request_id"] == answer.headers["x-request-id"]
    assert service.state.admission.recognitions == 0
    assert service.state.interfaces.counts["sentence-transcription"].failed_4xx == 1


async def test_a_minute_is_not_too_long(service: Service) -> None:
    assert (await told(service, MINUTE, "pcm16k16bit"))["text"] == ""
    minute = encoded(np.zeros(60 * 16000, np.int16), "flac")
    assert (await told(service, minute, "flac"))["text"] == ""


async def test_the_largest_body_does_not_hold_up_live_audio(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = encoded(np.frombuffer(noise(59_000), np.int16), "wav")
    assert len(base64.b64encode(filled)) > 2 << 20
    await told(service, SPOKEN, "pcm16k16bit")
    with watched(monkeypatch) as held:
        await told(service, filled, "wav")
    assert max(held)[0] < MOST_HELD_MS, max(held)


async def test_strict_settings_refuse_with_the_same_code() -> None:
    async with Service(fake_settings(session={"strict_audio_limit": True})) as service:
        answer = await post(service, MINUTE + b"\0\0", "pcm16k16bit")
    assert (answer.status_code, answer.json()["error_code"]) == (413, "SIS.0604")


async def test_an_engine_that_fails_is_no_fault_of_the_caller() -> None:
    engines: dict[str, object] = {"fake": {"kind": "fake", "options": {"test_samples": True}}}
    spoken = SAMPLES.copy()
    spoken[10_000] = 32001
    async with Service(fake_settings(engines=engines)) as service:
        answer = await post(service, spoken.tobytes(), "pcm16k16bit")
        assert (answer.status_code, answer.json()["error_code"]) == (500, "SIS.0305")
        assert service.state.statistics.failed["SIS.0305"] == 1
        assert (await told(service, SPOKEN, "pcm16k16bit"))["text"]


async def test_a_process_that_is_ended_from_outside_is_no_fault_of_the_file(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Limits] = []

    async def killed(decoder: object, limits: Limits) -> tuple[int, bytes]:
        tried.append(limits)
        raise DecodingKilled

    monkeypatch.setattr("rasr.media.decoding._Decoder.next_frame", killed)
    answer = await post(service, encoded(SAMPLES, "mp3"))
    assert (answer.status_code, answer.json()["error_code"]) == (500, "SIS.0100")
    assert "ended from outside, twice" in answer.json()["error_msg"]
    assert len(tried) == 2


# The language that is spoken


async def test_an_engine_that_finds_out_the_language_is_chosen() -> None:
    engines: dict[str, object] = {
        "fake": {"kind": "fake"},
        "polyglot": {"kind": "fake", "options": {"detected": "chinese", "prefix": "poly"}},
    }
    properties: dict[str, object] = {"english": "fake", "chinese": "polyglot"}
    async with Service(fake_settings(engines=engines, properties=properties)) as service:
        found = await told(service, SPOKEN, "pcm16k16bit", auto_language_detect="yes")
        plain = await told(service, SPOKEN, "pcm16k16bit", auto_language_detect="no")
    assert found["language"] == "chinese"
    assert all(word.startswith("poly") for word in found["text"].split())
    assert "poly" not in plain["text"]


# Sessions, admission, what is counted


async def test_a_call_is_a_session_like_others(service: Service, held: Held) -> None:
    call = asyncio.ensure_future(post(service, SPOKEN, "pcm16k16bit"))
    await until(lambda: bool(held))
    async with web_of(service) as web:
        seen = (await web.get("/sessions")).json()
    (session,) = seen["sessions"]
    assert (session["mode"], session["property"]) == ("one-sentence", "english_16k_common")
    assert (session["engine"], session["rounds"], session["audio_s"]) == ("fake", 1, 3.6)
    assert (seen["connections"], seen["rounds"]) == (1, 1)
    held.pop()()
    answer = await call
    assert session["trace_id"] == answer.json()["trace_id"]
    statistics = service.state.statistics
    assert (statistics.recognitions, dict(statistics.sessions)) == (1, {"NORMAL": 1})
    assert statistics.audio_s == pytest.approx(3.6)
    counted = service.state.interfaces.counts["sentence-transcription"]
    assert (counted.successful, counted.failed_4xx, counted.failed_5xx) == (1, 0, 0)
    assert service.state.connections.count == service.state.admission.recognitions == 0


async def test_a_server_that_is_full_says_so() -> None:
    async with Service(fake_settings(decoding={"max_rounds": 1})) as service:
        async with SdkClient(service.url) as client:
            await client.start()
            for data, name in ((SPOKEN, "pcm16k16bit"), (encoded(SAMPLES, "ogg"), "ogg")):
                answer = await post(service, data, name)
                assert (answer.status_code, answer.json()["error_code"]) == (429, "SIS.0312")
                assert "1 of 1 rounds are open" in answer.json()["error_msg"]
        await until(lambda: service.state.connections.count == 0)
        assert (await told(service, SPOKEN, "pcm16k16bit"))["text"]


async def test_whoever_leaves_gives_the_recognition_up(service: Service, held: Held) -> None:
    call = asyncio.ensure_future(post(service, SPOKEN, "pcm16k16bit"))
    await until(lambda: bool(held))
    assert service.state.admission.recognitions == 1
    call.cancel()
    await asyncio.wait({call})
    await until(lambda: service.state.connections.count == 0)
    assert service.state.admission.recognitions == 0
    assert dict(service.state.statistics.sessions) == {"disconnected": 1}


async def test_an_open_call_is_answered_before_the_server_stops(
    service: Service, held: Held
) -> None:
    async with web_of(service) as web:
        assert (await web.post(PATH, content=b"")).status_code == 400
        call = asyncio.ensure_future(post(service, SPOKEN, "pcm16k16bit"))
        await until(lambda: bool(held))
        stopping = asyncio.ensure_future(service.stop())
        await until(lambda: service.state.connections.closing)
        # On a connection that is open already: nobody else gets in.
        late = await web.post(PATH, json=body(SPOKEN, "pcm16k16bit"))
        assert (late.status_code, late.json()["error_code"]) == (503, "SIS.0303")
        assert "stopping" in late.json()["error_msg"]
        assert not stopping.done()
        held.pop()()
        assert (await call).json()["result"]["text"]
        await stopping


async def test_a_call_that_does_not_end_ends_with_the_server(
    held: Held,
) -> None:
    async with Service(fake_settings(server={"drain_s": 0.05})) as service:
        call = asyncio.ensure_future(post(service, SPOKEN, "pcm16k16bit"))
        await until(lambda: bool(held))
        await service.stop()
        await asyncio.wait({call})
        assert call.exception() is not None
        assert service.state.admission.recognitions == 0


# The meter


@pytest.mark.parametrize(
    ("is_frozen", "status", "code"), [(False, 429, "APIG.0308"), (True, 401, "SIS.0101")]
)
async def test_the_meter_is_asked_before_anything_is_decoded(
    service: Service, is_frozen: bool, status: int, code: str
) -> None:
    meter = metered(service, Metered(UsageRefused("no more", is_frozen=is_frozen)))
    answer = await post(service, b"no audio", "wav")
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert answer.json()["error_msg"] == "no more"
    assert meter.checked == [(None, Kind.ONE_SENTENCE)]
    assert meter.charges == []


async def test_a_project_of_the_path_that_nobody_has_shown_is_not_charged(service: Service) -> None:
    meter = metered(service, Metered())
    assert (await told(service, SPOKEN, "pcm16k16bit"))["text"]
    assert meter.charges == []
    assert PROJECT in PATH
