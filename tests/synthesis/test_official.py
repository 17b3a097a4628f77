"""Who speaks for the names of the service."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasr.synthesis.errors import VoiceUnavailable
from rasr.synthesis.official import DEFAULT_NAME, mapped, official_voices, preferred
from rasr.synthesis.voice import Age, EngineName, Gender
from tests.synthesis.conftest import VOICES, voice

PIPER = replace(
    voice("espeak-male"), name="joe", languages=("english",), engine=EngineName.SHERPA, model="m"
)
KOKORO = tuple(
    replace(
        voice("espeak-female"),
        name=name,
        languages=languages,
        gender=Gender.FEMALE if name[1] == "f" else Gender.MALE,
        engine=EngineName.KOKORO,
        model="k",
    )
    for name, languages in (
        ("zf_one", ("chinese", "english")),
        ("zf_two", ("chinese", "english")),
        ("zm_one", ("chinese", "english")),
        ("af_one", ("english", "chinese")),
    )
)
ALL = (PIPER, *KOKORO, *VOICES)


@pytest.mark.parametrize(
    ("name", "spoken_by"),
    [
        (DEFAULT_NAME, "zf_one"),
        ("chinese_xiaoyu_common", "zm_one"),
        ("english_cameal_common", "af_one"),
        ("english_alvin_common", "joe"),
        ("english_dh_male", "joe"),
        ("chinese_somebody_special", "zf_one"),
        ("cantonese_somebody_common", "espeak-female"),
        ("espeak-male-2", "espeak-male-2"),
    ],
)
def test_language_and_gender_say_who_speaks_and_models_go_first(name: str, spoken_by: str) -> None:
    assert mapped(name, ALL, {}).name == spoken_by


def test_children_are_spoken_for_by_a_child_or_else_by_a_woman() -> None:
    assert mapped("chinese_xiaowang_common", VOICES, {}).age is Age.CHILD
    assert mapped("chinese_xiaowang_common", KOKORO, {}).gender is Gender.FEMALE


def test_speakers_who_are_alike_get_different_voices() -> None:
    women = [
        one.name
        for one in official_voices()
        if one.name.startswith("chinese_xiao") and one.gender is Gender.FEMALE
    ]
    assert {mapped(name, ALL, {}).name for name in women if "wang" not in name} >= {
        "zf_one",
        "zf_two",
    }


def test_every_official_name_of_a_language_that_is_spoken_has_a_voice_of_its_gender() -> None:
    wrong = [
        one.name
        for one in official_voices()
        if one.language != "arabic" and mapped(one.name, VOICES, {}).gender is not one.gender
    ]
    assert wrong == []
    assert len(official_voices()) == 42


def test_the_settings_go_first() -> None:
    assert mapped(DEFAULT_NAME, ALL, {DEFAULT_NAME: "espeak-child"}).name == "espeak-child"
    with pytest.raises(VoiceUnavailable, match="says 'nobody' for chinese_xiaoyan_common"):
        mapped(DEFAULT_NAME, ALL, {DEFAULT_NAME: "nobody"})


@pytest.mark.parametrize(
    "name", ["", "xiaoyan", "chinese_xiaoyan", "a_b_c", "中文_小燕_普通", "x" * 500]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(VoiceUnavailable, match="no voice here and no name of one"):
        mapped(name, ALL, {})


def test_the_best_voice_of_a_language_is_of_a_model() -> None:
    assert preferred("english", ALL).name == "joe"
    assert preferred("chinese", ALL).name == "zf_one"
    assert preferred("cantonese", ALL).name == "espeak-female"
