"""Flash transcription: the sentences of a stream, per channel; sources, limits, late answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from rasr.audio import FORMATS, Resampler, encode
from rasr.recordings.reading import Recording
from rasr.runtime.runner import RecognitionRunner
from rasr.scheduling import Priority
from rasr.server.http import flash, late_answers
from rasr.server.service import Service
from rasr.tasks import given_up
from rasr.usage.meter import UsageRefused
from rasr.usage.services import Service as Kind
from rasr.wire.sis.flash import MOST_BYTES
from tests.media.files import ENCODED, bomb, encoded, wav_head
from tests.processes import until
from tests.server.audio import quiet, voiced
from tests.server.conftest import Held, fake_settings
from tests.server.flash import PATH, events_of, post, query, told
from tests.server.metered import Metered, metered
from tests.server.sdk import SdkClient
from tests.server.short_audio import web_of
from tests.server.test_short_audio import pcm_of

SPOKEN = quiet(300) + voiced(1400) + quiet(900) + voiced(900, seed=4) + quiet(300)
SAMPLES = np.frombuffer(SPOKEN, np.int16)
SILENT = np.frombuffer(quiet(3800, seed=9), np.int16)
STEREO = np.stack((SAMPLES, SILENT), axis=1)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
async def service(tmp_path: Path, spool: Path) -> AsyncIterator[Service]:
    """A server with a bucket that is a folder."""
    async with Service(with_bucket(tmp_path, spool)) as running:
        yield running


def with_bucket(folder: Path, spool: Path, **more: object) -> Any:
    (folder / "calls").mkdir(parents=True)
    buckets = {"calls": {"kind": "folder", "folder": str(folder / "calls")}}
    return fake_settings(recordings={"folder": str(spool), "buckets": buckets, **more})


async def streamed(service: Service, data: bytes, khz: int = 16) -> list[dict[str, Any]]:
    """The sentences of the same audio in continue mode."""
    async with SdkClient(service.url) as client:
        await client.start(
            audio_format=f"pcm{khz}k16bit",
            property=f"english_{khz}k_common",
            need_word_info="yes",
            vad_tail=500,
        )
        await client.audio(data)
        await client.end()
    return [
        {key: one[key] for key in ("start_time", "end_time", "result")} for one in client.finals
    ]


@pytest.mark.parametrize("kind", ENCODED)
@pytest.mark.parametrize("khz", [8, 16])
async def test_a_recording_has_the_sentences_that_its_samples_have_as_a_stream(
    service: Service, kind: str, khz: int, tmp_path: Path
) -> None:
    data = encoded(SAMPLES, kind)
    expected = await streamed(service, pcm_of(data, tmp_path, khz * 1000), khz)
    assert len(expected) == 2
    found = await told(service, data, query(kind.partition("-")[0], khz, need_word_info="yes"))
    assert set(found) == {"trace_id", "audio_duration", "flash_result"}
    assert found["flash_result"] == [{"channel_id": 0, "sentences": expected}]
    assert abs(found["audio_duration"] - 3800) < 150


@pytest.mark.parametrize("name", FORMATS)
async def test_samples_without_a_head_are_read_as_declared(service: Service, name: str) -> None:
    chosen = FORMATS[name]
    resampler = Resampler(16000, chosen.sample_rate)
    samples = np.concatenate([resampler.feed(SAMPLES), resampler.flush()])
    found = await told(
        service, encode(samples, chosen.encoding), query(name, chosen.sample_rate // 1000)
    )
    assert found["audio_duration"] == 3800
    assert len(found["flash_result"][0]["sentences"]) == 2


async def test_each_channel_has_its_own_sentences(service: Service) -> None:
    alone = (await told(service, encoded(SAMPLES, "wav"), query()))["flash_result"][0]["sentences"]
    for columns, speaks in (([0, 1], 0), ([1, 0], 1)):
        data = encoded(np.ascontiguousarray(STEREO[:, columns]), "wav", layout="stereo")
        found = (await told(service, data, query("wav")))["flash_result"]
        assert [one["channel_id"] for one in found] == [0, 1]
        assert found[speaks]["sentences"] == alone
        assert found[1 - speaks]["sentences"] == []


async def test_only_the_first_channel_where_that_is_asked_for(service: Service) -> None:
    meter = metered(service, Metered())
    data = encoded(STEREO, "wav", layout="stereo")
    found = await told(service, data, query(first_channel_only="yes"))
    assert [one["channel_id"] for one in found["flash_result"]] == [0]
    assert len(found["flash_result"][0]["sentences"]) == 2
    assert not meter.charges


async def test_an_object_comes_out_of_a_bucket(service: Service, tmp_path: Path) -> None:
    (tmp_path / "calls" / "a b").mkdir()
    (tmp_path / "calls" / "a b" / "语音.ogg").write_bytes(encoded(SAMPLES, "ogg"))
    asked = query("opus", obs_bucket_name="calls", obs_object_key="a b/语音.ogg")
    found = await told(service, b"", asked)
    assert len(found["flash_result"][0]["sentences"]) == 2


async def test_decoding_gives_way_to_live_speech(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Priority] = []
    start = type(service.state.recognizer).start

    def seen(*given: Any, priority: Priority = Priority.LIVE, **more: Any) -> RecognitionRunner:
        asked.append(priority)
        return start(*given, priority=priority, **more)

    monkeypatch.setattr(type(service.state.recognizer), "start", seen)
    await told(service, SPOKEN, query("pcm16k16bit"))
    assert asked == [Priority.BATCH]


# What is wrong

BOTH = {"obs_bucket_name": "calls", "obs_object_key": "x.wav"}
REFUSALS: dict[str, tuple[bytes, dict[str, str], int, str, str]] = {
    "no parameters": (b"", {}, 400, "SIS.0012", "'audio_format' is invalid: it is missing"),
    "format": (b"", query("avi"), 400, "SIS.0032", "'audio_format' is invalid: it is 'avi'"),
    "flag": (
        b"",
        query(first_channel_only="1"),
        400,
        "SIS.0032",
        "'first_channel_only' is invalid: it is '1'; allowed: 'yes' or 'no'",
    ),
    "rate": (SPOKEN, query("pcm16k16bit", 8), 400, "SIS.0301", "match model"),
    "language": (
        SPOKEN,
        query() | {"property": "chinese_8k_common"},
        400,
        "SIS.0031",
        "languages on this server: english",
    ),
    "vocabulary": (SPOKEN, query(vocabulary_id="none"), 400, "SIS.0201", "'none'"),
    "nothing": (b"", query(), 400, "SIS.0012", "there is no recording; needed: obs_bucket_name"),
    "no key": (
        b"",
        query(obs_bucket_name="calls"),
        400,
        "SIS.0012",
        "'obs_object_key' is missing; needed with 'obs_bucket_name'",
    ),
    "no bucket": (b"", query(obs_object_key="x"), 400, "SIS.0012", "'obs_bucket_name' is missing"),
    "other bucket": (
        b"",
        query() | BOTH | {"obs_bucket_name": "others"},
        403,
        "SIS.0506",
        "gives this server no bucket 'others'",
    ),
    "no object": (b"", query() | BOTH, 400, "SIS.30003", "does not have the object"),
    "way out": (
        b"",
        query() | BOTH | {"obs_object_key": "../spool/x"},
        400,
        "SIS.0032",
        "the key of the object is",
    ),
    "lie": (
        encoded(SAMPLES, "mp3"),
        query("wav"),
        400,
        "SIS.30006",
        "is not 'wav', as declared; it seems to be 'mp3'",
    ),
    "text": (b"hello " * 99, query(), 400, "SIS.30006", "is a text file, not a recording"),
    "page": (b"<html><body>no" * 99, query(), 400, "SIS.30006", "is a text file"),
    "channels": (
        wav_head(channels=9, bytes_said=18_000) + bytes(18_000),
        query(),
        400,
        "SIS.0032",
        "has 9 channels; allowed: 8, or first_channel_only=yes",
    ),
    "bomb": (bomb(), query("aac"), 413, "SIS.0537", "too long; allowed: 120 minutes"),
}


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("name", [one for one in REFUSALS if one != "bomb"])
async def test_what_is_wrong_is_told_in_the_way_of_sis(
    service: Service, spool: Path, name: str, accept: str
) -> None:
    data, asked, status, code, words = REFUSALS[name]
    async with web_of(service) as web:
        answer = await web.post(PATH, params=asked, content=data, headers={"accept": accept})
    told = answer.json()
    assert (answer.status_code, told["error_code"]) == (status, code), told
    assert words in told["error_msg"]
    assert told["request_id"] == answer.headers["x-request-id"]
    assert left_in(spool) == 0
    assert service.state.connections.count == service.state.admission.recognitions == 0


async def test_a_recording_that_turns_out_to_be_too_long_is_refused(
    service: Service, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing of it says how long it is before it is decoded.
    monkeypatch.setattr(flash, "MOST_AUDIO_S", 2.0)
    data, asked, status, code, _ = REFUSALS["bomb"]
    answer = await post(service, data, asked)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert left_in(spool) == 0


async def test_a_head_that_claims_hours_changes_nothing(service: Service) -> None:
    data = wav_head(bytes_said=4_000_000_000) + SPOKEN
    found = await told(service, data, query("wav"))
    assert found["audio_duration"] == 3800
    assert len(found["flash_result"][0]["sentences"]) == 2


async def test_a_recording_that_is_too_long_by_its_size_is_not_begun(
    service: Service, tmp_path: Path
) -> None:
    with (tmp_path / "calls" / "x.wav").open("wb") as file:
        file.truncate(8000 * 7202)
    answer = await post(service, b"", query("ulaw8k8bit", 8) | BOTH)
    assert (answer.status_code, answer.json()["error_code"]) == (413, "SIS.0537")
    assert "allowed: 120 minutes" in answer.json()["error_msg"]
    assert service.state.statistics.recognitions == 0


async def test_a_body_is_not_taken_past_its_limit(service: Service, spool: Path) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1 << 20
            yield bytes(1 << 20)

    # Whether the client gets to read the answer is for the kernels to say.
    with suppress(httpx.HTTPError):
        answer = await post(service, endless(), query("pcm16k16bit"))
        assert answer.status_code == 413
    assert sent < MOST_BYTES + (32 << 20)
    await until(lambda: left_in(spool) == 0)


async def test_the_limit_of_bytes_is_told(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(flash, "MOST_BYTES", len(SPOKEN) - 1)
    answer = await post(service, SPOKEN, query("pcm16k16bit"))
    assert (answer.status_code, answer.json()["error_code"]) == (413, "SIS.0537")
    (tmp_path / "calls" / "x.wav").write_bytes(SPOKEN)
    answer = await post(service, b"", query("pcm16k16bit") | BOTH)
    assert (answer.status_code, answer.json()["error_code"]) == (413, "SIS.0537")


# What lasts


def fail(held: Held) -> None:
    """As if a fault of the server had ended the recognition."""
    (end,) = held
    assert isinstance(end, partial)
    end.args[0]._audience.listener.on_fault()


def left_in(spool: Path) -> int:
    """Recordings that lie there."""
    return len(list(spool.iterdir()))


async def test_blanks_before_a_late_answer_keep_a_client_waiting(
    service: Service, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash, "PROMPT_S", 0.0)
    monkeypatch.setattr(late_answers, "BLANK_S", 0.01)
    async with web_of(service) as web:
        asked = query("pcm16k16bit")
        async with web.stream("POST", PATH, params=asked, content=SPOKEN) as answer:
            assert answer.status_code == 200
            parts = answer.aiter_bytes()
            assert (await anext(parts)).strip() == b""
            await until(lambda: bool(held))
            held.pop()()
            body = b"".join([part async for part in parts])
    assert answer.headers["content-type"] == "application/json"
    assert len(httpx.Response(200, content=body).json()["flash_result"][0]["sentences"]) == 2


async def test_a_late_answer_that_fails_breaks_and_is_no_result(
    service: Service, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash, "PROMPT_S", 0.0)
    got = bytearray()

    async def read(answer: httpx.Response) -> None:
        async for part in answer.aiter_bytes():
            got.extend(part)

    async with web_of(service) as web:
        asked = query("pcm16k16bit")
        async with web.stream("POST", PATH, params=asked, content=SPOKEN) as answer:
            await until(lambda: bool(held))
            fail(held)
            with pytest.raises(httpx.RemoteProtocolError):
                await read(answer)
    assert b'"error_code": "SIS.0100"' in got


async def test_progress_is_told_where_events_are_asked_for(
    service: Service, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_answers, "TELL_S", 0.01)
    data = encoded(STEREO, "wav", layout="stereo")

    async def let_go() -> None:
        await until(lambda: len(held) == 2)
        for end in held:
            end()

    letting = asyncio.ensure_future(let_go())
    async with web_of(service) as web:
        answer = await web.post(
            PATH, params=query(), content=data, headers={"accept": "text/event-stream"}
        )
    await letting
    assert answer.headers["content-type"] == "text/event-stream"
    events = events_of(answer.text)
    names = [name for name, _ in events]
    assert names == ["progress"] * (len(names) - 1) + ["result"]
    told_percent = [one["percent"] for name, one in events if name == "progress"]
    assert told_percent == sorted(told_percent)
    assert told_percent[-1] == 100.0
    assert events[-2][1]["recognised_ms"] == 7600
    assert len(events[-1][1]["flash_result"][0]["sentences"]) == 2


async def test_a_failure_is_an_event_too(
    service: Service, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failed() -> None:
        await until(lambda: bool(held))
        fail(held)

    failing = asyncio.ensure_future(failed())
    async with web_of(service) as web:
        answer = await web.post(
            PATH,
            params=query("pcm16k16bit"),
            content=SPOKEN,
            headers={"accept": "text/event-stream"},
        )
    await failing
    name, data = events_of(answer.text)[-1]
    assert (name, data["error_code"]) == ("error", "SIS.0100")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("prompt_s", [30.0, 0.0])
async def test_whoever_leaves_gives_it_up(
    service: Service,
    held: Held,
    spool: Path,
    monkeypatch: pytest.MonkeyPatch,
    accept: str,
    prompt_s: float,
) -> None:
    monkeypatch.setattr(flash, "PROMPT_S", prompt_s)
    async with web_of(service) as web:
        call = asyncio.ensure_future(
            web.post(
                PATH,
                params=query("pcm16k16bit"),
                content=SPOKEN,
                headers={"accept": accept},
            )
        )
        await until(lambda: bool(held))
        assert left_in(spool) == 1
        assert service.state.connections.count == 1
        call.cancel()
        await asyncio.wait({call})
    await until(lambda: service.state.connections.count == 0 and not left_in(spool))
    assert dict(service.state.statistics.sessions) == {"given up": 1}


async def test_one_call_more_than_there_may_be_is_refused(
    service: Service, held: Held, tmp_path: Path
) -> None:
    most = service.settings.recordings.flash_calls
    async with web_of(service) as web:
        asked = query("pcm16k16bit")
        calls = [
            asyncio.ensure_future(web.post(PATH, params=asked, content=SPOKEN)) for _ in range(most)
        ]
        await until(lambda: len(held) == most)
        refused = await web.post(PATH, params=asked, content=SPOKEN)
        assert (refused.status_code, refused.json()["error_code"]) == (429, "SIS.0312")
        assert f"{most} of {most} calls of flash" in refused.json()["error_msg"]
        for end in held:
            end()
        answers = await asyncio.gather(*calls)
        assert {one.status_code for one in answers} == {200}
        held.clear()
        again = asyncio.ensure_future(web.post(PATH, params=asked, content=SPOKEN))
        await until(lambda: bool(held))
        held.pop()()
        assert (await again).status_code == 200


async def test_calls_whose_recordings_never_come_make_way_for_those_of_others(
    service: Service, held: Held, spool: Path
) -> None:
    most, never = service.settings.recordings.flash_calls, asyncio.Event()

    async def without_end() -> AsyncIterator[bytes]:
        yield SPOKEN
        await never.wait()

    asked = query("pcm16k16bit")
    of_one, of_another = ({"x-forwarded-for": f"203.0.113.{number}"} for number in (7, 8))
    async with web_of(service) as web:
        slow = [
            asyncio.ensure_future(
                web.post(PATH, params=asked, content=without_end(), headers=of_one)
            )
            for _ in range(most)
        ]
        await until(lambda: len(list(spool.rglob("recording"))) == most)
        refused = await web.post(PATH, params=asked, content=SPOKEN, headers=of_one)
        assert (refused.status_code, refused.json()["error_code"]) == (429, "SIS.0312")
        other = asyncio.ensure_future(
            web.post(PATH, params=asked, content=SPOKEN, headers=of_another)
        )
        await until(lambda: bool(held))
        held.pop()()
        assert (await other).status_code == 200
        # One of them alone has made way.
        await until(lambda: left_in(spool) == most - 1)
        await given_up(*slow)


async def test_an_open_call_is_answered_before_the_server_stops(
    service: Service, held: Held
) -> None:
    call = asyncio.ensure_future(post(service, SPOKEN, query("pcm16k16bit")))
    await until(lambda: bool(held))
    stopping = asyncio.ensure_future(service.stop())
    await until(lambda: service.state.connections.closing)
    assert not stopping.done()
    held.pop()()
    assert (await call).status_code == 200
    await stopping


async def test_what_a_killed_server_left_is_removed(tmp_path: Path, spool: Path) -> None:
    os.makedirs(spool / "left")
    os.chmod(spool, 0o700)
    async with Service(with_bucket(tmp_path, spool)):
        assert left_in(spool) == 0


async def test_without_a_folder_live_speech_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rasr").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    async with Service(fake_settings()) as service:
        answer = await post(service, SPOKEN, query("pcm16k16bit"))
        assert (answer.status_code, answer.json()["error_code"]) == (500, "SIS.0100")
        assert await streamed(service, SPOKEN)


# The meter


async def test_a_project_that_may_not_is_refused_before_anything_is_fetched(
    service: Service,
) -> None:
    meter = metered(service, Metered(UsageRefused("the quota is used up")))
    answer = await post(service, SPOKEN, query("pcm16k16bit"))
    assert (answer.status_code, answer.json()["error_code"]) == (429, "APIG.0308")
    assert meter.checked == [(None, Kind.FLASH)]


def test_what_a_recording_may_take_grows_with_its_length() -> None:
    short, long = (Recording(Path("x"), FORMATS["pcm16k16bit"], s).limits for s in (60, 7200))
    assert (short.audio_s, long.audio_s) == (60, 7200)
    assert short.processor_s < long.processor_s < 200


# Review


async def test_what_a_review_looks_for_is_marked(tmp_path: Path, spool: Path) -> None:
    async with Service(with_bucket(tmp_path, spool)) as service:
        plain = (await told(service, SPOKEN, query("pcm16k16bit", need_word_info="yes")))[
            "flash_result"
        ][0]["sentences"]
    wanted = plain[1]["result"]["word_info"][0]
    lists = {"names": {"words": [wanted["word"]]}, "others": {"words": ["x"], "projects": ["p"]}}
    settings = with_bucket(tmp_path / "again", tmp_path / "spool2", word_lists=lists)
    async with Service(settings) as service:
        found = (await told(service, SPOKEN, query("pcm16k16bit")))["flash_result"][0]["sentences"]
    marks = [mark for one in found for mark in one["result"].get("marks", [])]
    assert wanted["word"] in {one["text"] for one in marks}
    assert {one["name"] for one in marks} == {"names"}
    assert found[1]["result"]["marks"][0]["start_time"] == wanted["start_time"]
    assert all("word_info" not in one["result"] for one in found)
