"""A vocabulary that a project made, heard by engines with models of their own."""

from __future__ import annotations

from typing import Any

import pytest

from bench.recordings import load_unknown_name
from rasr.server.service import Service
from rasr.settings import Settings, StoreSettings
from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand
from tests.decoder.models.weights import MOONSHINE, WHISPER, Weights
from tests.server.auth.conftest import web_of
from tests.server.sdk import PROJECT, SdkClient
from tests.server.vocabularies.conftest import body

WORDS = ["Doctor Kaelith", "Thornvik"]
ENGINES = [
    pytest.param("pocketsphinx", None, marks=pytest.mark.engine),
    pytest.param("moonshine", MOONSHINE, marks=MOONSHINE.needed),
    pytest.param("whisper", WHISPER, marks=WHISPER.needed),
]


@pytest.mark.parametrize(("kind", "weights"), ENGINES)
async def test_words_of_a_vocabulary_do_what_those_of_start_do(
    sqlite_settings: StoreSettings, kind: str, weights: Weights | None
) -> None:
    options: dict[str, Any] = {} if weights is None else {"options": {"model": weights.folder()}}
    settings = Settings.model_validate(
        {
            "server": {"port": 0},
            "engines": {kind: {"kind": kind, **options}},
            "properties": {"english": kind},
            "decoding": {"workers": 1, "streams_per_worker": 1},
            "capacity": {"max_load": 0.0},
        }
    )
    store = StoreOnDemand(sqlite_settings, {})
    async with Service(settings, DirectoryOnDemand(store), store) as service:
        async with web_of(service) as web:
            answer = await web.post(
                f"/v1/{PROJECT}/asr/vocabularies",
                json=body(language="english", contents=WORDS),
            )
        made = answer.json()["vocabulary_id"]
        async with SdkClient(service.url) as client:
            for config in ({}, {"vocabulary_id": made}, {"user_words": WORDS}, {}):
                await client.start(**config)
                await client.audio(load_unknown_name().samples.tobytes())
                await client.end()
    before, by_vocabulary, by_start, after = (one["result"]["text"] for one in client.finals)
    assert by_vocabulary == by_start != before == after
    # Moonshine takes the name for "Thorndick", and with the words for "Thorndyke".
    assert by_vocabulary.rstrip(".").endswith("Thornvik") or kind == "moonshine"
