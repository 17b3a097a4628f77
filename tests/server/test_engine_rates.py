"""Engines of every rate: silence, times and text are the same behind them all."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasr.recognition.config import Segmentation
from rasr.recognition.events import SpeechEnded
from rasr.server.service import Service
from tests.recognition.talk import LoudIsSpeech, Talk, hush, speech
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings
from tests.server.sdk import SdkClient


@pytest.fixture(params=[8000, 16000])
async def of_rate(request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    engine = {"kind": "fake", "options": {"sample_rate": request.param}}
    async with Service(fake_settings(engines={"fake": engine})) as running:
        yield running


async def sentence(service: Service, tail_ms: int, silence_ms: int) -> list[dict[str, Any]]:
    """The finals of a second of speech and so much silence, before END."""
    async with SdkClient(service.url) as client:
        await client.start(vad_tail=tail_ms, need_word_info="yes")
        await client.audio(quiet(300) + voiced(1000) + quiet(silence_ms))
        await client.end()
        return client.finals


@pytest.mark.parametrize("tail_ms", [300, 500, 900])
async def test_a_pause_shorter_than_vad_tail_ends_nothing_and_a_longer_one_does(
    of_rate: Service, tail_ms: int
) -> None:
    async with SdkClient(of_rate.url) as client:
        await client.start(vad_tail=tail_ms)
        await client.audio(quiet(300) + voiced(800) + quiet(tail_ms - 200) + voiced(800))
        await client.audio(quiet(tail_ms + 200) + voiced(800) + quiet(300))
        await client.end()
    assert len(client.finals) == 2


async def test_times_of_text_and_words_are_those_of_the_audio(of_rate: Service) -> None:
    (final,) = await sentence(of_rate, 500, 900)
    # From the pre-roll before the speech to the post-roll behind it, to a block of the engine.
    assert 0 <= final["start_time"] <= 300
    assert 1300 <= final["end_time"] <= 1600
    words = final["result"]["word_info"]
    assert words[0]["start_time"] == final["start_time"]
    assert words[-1]["end_time"] == final["end_time"]
    for before, after in itertools.pairwise(words):
        assert before["end_time"] <= after["start_time"] + 1


@settings(max_examples=60)
@given(tail_ms=st.integers(100, 4000), frame_ms=st.sampled_from([10, 20, 30]))
def test_the_tail_is_as_long_as_it_says_to_the_frame(tail_ms: int, frame_ms: int) -> None:
    talk = Talk(Segmentation(tail_ms=tail_ms), classifier=LoudIsSpeech(frame_ms))
    talk.audio(hush(300), speech(600), hush(tail_ms - frame_ms))
    assert talk.of(SpeechEnded) == []
    talk.audio(hush(2 * frame_ms))
    assert len(talk.of(SpeechEnded)) == 1
