"""Whisper as the live engine of a server: Mandarin of people, in simplified script."""

from __future__ import annotations

import pytest

from bench.recordings import human_recordings
from bench.servers import running_server, whisper_settings
from rasr.audio import FORMATS, Samples
from rasr.cli.word_error_rate import edit_distance
from rasr.client import Options, Pace, Result, ServerMessage, chunks_of, connect, stream_recording
from rasr.server.service import Service
from rasr.settings import Settings
from rasr.text.spoken import Speller, load_spellers
from tests.decoder.models.weights import WHISPER
from tests.server.short_audio import told

pytestmark = [
    *WHISPER.needed,
    pytest.mark.skipif(
        not human_recordings(), reason="RASR_SPEECH_DIR names no folder of people's speech"
    ),
]


async def heard(url: str, language: str, samples: Samples, chunk_ms: int) -> str:
    """The finals of a recording."""
    finals: list[str] = []

    def listen(message: ServerMessage) -> None:
        if isinstance(message, Result):
            finals.extend(one.text for one in message.segments if one.is_final)

    options = Options.of(f"{language}_16k_common", interim_results=True, add_punc=False)
    chunks = chunks_of([samples], FORMATS["pcm16k16bit"], chunk_ms)
    async with connect(url, options) as session:
        await stream_recording(session, chunks, listen, pace=Pace.FAST)
    return " ".join(finals)


def errors(language: Speller, wanted: str, text: str) -> int:
    """Words, or characters of Chinese, that are wrong, as they are said: marks do not count."""
    return edit_distance(language.spoken(wanted), language.spoken(text))


async def test_mandarin_has_at_most_a_tenth_of_its_characters_wrong() -> None:
    spoken = [one for one in human_recordings() if one.language == "zh"]
    wrong, language = 0, load_spellers()["chinese"]
    with running_server(whisper_settings(WHISPER.folder(), "chinese")) as server:
        for one in spoken:
            texts = {await heard(server.url, "chinese", one.samples, ms) for ms in (100, 700)}
            assert len(texts) == 1, "the text depends on how the audio is cut"
            wrong += errors(language, one.text, texts.pop())
    assert wrong <= 0.1 * sum(len(language.spoken(one.text)) for one in spoken)


@pytest.mark.long
async def test_english_is_read_as_well_as_whole_recordings() -> None:
    spoken = [one for one in human_recordings() if one.language == "en"]
    wrong, language = 0, load_spellers()["english"]
    with running_server(whisper_settings(WHISPER.folder(), "english")) as server:
        for one in spoken:
            text = await heard(server.url, "english", one.samples, 100)
            wrong += errors(language, one.text, text)
    assert wrong <= 0.04 * sum(len(language.spoken(one.text)) for one in spoken)


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_it_finds_out_which_language_is_spoken(language: str) -> None:
    spoken = [one for one in human_recordings() if one.language == language]
    chosen = Settings.model_validate(
        {
            "server": {"port": 0},
            "engines": {"whisper": {"kind": "whisper", "options": {"model": WHISPER.folder()}}},
            "properties": {"english": "whisper", "chinese": "whisper"},
            "decoding": {"workers": 1, "streams_per_worker": 1},
            "capacity": {"max_load": 0.0},
        }
    )
    async with Service(chosen) as service:
        found = await told(
            service, spoken[0].samples.tobytes(), "pcm16k16bit", auto_language_detect="yes"
        )
    assert found["language"] == {"en": "english", "zh": "chinese"}[language]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in found["text"]) == (language == "zh")
