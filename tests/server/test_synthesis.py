"""Speech synthesis over HTTP: what is asked, what is answered, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import wave
from typing import Any

import av
import numpy as np
import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdksis.v1 import PostCustomTTSReq, RunTtsRequest, TtsConfig

from rasr.server.http.speech import SoundCache
from rasr.server.service import Service
from rasr.settings import StoreSettings
from rasr.store.store import open_store
from rasr.synthesis.manner import PITCHES, SPEEDS, USUAL_VOLUME, VOLUMES
from rasr.synthesis.speech import Sound
from rasr.usage.meter import UsageRefused
from rasr.usage.services import Service as Kind
from rasr.wire.sis.kinds import WholeNumber
from rasr.wire.synthesis.request import POST_FIELDS, START_FIELDS
from tests.processes import until
from tests.server.conftest import fake_settings
from tests.server.event_loop import MOST_HELD_MS, watched
from tests.server.metered import Metered, metered
from tests.server.short_audio import web_of
from tests.server.speaking import CHINESE, ENGLISH, PATH, post, sound_of, speaking
from tests.server.vocabularies import conftest as of_store
from tests.server.vocabularies.conftest import Key, serving
from tests.synthesis.sounds import fundamental_hz, loudness

__all__ = ["speaking"]

keys, sqlite_settings, template = of_store.keys, of_store.sqlite_settings, of_store.template
in_one_loop = pytest.mark.asyncio(loop_scope="module")


def samples_of(data: bytes) -> tuple[int, Any]:
    """Rate and samples of a WAV file."""
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        frames = file.readframes(file.getnframes())
        assert len(frames) == 2 * file.getnframes()
        return file.getframerate(), np.frombuffer(frames, np.int16)


@in_one_loop
@pytest.mark.parametrize("rate", ["8000", "16000"])
async def test_a_text_is_answered_with_a_whole_file(speaking: Service, rate: str) -> None:
    answer = await post(speaking, CHINESE, sample_rate=rate)
    assert set(answer.json()) == {"trace_id", "result"}
    assert len(answer.json()["trace_id"]) == 36
    found, samples = samples_of(await sound_of(speaking, CHINESE, sample_rate=rate))
    assert found == int(rate)
    assert 2.0 < len(samples) / found < 6.0
    assert np.abs(samples).max() > 5000


@in_one_loop
async def test_without_a_configuration_it_is_a_wav_file_of_8_khz(speaking: Service) -> None:
    async with web_of(speaking) as web:
        answer = await web.post(PATH, json={"text": "Hello"})
        assert answer.status_code == 200
    assert samples_of(await sound_of(speaking, "Hello"))[0] == 8000


@in_one_loop
async def test_pcm_has_as_many_samples_as_the_wav_file(speaking: Service) -> None:
    _, samples = samples_of(await sound_of(speaking))
    # A voice's flutter goes on from text to text: the samples are others, and as many.
    assert len(await sound_of(speaking, audio_format="pcm")) == 2 * len(samples)


@in_one_loop
@pytest.mark.parametrize("rate", ["8000", "16000"])
async def test_mp3_is_mp3(speaking: Service, rate: str) -> None:
    _, samples = samples_of(await sound_of(speaking, sample_rate=rate))
    data = await sound_of(speaking, audio_format="mp3", sample_rate=rate)
    with av.open(io.BytesIO(data), "r") as file:
        (stream,) = file.streams.audio
        assert (file.format.name, stream.rate) == ("mp3", int(rate))
        seconds = sum(frame.samples for frame in file.decode(stream)) / int(rate)
    assert seconds == pytest.approx(len(samples) / int(rate), abs=0.3)


@in_one_loop
async def test_speed_pitch_and_volume_are_heard(speaking: Service) -> None:
    async def measured(**config: int) -> tuple[float, float, float]:
        rate, samples = samples_of(await sound_of(speaking, sample_rate="16000", **config))
        sound = Sound(samples, rate)
        return sound.seconds, fundamental_hz(sound), loudness(sound)

    usual = await measured()
    fast, high, loud = await asyncio.gather(
        measured(speed=500), measured(pitch=500), measured(volume=100)
    )
    assert fast[0] / usual[0] == pytest.approx(0.5, abs=0.1)
    assert high[1] / usual[1] == pytest.approx(2**0.5, rel=0.15)
    assert loud[2] / usual[2] == pytest.approx(2.0, rel=0.05)


@in_one_loop
async def test_names_of_the_service_speak_with_their_gender(speaking: Service) -> None:
    async def height_of(name: str) -> float:
        rate, samples = samples_of(await sound_of(speaking, property=name, sample_rate="16000"))
        return fundamental_hz(Sound(samples, rate))

    female, male = (
        await height_of("chinese_xiaoyan_common"),
        await height_of("english_alvin_common"),
    )
    assert female > 1.3 * male


@in_one_loop
async def test_the_language_of_the_name_is_spoken(speaking: Service) -> None:
    mandarin = await sound_of(speaking, CHINESE, property="chinese_xiaoyan_common")
    cantonese = await sound_of(speaking, CHINESE, property="cantonese_xiaoyan_common")
    assert len(mandarin) != len(cantonese)


@in_one_loop
async def test_a_voice_of_the_document_may_have_another_rate_than_the_call(
    speaking: Service,
) -> None:
    text = '<speak>One.<voice name="espeak-male">Two.</voice></speak>'
    _, samples = samples_of(await sound_of(speaking, text))
    assert len(samples) > 8000


def test_the_wire_allows_what_voices_can_do() -> None:
    for fields in (POST_FIELDS, START_FIELDS):
        for name, bounds in (("speed", SPEEDS), ("pitch", PITCHES), ("volume", VOLUMES)):
            kind = fields[name].kind
            assert isinstance(kind, WholeNumber)
            assert (kind.lowest, kind.highest) == bounds
        assert fields["volume"].default == USUAL_VOLUME


# Answers that stream


@in_one_loop
@pytest.mark.parametrize(
    ("audio_format", "media_type"),
    [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("pcm", "application/octet-stream")],
)
async def test_an_answer_may_be_the_sound_as_it_is_made(
    speaking: Service, audio_format: str, media_type: str
) -> None:
    answer = await post(speaking, stream="yes", audio_format=audio_format)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["transfer-encoding"] == "chunked"
    whole = await sound_of(speaking, audio_format=audio_format)
    if audio_format == "wav":
        # The length in its header is not known while it is made.
        assert answer.content[:4] == b"RIFF"
        assert samples_of(whole)[1].nbytes == len(answer.content) - 44
    else:
        assert len(answer.content) == pytest.approx(len(whole), rel=0.02)


@in_one_loop
async def test_a_long_text_is_heard_long_before_it_is_made(speaking: Service) -> None:
    pool = speaking.state.speech
    text = "This sentence is said again and again. " * 200
    async with (
        web_of(speaking) as web,
        web.stream("POST", PATH, json={"text": text, "config": {"stream": "yes"}}) as answer,
    ):
        before = pool.seconds
        async for part in answer.aiter_bytes():
            assert part
            break
        # Of ten minutes some seconds were made: who reads slowly slows the engine.
        assert pool.seconds - before < 200
        assert pool.open_texts == 1
    # Who leaves stops it.
    await until(lambda: pool.open_texts == 0)
    assert pool.seconds - before < 400


@in_one_loop
async def test_what_is_wrong_with_a_text_is_told_before_its_answer_streams(
    speaking: Service,
) -> None:
    answer = await post(speaking, "。。。", stream="yes")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "SIS.0415")


# What is wrong

BOMB = '<!DOCTYPE speak [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><speak>&b;</speak>'
REFUSALS: dict[str, tuple[object, int, str, str]] = {
    "nothing": (b"", 400, "SIS.0415", "the body is empty"),
    "no JSON": (b"{", 400, "SIS.0415", "the body is not JSON"),
    "an array": (b"[]", 400, "SIS.0415", "no JSON object"),
    "deep": (b"[" * 9_000, 400, "SIS.0415", "nested too deeply"),
    "no text": ({}, 400, "SIS.0012", "'text' is invalid: it is missing"),
    "null": ({"text": None}, 400, "SIS.0012", "'text' is invalid: it is missing"),
    "empty": ({"text": ""}, 400, "SIS.0415", "'text' is invalid: it is ''"),
    "a number": ({"text": 5}, 400, "SIS.0415", "'text' is invalid: it is 5"),
    "blanks": ({"text": "  "}, 400, "SIS.0415", "nothing to say in this text"),
    "marks": ({"text": "！？…"}, 400, "SIS.0415", "nothing to say in this text"),
    "emoji": ({"text": "😀😀"}, 400, "SIS.0415", "nothing to say in this text"),
    "control": ({"text": "\x00\x07"}, 400, "SIS.0415", "nothing to say in this text"),
    "halves": (b'{"text":"\\ud800\\udc"}', 400, "SIS.0415", "not JSON"),
    "half": (b'{"text":"\\ud800"}', 400, "SIS.0415", "nothing to say in this text"),
    "long": (
        {"text": "字" * 501},
        400,
        "SIS.0415",
        "the text has 501 characters; the most are 500",
    ),
    "longer": (
        {"text": "字" * 10_001, "config": {"stream": "yes"}},
        400,
        "SIS.0415",
        "the text has 10001 characters; the most are 10000",
    ),
    "config": ({"text": "a", "config": 5}, 400, "SIS.0415", "'config' is invalid: it is 5"),
    "format": (
        {"text": "a", "config": {"audio_format": "ogg"}},
        400,
        "SIS.0410",
        "'audio_format' is invalid: it is 'ogg'; allowed: 'wav' or 'mp3' or 'pcm'",
    ),
    "rate": (
        {"text": "a", "config": {"sample_rate": "44100"}},
        400,
        "SIS.0402",
        "'sample_rate' is invalid: it is '44100'; allowed: '8000' or '16000'",
    ),
    "rate as a number": (
        {"text": "a", "config": {"sample_rate": 8000}},
        400,
        "SIS.0402",
        "it is 8000; allowed: '8000' or '16000'",
    ),
    "voice": (
        {"text": "a", "config": {"property": "nobody"}},
        400,
        "SIS.0411",
        "'nobody' is no voice here",
    ),
    "language of a voice": (
        {"text": "a", "config": {"property": "arabic_dh_male"}},
        400,
        "SIS.0411",
        "no voice here speaks arabic",
    ),
    "language of a text": (
        {"text": "Доброе утро"},
        400,
        "SIS.0411",
        "the text is in cyrillic letters",
    ),
    "speed": (
        {"text": "a", "config": {"speed": 501}},
        400,
        "SIS.0415",
        "'speed' is invalid: it is 501; allowed: a whole number from -500 to 500",
    ),
    "pitch": ({"text": "a", "config": {"pitch": "0"}}, 400, "SIS.0415", "'pitch' is invalid"),
    "volume": ({"text": "a", "config": {"volume": 0.5}}, 400, "SIS.0415", "it is 0.5"),
    "entities": ({"text": BOMB}, 400, "SIS.0415", "no document type and no entities"),
    "entities in a document": (
        {"text": "<speak>&a;</speak>"},
        400,
        "SIS.0415",
        "SSML",
    ),
    "depth": (
        {"text": "<speak>" + "<p>" * 60 + "a" + "</p>" * 60 + "</speak>"},
        400,
        "SIS.0415",
        "16",
    ),
    "a voice of a document": (
        {"text": '<speak><voice name="nobody">a</voice></speak>'},
        400,
        "SIS.0411",
        "no voice 'nobody'",
    ),
}


@in_one_loop
@pytest.mark.parametrize("name", REFUSALS)
async def test_what_cannot_be_spoken_is_refused_with_a_reason(speaking: Service, name: str) -> None:
    body, status, code, sentence = REFUSALS[name]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with web_of(speaking) as web:
        answer = await web.post(PATH, content=content)
    told = answer.json()
    assert (answer.status_code, told["error_code"]) == (status, code), told
    assert sentence in told["error_msg"]
    assert told["request_id"] == answer.headers["x-request-id"]


@in_one_loop
@pytest.mark.parametrize(
    "text",
    [
        "a" * 500,
        "字" * 500,
        "😀" * 499 + "字",
        "9" * 500,
        "Hello 世界 こんにちは",
        "a\x00b\u202e c",
    ],
    ids=["letters", "characters", "pictures", "digits", "scripts", "control"],
)
async def test_what_is_odd_and_allowed_is_spoken(speaking: Service, text: str) -> None:
    _, samples = samples_of(await sound_of(speaking, text))
    assert len(samples) > 1000


@in_one_loop
async def test_a_body_as_long_as_a_book_is_refused(speaking: Service) -> None:
    answer = await post(speaking, "a" * 300_000)
    assert answer.status_code == 413


@in_one_loop
async def test_a_text_too_many_is_refused(
    speaking: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await speaking.state.speech._started()
    pool = speaking.state.speech._pool
    assert pool is not None
    full = pool.settings.model_copy(update={"workers": 1, "max_texts": 0})
    monkeypatch.setattr(pool, "settings", full)
    answer = await post(speaking)
    assert (answer.status_code, answer.json()["error_code"]) == (429, "SIS.0312")


# What it costs others, and the caller


@in_one_loop
async def test_the_longest_text_holds_up_nobody(
    speaking: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sound_of(speaking, "字" * 10)
    with watched(monkeypatch) as held:
        await sound_of(speaking, "字" * 500, sample_rate="16000", audio_format="mp3")
        await sound_of(speaking, "字" * 500, sample_rate="16000")
    longest = max(held)
    assert longest[0] < MOST_HELD_MS, longest


@in_one_loop
@pytest.mark.parametrize(
    ("is_frozen", "status", "code"), [(False, 429, "APIG.0308"), (True, 401, "SIS.0101")]
)
async def test_the_meter_is_asked_first(
    speaking: Service, is_frozen: bool, status: int, code: str
) -> None:
    before = speaking.state.meter
    meter = metered(speaking, Metered(UsageRefused("no more", is_frozen=is_frozen)))
    try:
        answer = await post(speaking)
    finally:
        object.__setattr__(speaking.state, "meter", before)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert meter.checked == [(None, Kind.SYNTHESIS)]


@in_one_loop
async def test_calls_are_counted_as_those_of_their_interface(speaking: Service) -> None:
    counts = speaking.state.interfaces.counts

    def counted() -> tuple[int, int]:
        found = counts["text-to-speech-customization"]
        return found.successful, found.failed_4xx

    await sound_of(speaking, "One.")
    good, bad = counted()
    texts, seconds = speaking.state.speech.texts, speaking.state.speech.seconds
    await sound_of(speaking, "One.")
    await post(speaking, "!")
    assert counted() == (good + 1, bad + 1)
    assert speaking.state.speech.texts == texts + 1
    assert 0.2 < speaking.state.speech.seconds - seconds < 2
    async with web_of(speaking) as web:
        told = (await web.get("/metrics")).text
    assert f"rasr_texts_total {texts + 1}.0" in told


def test_the_cache_forgets_what_was_not_asked_for_longest() -> None:
    cache = SoundCache(10)
    cache.put("a", b"aaaa", 1.0)
    cache.put("b", b"bbbb", 2.0)
    assert cache.get("a") == (b"aaaa", 1.0)
    cache.put("c", b"cccc", 3.0)
    assert cache.get("b") is None
    assert cache.get("a") is not None
    assert cache.get("c") is not None
    cache.put("d", b"d" * 11, 4.0)
    assert cache.get("d") is None


async def test_a_repeated_text_is_spoken_once_where_the_settings_say_so() -> None:
    async with Service(fake_settings(synthesis={"cache_mb": 1})) as service:
        first = await sound_of(service, "One.")
        texts = service.state.speech.texts
        assert await sound_of(service, "One.") == first
        assert service.state.speech.texts == texts
        assert await sound_of(service, "One.", speed=1) != b""
        assert service.state.speech.texts == texts + 1


async def test_nothing_is_kept_and_nothing_is_loaded_unless_it_is_asked_for(
    service: Service,
) -> None:
    assert service.state.speech._pool is None
    assert fake_settings().synthesis.cache_mb == 0


async def test_a_server_that_is_told_so_is_warm_before_the_first_text() -> None:
    async with Service(fake_settings(synthesis={"warm": True})) as service:
        speech = service.state.speech
        await until(lambda: speech._pool is not None and bool(speech._pool.costs))
        assert speech.texts == 0


# The official client, signed


@pytest.fixture
def store_settings(sqlite_settings: StoreSettings) -> StoreSettings:
    return sqlite_settings


async def test_the_official_client_has_a_text_spoken_and_is_charged_for_it(
    store_settings: StoreSettings, keys: dict[str, Key]
) -> None:
    async with serving(store_settings) as service:
        sis = keys["ann"].client(service)

        async def run_tts(text: str, **config: Any) -> Any:
            body = PostCustomTTSReq(text, TtsConfig(**config))
            return await asyncio.to_thread(sis.run_tts, RunTtsRequest(body=body))

        answer = await run_tts(CHINESE)
        assert answer.trace_id
        rate, samples = samples_of(base64.b64decode(answer.result.data))
        assert rate == 8000
        assert len(samples) > 16000
        full = await run_tts(
            ENGLISH,
            audio_format="mp3",
            sample_rate="16000",
            _property="english_cameal_common",
            speed=100,
            pitch=-100,
            volume=80,
        )
        assert full.result.data
        with pytest.raises(ClientRequestException) as raised:
            await run_tts("!!!")
        assert (raised.value.status_code, raised.value.error_code) == (400, "SIS.0415")
        assert len(raised.value.request_id) == 32
        await service.state.meter.caught_up()
        reader = keys["reader"].client(service)
        body = RunTtsRequest(body=PostCustomTTSReq("Hello", TtsConfig()))
        with pytest.raises(ClientRequestException) as refused:
            await asyncio.to_thread(reader.run_tts, body)
        assert refused.value.status_code == 403
    async with await open_store(store_settings, {}) as store, store.reading() as work:
        (row,) = await work.usage.sums(keys["ann"].project, 0.0, 1 << 33)
    assert (row.service, row.calls, row.amount) == (Kind.SYNTHESIS, 2, 2)
