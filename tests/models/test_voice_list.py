"""Who can speak, who speaks for the official names, and what would improve that."""

from __future__ import annotations

from rasr.models import catalogue
from rasr.models.voice_list import SpokenFor, VoiceList, list_voices
from rasr.models.voices import voices_of
from rasr.synthesis.voice import Voice
from tests.synthesis.conftest import VOICES

CATALOGUE = catalogue.load()
PIPER = tuple(voices_of(CATALOGUE.get("piper-en-joe"), "/p"))
KOKORO = tuple(voices_of(CATALOGUE.get("kokoro-zh-en"), "/k"))


def listed(*voices: Voice, **table: str) -> VoiceList:
    return list_voices(voices, table, {}, CATALOGUE)


def named(found: VoiceList, name: str) -> SpokenFor:
    return next(one for one in found.official if one.official.name == name)


def test_models_that_are_not_here_are_offered_with_their_command() -> None:
    names = [one.name for one in listed(*VOICES).models]
    assert names[:2] == ["piper-en-joe", "kokoro-zh-en"]
    offered = listed(*PIPER, *VOICES).document()["models"]
    assert isinstance(offered, list)
    assert [one["name"] for one in offered] == names[1:]
    assert offered[0] == {
        "name": "kokoro-zh-en",
        "languages": ["chinese", "english"],
        "voices": 36,
        "good_for": CATALOGUE.get("kokoro-zh-en").good_for,
        "download_mb": 93,
        "command": "rasr models pull kokoro-zh-en",
    }


def test_a_name_says_which_model_would_bring_a_better_voice() -> None:
    here = listed(*VOICES)
    assert named(here, "chinese_xiaoyan_common").better == "kokoro-zh-en"
    assert named(here, "english_alvin_common").better == "piper-en-joe"
    # espeak-ng has a child's voice, and the only child of the models is a boy.
    assert named(here, "chinese_xiaowang_common").better is None
    with_piper = listed(*PIPER, *VOICES)
    assert named(with_piper, "english_alvin_common").better is None
    assert named(with_piper, "english_amy_common").better == "kokoro-zh-en"
    everything = listed(*PIPER, *KOKORO, *VOICES)
    assert {one.better for one in everything.official} == {None}
    assert {"piper-en-joe", "kokoro-zh-en"}.isdisjoint(one.name for one in everything.models)


def test_what_is_not_as_it_should_be_is_said() -> None:
    only_joe = listed(*PIPER)
    amy = named(only_joe, "english_amy_common")
    assert (amy.remark, amy.lacks) == ("no female voice here", ("female",))
    nobody = named(only_joe, "chinese_xiaoyan_common")
    assert nobody.voice is None
    assert "no voice here speaks chinese" in nobody.remark
    assert nobody.better == "kokoro-zh-en"


def test_what_the_settings_say_needs_no_improvement() -> None:
    found = named(listed(*VOICES, english_amy_common="espeak-child"), "english_amy_common")
    assert found.voice is not None
    assert (found.voice.name, found.remark, found.better) == (
        "espeak-child",
        "as the settings say",
        None,
    )
    nobody = named(listed(*VOICES, english_amy_common="ann"), "english_amy_common")
    assert nobody.voice is None
    assert "says 'ann'" in nobody.remark
