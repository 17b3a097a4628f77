"""Real sockets and a client as demanding as the official SDK: the three modes and their rounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rasr.audio import FORMATS, Resampler, encode
from rasr.server.service import Service
from tests.decoder.models.punctuation import make_transformer
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings
from tests.server.sdk import SdkClient

SENTENCE = quiet(400) + voiced(900) + quiet(900)


async def test_continue_mode_answers_sentence_by_sentence(service: Service) -> None:
    async with SdkClient(service.url) as client:
        await client.start()
        await client.audio(SENTENCE * 2)
        await client.end()
        assert client.told == ["START", "final", "final", "END NORMAL"]
        first, second = client.finals
        assert first["end_time"] <= second["start_time"]


async def test_sentence_mode_tells_the_final_before_voice_end(service: Service) -> None:
    async with SdkClient(service.url, "rasr/sentence-stream") as client:
        await client.start()
        await client.audio(SENTENCE * 2)
        await client.end()
        assert client.told == ["START", "VOICE_START", "final", "VOICE_END", "END NORMAL"]


@pytest.mark.parametrize("path", ["rasr/short-stream", "asr/short-audio", "asr/short-stream"])
async def test_short_mode_answers_once_after_end(service: Service, path: str) -> None:
    async with SdkClient(service.url, path) as client:
        await client.start()
        await client.audio(SENTENCE * 2)
        await client.end()
        assert client.told == ["START", "final", "END NORMAL"]


async def test_a_punctuation_model_writes_the_marks(tmp_path: Path) -> None:
    pytest.importorskip("sherpa_onnx", reason="the package sherpa-onnx is not installed")
    folder = make_transformer(tmp_path, {"<unk>": "，"})
    settings = fake_settings(text={"punctuation": {"english": str(folder)}})
    async with Service(settings) as service, SdkClient(service.url) as client:
        texts = []
        for marks in ("no", "yes"):
            await client.start(add_punc=marks)
            await client.audio(SENTENCE)
            await client.end()
            texts.append(client.finals[-1]["result"]["text"])
        bare, marked = texts
        assert marked == bare.capitalize().replace(" ", ", ") + "."
        assert service.state.admission.rules.text_s > 0


async def test_several_rounds_run_on_one_connection(service: Service) -> None:
    async with SdkClient(service.url) as client:
        texts = []
        for _ in range(3):
            await client.start()
            await client.audio(SENTENCE)
            await client.end()
            texts.append(client.finals[-1])
        assert client.told == ["START", "final", "END NORMAL"] * 3
        assert texts[0] == texts[1] == texts[2]
        assert len({message["trace_id"] for message in client.messages}) == 3


async def test_partials_come_while_speech_goes_on_and_words_when_asked_for(
    service: Service,
) -> None:
    async with SdkClient(service.url) as client:
        await client.start(interim_results="yes", need_word_info="yes")
        await client.audio(quiet(300) + voiced(1500))
        partial = await client.until("RESULT")
        assert not partial["segments"][0]["is_final"]
        await client.audio(quiet(900))
        await client.end()
        (final,) = client.finals
        words = final["result"]["word_info"]
        assert final["result"]["text"] == " ".join(word["word"] for word in words)
        assert all(word["start_time"] < word["end_time"] for word in words)


@pytest.mark.parametrize("chunk", [160, 999, 32000, 1 << 20])
async def test_the_size_of_messages_does_not_matter(service: Service, chunk: int) -> None:
    async with SdkClient(service.url) as client:
        for size in (3200, chunk):
            await client.start(need_word_info="yes")
            await client.audio(SENTENCE * 2, size)
            await client.end()
        half = len(client.finals) // 2
        assert client.finals[:half] == client.finals[half:]
        assert half == 2


async def test_sound_may_follow_start_at_once(service: Service) -> None:
    async with SdkClient(service.url) as client:
        client.state = "started"
        await client.text(
            '{"command":"START","config":{"audio_format":"pcm16k16bit",'
            '"property":"english_16k_common"}}'
        )
        await client.audio(SENTENCE)
        await client.text('{"command":"END"}')
        await client.until("END")
        assert client.told == ["START", "final", "END NORMAL"]


async def test_cancel_drops_what_is_not_recognised(service: Service) -> None:
    async with SdkClient(service.url, "rasr/short-stream") as client:
        await client.start()
        await client.audio(SENTENCE)
        await client.text('{"command":"END","cancel":true}')
        assert (await client.until("END"))["reason"] == "CANCEL"
        assert client.told == ["START", "END CANCEL"]


@pytest.mark.parametrize("format", ["pcm8k16bit", "ulaw8k8bit", "alaw8k8bit", "ulaw16k8bit"])
async def test_every_coding_is_understood(service: Service, format: str) -> None:
    chosen = FORMATS[format]
    resampler = Resampler(16000, chosen.sample_rate)
    samples = np.frombuffer(SENTENCE, "<i2")
    coded = np.concatenate([resampler.feed(samples), resampler.flush()])
    async with SdkClient(service.url) as client:
        await client.start(
            audio_format=format, property=f"english_{chosen.sample_rate // 1000}k_common"
        )
        await client.audio(encode(coded, chosen.encoding))
        await client.end()
        (final,) = client.finals
        assert abs(final["start_time"] - 400) <= 350
        assert abs(final["end_time"] - 1300) <= 350
