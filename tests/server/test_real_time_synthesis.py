"""Real-time synthesis: the official exchange, subtitles, slow and lost clients, the end."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from rasr.audio.g711 import alaw_decode, ulaw_decode
from rasr.server.admission import Party
from rasr.server.service import Service
from rasr.server.ws.speaking import SpeakingConnection
from rasr.synthesis.speech import Sound
from rasr.synthesis.voice import LIVE_COST, EngineName
from rasr.usage.meter import UsageRefused
from rasr.usage.services import Service as Kind
from tests.identity.signing import AK, SK, signed_headers
from tests.processes import until
from tests.server.auth.conftest import READER_AK, READER_SK, accounts
from tests.server.conftest import fake_settings
from tests.server.metered import Metered, metered
from tests.server.rtts import PATH, RttsClient, start
from tests.server.speaking import CHINESE, ENGLISH, speaking
from tests.synthesis.sounds import loudness

__all__ = ["speaking"]

in_one_loop = pytest.mark.asyncio(loop_scope="module")
BOOK = "This sentence is said again and again. " * 250


@in_one_loop
async def test_the_official_exchange(speaking: Service) -> None:
    async with RttsClient(speaking.url) as client:
        sound = await client.say(CHINESE)
        assert client.order[0] == "START"
        assert client.order[-1] == "END"
        assert set(client.order[1:-1]) == {"sound"}
        assert client.messages[-1]["reason"] == "NORMAL"
        assert len({one["trace_id"] for one in client.messages}) == 1
    samples = np.frombuffer(sound, "<i2")
    assert 2.0 < len(samples) / 8000 < 6.0
    assert np.abs(samples).max() > 5000
    # A fifth of a second each: what a player can begin with.
    assert {len(frame) for frame in client.frames[:3]} == {3200}


@in_one_loop
@pytest.mark.parametrize("audio_format", ["alaw", "ulaw"])
async def test_telephony_hears_the_same_in_half_the_bytes(
    speaking: Service, audio_format: str
) -> None:
    async with RttsClient(speaking.url) as client:
        plain = np.frombuffer(await client.say(ENGLISH), "<i2")
    async with RttsClient(speaking.url) as client:
        coded = await client.say(ENGLISH, audio_format=audio_format)
    assert len(coded) == len(plain)
    samples = {"alaw": alaw_decode, "ulaw": ulaw_decode}[audio_format](coded)
    assert loudness(Sound(samples, 8000)) == pytest.approx(loudness(Sound(plain, 8000)), rel=0.05)


@in_one_loop
async def test_without_a_configuration_it_speaks_too(speaking: Service) -> None:
    async with RttsClient(speaking.url) as client:
        await client.socket.send('{"command":"START","text":"Good morning"}')
        while await client.receive() != "END":
            pass
    assert len(b"".join(client.frames)) > 8000


# Subtitles


@in_one_loop
async def test_words_are_told_with_their_times_where_that_is_asked(speaking: Service) -> None:
    async with RttsClient(speaking.url) as client:
        sound = await client.say(ENGLISH, subtitle="word_level")
    words = client.words
    assert " ".join(one["text"] for one in words) == ENGLISH.replace(".", "")
    assert [one["word_index"] for one in words] == list(range(len(words)))
    assert all(one["start_time"] <= one["end_time"] for one in words)
    assert all(a["end_time"] <= b["start_time"] + 1 for a, b in pairwise(words))
    assert words[-1]["end_time"] <= len(sound) / 16
    assert "phonemes" not in words[0]
    # Of a sentence it is told before its sound comes.
    assert client.order.index("RESULT") < client.order.index("sound")
    assert client.order.count("RESULT") == 3


@in_one_loop
async def test_the_sounds_of_words_are_told_where_that_is_asked(speaking: Service) -> None:
    async with RttsClient(speaking.url) as client:
        await client.say("Good morning.", subtitle="phoneme_level")
    good, morning = client.words
    assert [one["phoneme_index"] for one in good["phonemes"]] == list(range(len(good["phonemes"])))
    assert good["phonemes"][0]["phoneme"] == "ɡ"
    for word in (good, morning):
        for one in word["phonemes"]:
            assert word["start_time"] <= one["start_time"] <= one["end_time"] <= word["end_time"]


# What is wrong


@in_one_loop
async def test_a_second_text_is_refused(speaking: Service) -> None:
    async with RttsClient(speaking.url) as client:
        await client.say("One.")
        code, sentence = await client.error(start("Two."))
    assert code == "SIS.0418"
    assert "this connection already has a synthesis" in sentence


@in_one_loop
@pytest.mark.parametrize(
    ("frame", "code", "sentence"),
    [
        (start("..."), "SIS.0415", "nothing to say"),
        (start("a" * 10_001), "SIS.0415", "the text has 10001 characters; the most are 10000"),
        (start("a", property="nobody"), "SIS.0411", "'nobody' is no voice here"),
        (start("Доброе утро"), "SIS.0411", "cyrillic"),
        (start("\ud800"), "SIS.0415", "nothing to say"),
        (start("<speak>" + "<p>" * 60), "SIS.0415", "SSML"),
        ('{"command":"STOP"}', "SIS.0032", "'command' is invalid: it is 'STOP'"),
        (b"\0\0", "SIS.0032", "a binary frame"),
    ],
)
async def test_what_cannot_be_spoken_is_told_and_the_next_text_is_taken(
    speaking: Service, frame: str | bytes, code: str, sentence: str
) -> None:
    async with RttsClient(speaking.url) as client:
        told = await client.error(frame)
        assert told[0] == code
        assert sentence in told[1]
        assert len(await client.say("One.")) > 1000


@in_one_loop
async def test_a_voice_that_is_too_slow_here_is_refused_with_its_numbers(
    speaking: Service,
) -> None:
    pool = await speaking.state.speech._started()
    voices = pool.voices
    slow = voices[-1]
    pool.note_cost(slow, 2 * LIVE_COST)
    async with RttsClient(speaking.url) as client:
        code, sentence = await client.error(start("One.", property=slow.name))
    assert code == "SIS.0411"
    assert "takes 1.0 s of processor time for a second of sound on this machine" in sentence


@in_one_loop
async def test_more_live_speech_than_there_are_workers_for_is_refused(speaking: Service) -> None:
    pool = await speaking.state.speech._started()
    # One that is there at once, whatever else is installed.
    voice = next(one for one in pool.voices if one.engine is EngineName.ESPEAK)
    pool.note_cost(voice, LIVE_COST)
    busy = pool.settings
    pool.settings = busy.model_copy(update={"workers": 1})
    try:
        async with RttsClient(speaking.url) as one, RttsClient(speaking.url) as two:
            await one.socket.send(start(BOOK, property=voice.name))
            while await one.receive() != "sound":
                pass
            code, _ = await two.error(start("Two.", property=voice.name))
            assert code == "SIS.0312"
        await until(lambda: speaking.state.speech.open_texts == 0)
    finally:
        pool.settings = busy
        pool.note_cost(voice, 0.01)


async def test_who_sends_no_text_is_told_so_and_left() -> None:
    async with (
        Service(fake_settings(session={"idle_s": 0.2})) as service,
        RttsClient(service.url) as client,
    ):
        assert await client.closed() == 1000
    (message,) = client.messages
    assert (message["resp_type"], message["error_code"]) == ("FATAL_ERROR", "SIS.0416")
    # Nobody has asked for anything.
    assert "real-time-synthesis" not in service.state.interfaces.counts


async def test_the_limit_of_the_older_edition_is_a_setting() -> None:
    async with (
        Service(fake_settings(synthesis={"characters": 500})) as service,
        RttsClient(service.url) as client,
    ):
        code, sentence = await client.error(start("a" * 501))
    assert code == "SIS.0415"
    assert "the most are 500" in sentence


# Slow and lost clients


class StuckSocket:
    """A client that sends a text and takes nothing of what comes."""

    gone = False

    left_for_good = False

    def __init__(self, frame: str) -> None:
        self._frames = [frame]
        self._leaves = asyncio.Event()
        self.offered = 0

    async def receive(self) -> str | None:
        if self._frames:
            return self._frames.pop()
        await self._leaves.wait()
        return None

    async def send(self, message: str | bytes) -> None:
        self.offered += 1
        await self._leaves.wait()

    async def close(self, code: int, reason: str) -> None:
        self._leaves.set()

    def abort(self) -> None:
        self._leaves.set()


@in_one_loop
async def test_who_takes_nothing_stops_the_engine_and_fills_no_memory(speaking: Service) -> None:
    async with RttsClient(speaking.url) as client:
        await client.say("One.")
    state = speaking.state
    pool, party = state.speech._pool, Party("p", "here", None)
    assert pool is not None
    asked, socket = pool.asked, StuckSocket(start(BOOK))
    connect = partial(SpeakingConnection, socket, state, party)
    holding = asyncio.ensure_future(state.connections.hold("stuck", party, connect))
    # Its reading, the piece that waits for him, and the one behind it.
    await until(lambda: pool.asked == asked + 3 and socket.offered == 1)
    async with RttsClient(speaking.url) as client:
        await client.say("Next.")
    assert pool.asked == asked + 3 + 2
    socket.abort()
    await holding
    assert state.speech.open_texts == 0


@in_one_loop
async def test_who_is_cut_off_stops_the_engine_within_a_sentence(speaking: Service) -> None:
    speech = speaking.state.speech
    async with RttsClient(speaking.url) as client:
        await client.socket.send(start(BOOK))
        while await client.receive() != "sound":
            pass
        client.socket.transport.abort()
    await until(lambda: speech.open_texts == 0)
    pool = speech._pool
    assert pool is not None
    asked = pool.asked
    async with RttsClient(speaking.url) as client:
        await client.say("Next.")
    # Its reading and its piece: of the book nothing came between, but what was in hand.
    assert pool.asked - asked <= 3


@in_one_loop
async def test_twenty_texts_at_once_are_spoken_whole(speaking: Service) -> None:
    async def said(number: int) -> int:
        async with RttsClient(speaking.url) as client:
            return len(await client.say(f"{ENGLISH} {ENGLISH} Number {number}.")) // 16000

    assert set(await asyncio.gather(*(said(one) for one in range(20)))) <= set(range(8, 16))


# Door, meter, numbers


@in_one_loop
async def test_rounds_are_counted_and_timed(speaking: Service) -> None:
    async with RttsClient(speaking.url) as client:
        await client.say("One.")
    counts = speaking.state.interfaces.counts["real-time-synthesis"]
    good, bad = counts.successful, counts.failed_4xx
    async with RttsClient(speaking.url) as client:
        await client.error(start("..."))
        await client.say("One.")
    assert (counts.successful, counts.failed_4xx) == (good + 1, bad + 1)
    assert counts.average_delay_ms is not None
    sums = {
        sample.name: sample.value
        for metric in speaking.state.statistics.first_sounds.collect()
        for sample in metric.samples
    }
    assert sums["rasr_first_sound_latency_seconds_count"] >= counts.successful


@in_one_loop
async def test_who_has_used_up_what_he_may_is_told_so(speaking: Service) -> None:
    before = speaking.state.meter
    meter = metered(speaking, Metered(UsageRefused("no more")))
    try:
        async with RttsClient(speaking.url) as client:
            assert await client.error(start("One.")) == ("APIG.0308", "no more")
    finally:
        object.__setattr__(speaking.state, "meter", before)
    assert meter.checked == [(None, Kind.SYNTHESIS)]
    assert meter.charges == []


def _signed(service: Service, access: str = AK, secret: str = SK) -> dict[str, str]:
    now = service.state.authenticator.clock()
    headers = signed_headers("GET", service.url[5:], PATH, now=now, access=access, secret=secret)
    headers.pop("Host")
    return headers


async def test_accounts_need_the_right_and_are_charged_once_for_a_whole_text() -> None:
    async with Service(fake_settings(), accounts()) as service:
        with pytest.raises(InvalidStatus) as refused:
            async with RttsClient(service.url):
                pass
        assert refused.value.response.status_code == 401
        with pytest.raises(InvalidStatus) as refused:
            async with RttsClient(service.url, _signed(service, READER_AK, READER_SK)):
                pass
        assert refused.value.response.status_code == 403
        meter = metered(service, Metered())
        async with RttsClient(service.url, _signed(service)) as client:
            await client.error(start("..."))
            sound = await client.say(CHINESE)
            trace_id = client.messages[-1]["trace_id"]
        async with RttsClient(service.url, _signed(service)) as client:
            await client.socket.send(start(BOOK))
            while await client.receive() != "sound":
                pass
        await until(lambda: service.state.speech.open_texts == 0)
        (charge,) = meter.charges
        assert (charge.service, charge.id) == (Kind.SYNTHESIS, trace_id)
        assert charge.audio_s == pytest.approx(len(sound) / 16000, abs=0.05)
        assert charge.principal.project_id in PATH


@in_one_loop
async def test_a_page_of_others_is_not_spoken_to(speaking: Service) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with RttsClient(speaking.url, {"Origin": "https://example.com"}):
            pass
    assert refused.value.response.status_code == 403


# The end of the server


async def test_a_server_that_stops_lets_a_text_be_spoken_to_its_end() -> None:
    service = Service(fake_settings())
    async with service, RttsClient(service.url) as client, RttsClient(service.url) as idle:
        await client.socket.send(start(ENGLISH))
        while await client.receive() != "sound":
            pass
        stopping = asyncio.ensure_future(service.stop())
        assert await client.closed() == 1001
        assert await idle.closed() == 1001
        await stopping
    assert client.messages[-1]["reason"] == "NORMAL"
    assert len(b"".join(client.frames)) > 4 * 16000
