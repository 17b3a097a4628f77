"""The bundled speech, end to end: every word, in its place, in all modes and codings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product

import numpy as np
import pytest
import pytest_asyncio

from bench.recordings import Recording, load, load_unknown_name, names
from rasr.audio import FORMATS, Resampler, encode
from rasr.server.service import Service
from rasr.settings import Settings
from tests.longer import mostly_long
from tests.server.sdk import SdkClient

pytestmark = pytest.mark.engine

TOLERANCE_MS = 100


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real_service() -> AsyncIterator[Service]:
    settings = Settings.model_validate(
        {
            "server": {"port": 0},
            "decoding": {"workers": 2, "streams_per_worker": 1},
            "capacity": {"max_load": 0.0},
            "vocabularies": {"names": ("Kaelith", "Thornvik")},
        }
    )
    async with Service(settings) as service:
        yield service


def coded(recording: Recording, format_name: str) -> bytes:
    chosen = FORMATS[format_name]
    resampler = Resampler(16000, chosen.sample_rate)
    samples = np.concatenate([resampler.feed(recording.samples), resampler.flush()])
    return encode(samples, chosen.encoding)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("path", "format_name"),
    mostly_long(
        product(("continue-stream", "sentence-stream", "short-stream"), FORMATS),
        ("continue-stream", "pcm16k16bit"),
        ("sentence-stream", "ulaw8k8bit"),
        ("short-stream", "alaw16k8bit"),
    ),
)
async def test_every_word_is_recognised_and_in_its_place(
    real_service: Service, path: str, format_name: str
) -> None:
    khz = FORMATS[format_name].sample_rate // 1000
    placed = total = 0
    for name in names():
        recording = load(name)
        if len(recording.sentences) > 1:
            continue
        async with SdkClient(real_service.url, f"rasr/{path}") as client:
            await client.start(
                audio_format=format_name,
                property=f"english_{khz}k_common",
                digit_norm="no",
                need_word_info="yes",
                # Longer than the pauses inside of a sentence.
                **({} if path == "short-stream" else {"vad_tail": 800}),
            )
            await client.audio(coded(recording, format_name))
            await client.end()
        assert client.text_of_finals == recording.text, name
        heard = [word for final in client.finals for word in final["result"]["word_info"]]
        for word, truth in zip(heard, recording.words, strict=True):
            assert word["word"] == truth.text
            total += 1
            placed += (
                abs(word["start_time"] - truth.start_ms) <= TOLERANCE_MS
                and abs(word["end_time"] - truth.end_ms) <= TOLERANCE_MS
            )
    assert placed >= 0.95 * total, f"{placed} of {total} words are in their place"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_conversation_comes_sentence_by_sentence(real_service: Service) -> None:
    recording = load("conversation")
    async with SdkClient(real_service.url) as client:
        await client.start(digit_norm="no", interim_results="yes")
        await client.audio(coded(recording, "pcm16k16bit"))
        await client.end()
    assert [final["result"]["text"] for final in client.finals] == [
        sentence.text for sentence in recording.sentences
    ]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("chunk", mostly_long([320, 1111, 48_000], 1111))
async def test_the_cut_of_the_sound_changes_neither_words_nor_times(
    real_service: Service, chunk: int
) -> None:
    audio = coded(load("conversation"), "pcm16k16bit")
    async with SdkClient(real_service.url) as client:
        for size in (3200, chunk):
            await client.start(need_word_info="yes")
            await client.audio(audio, size)
            await client.end()
    half = len(client.finals) // 2
    assert client.finals[:half] == client.finals[half:]


@pytest.mark.asyncio(loop_scope="module")
async def test_digits_and_punctuation_are_written_when_asked_for(real_service: Service) -> None:
    name = next(name for name in names() if "twenty" in load(name).text)
    async with SdkClient(real_service.url) as client:
        await client.start(digit_norm="yes", add_punc="yes")
        await client.audio(coded(load(name), "pcm16k16bit"))
        await client.end()
    text = client.text_of_finals
    assert any(character.isdigit() for character in text)
    assert text[0].isupper() or text[0].isdigit()
    assert text.endswith(".")


@pytest.mark.asyncio(loop_scope="module")
async def test_scores_are_posteriors(real_service: Service) -> None:
    async with SdkClient(real_service.url) as client:
        await client.start(interim_results="yes")
        await client.audio(coded(load(names()[0]), "pcm16k16bit"))
        await client.end()
    scores = [final["result"]["score"] for final in client.finals]
    assert all(0.3 < score <= 1 for score in scores)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "hot_words", [{"user_words": ["Thornvik"]}, {"vocabulary_id": "names"}], ids=str
)
async def test_a_hot_word_is_recognised_in_its_round_and_only_there(
    real_service: Service, hot_words: dict[str, object]
) -> None:
    audio = coded(load_unknown_name(), "pcm16k16bit")
    async with SdkClient(real_service.url) as client:
        for config in ({}, hot_words, {}):
            await client.start(**config)
            await client.audio(audio)
            await client.end()
    texts = [final["result"]["text"] for final in client.finals]
    assert [text.endswith("Thornvik") for text in texts] == [False, True, False]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_hot_word_that_nobody_can_say_is_told(real_service: Service) -> None:
    async with SdkClient(real_service.url) as client:
        await client.start(user_words=["华为", "Thornvik"])
        await client.audio(coded(load_unknown_name(), "pcm16k16bit"))
        await client.end()
    (warning,) = [one for one in client.messages if one.get("warning") == "hot_words"]
    assert "'华为'" in warning["message"]
    assert "Thornvik" not in warning["message"]
    assert client.text_of_finals.endswith("Thornvik")
