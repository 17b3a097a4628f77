"""Which engine serves what: by what engines say of themselves once they are loaded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decoder import Capabilities
from decoder.engine import Writing
from rasr.server.engines import plan, property_table
from rasr.server.errors import StartError
from rasr.settings import Settings
from tests.server.conftest import fake_settings


def known(*languages: str, lookahead_samples: int = 0) -> Capabilities:
    """An engine of these languages, whose first step is long."""
    return Capabilities(
        name="known",
        languages=languages,
        sample_rate=16000,
        partials=True,
        word_times=True,
        hot_words=False,
        max_batch=1,
        first_step_samples=8000,
        lookahead_samples=lookahead_samples,
    )


def served(**properties: str) -> Settings:
    return fake_settings().model_copy(update={"properties": properties})


def test_a_language_that_the_engine_does_not_know_is_refused() -> None:
    engines = {"one": known("english"), "two": known("chinese", "english")}
    with pytest.raises(StartError) as refused:
        property_table(served(english="one", chinese="two", chinese_8k_bank="one"), engines)
    assert str(refused.value) == (
        "properties.chinese_8k_bank: engine 'one' does not know chinese, only english; "
        "map chinese_8k_bank to an engine or a model that knows it"
    )


def test_an_engine_whose_languages_nobody_has_said_serves_what_it_is_mapped_to() -> None:
    table = property_table(served(cantonese="any"), {"any": known()})
    assert table.languages == ("cantonese",)


def test_the_margin_behind_speech_follows_from_the_look_ahead_and_not_from_the_first_step() -> None:
    table = property_table(served(english="one"), {"one": known("english", lookahead_samples=7200)})
    choice = table.choose("english_16k_common", "english", 16_000)
    assert choice is not None
    assert choice.lookahead_samples == 7200


def test_an_engine_that_can_be_told_its_languages_is_told_those_of_its_properties() -> None:
    engines = {
        "one": {"kind": "whisper", "options": {"model": "a"}},
        "several": {"kind": "whisper", "options": {"model": "a"}},
        "said": {"kind": "whisper", "options": {"model": "a", "languages": "french"}},
        "fake": {"kind": "fake"},
    }
    properties = {
        "chinese": "one",
        "chinese_8k_bank": "one",
        "english": "several",
        "german_16k": "several",
        "french": "said",
        "cantonese": "fake",
    }
    planned = plan(Settings.model_validate({"engines": engines, "properties": properties}))
    told = {name: one.spec.options.get("languages") for name, one in planned.items()}
    assert told == {"one": "chinese", "several": "english,german", "said": "french", "fake": None}


def test_what_an_engine_writes_by_itself_goes_with_the_choice() -> None:
    writes = replace(known("english"), writing=Writing(punctuation=True, case=True))
    table = property_table(served(english="one"), {"one": writes})
    choice = table.choose("english_16k_common", "english", 16_000)
    assert choice is not None
    assert choice.writing == Writing(punctuation=True, case=True, digits=False)


def test_an_engine_that_hears_nobody_while_he_speaks_makes_finals_only() -> None:
    settings = fake_settings(
        engines={"one": {"kind": "fake"}, "two": {"kind": "fake"}, "three": {"kind": "fake"}},
        properties={
            "english": {"live": "one", "final": "two"},
            "welsh": {"live": "one", "final": "three"},
            "chinese": "three",
        },
    )
    plans = plan(settings)
    assert {name: one.finals_only for name, one in plans.items()} == {
        "one": False,
        "two": True,
        "three": False,
    }
