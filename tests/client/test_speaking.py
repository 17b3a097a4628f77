"""The client of real-time synthesis, against a server that speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rasr.client import (
    AccessKey,
    CannotConnect,
    ConnectionLost,
    ErrorCode,
    Spoken,
    SpokenWord,
    StartRefused,
    speak,
)
from rasr.server.service import Service
from tests.identity.signing import AK, PROJECT, SK
from tests.processes import until
from tests.server.auth.conftest import accounts
from tests.server.conftest import fake_settings
from tests.server.speaking import ENGLISH, speaking

__all__ = ["speaking"]

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@in_one_loop
async def test_a_text_is_heard_and_its_words_are_told(speaking: Service) -> None:
    sound = b""
    words: list[SpokenWord] = []
    async with speak(
        speaking.url, ENGLISH, sample_rate="16000", speed=100, subtitle="phoneme_level"
    ) as speech:
        async for part in speech:
            if isinstance(part, Spoken):
                assert part.first == len(words)
                words += part.words
            else:
                sound += part
    assert " ".join(word.text for word in words) == ENGLISH.replace(".", "")
    assert words[0].phones
    assert 2.0 < len(sound) / 32000 < 8.0
    assert words[-1].end_time <= len(sound) / 32


@in_one_loop
async def test_a_text_that_is_refused_says_why(speaking: Service) -> None:
    async with speak(speaking.url, "...") as speech:
        with pytest.raises(StartRefused, match="nothing to say") as refused:
            await anext(aiter(speech))
    assert refused.value.code is ErrorCode.SPEECH_BODY


@in_one_loop
async def test_who_stops_listening_stops_the_server(speaking: Service) -> None:
    async with speak(speaking.url, ENGLISH * 100) as speech:
        async for part in speech:
            assert part
            break
    await until(lambda: speaking.state.speech.open_texts == 0)


async def test_a_server_that_goes_away_is_told() -> None:
    async with Service(fake_settings()) as service:
        async with speak(service.url, ENGLISH * 100) as speech:
            parts = aiter(speech)
            await anext(parts)
            (connection,) = service.state.connections._open
            connection.abort()
            with pytest.raises(ConnectionLost):
                # What was on its way comes before.
                await _exhausted(parts)


async def _exhausted(parts: AsyncIterator[bytes | Spoken]) -> None:
    async for _ in parts:
        pass


async def test_nobody_there_is_one_sentence() -> None:
    with pytest.raises(CannotConnect, match=r"there is no server at ws://127\.0\.0\.1:1/v1/p/rtts"):
        async with speak("ws://127.0.0.1:1", "Hello", project_id="p"):
            pass


async def test_a_key_signs_the_handshake() -> None:
    async with Service(fake_settings(), accounts()) as service:
        with pytest.raises(CannotConnect) as refused:
            async with speak(service.url, "Hello", project_id=PROJECT):
                pass
        assert refused.value.status == 401
        key = AccessKey(AK, SK)
        async with speak(service.url, "Hello", project_id=PROJECT, key=key) as speech:
            sound = b"".join([part async for part in speech if isinstance(part, bytes)])
    assert len(sound) > 4000
