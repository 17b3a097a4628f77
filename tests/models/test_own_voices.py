"""Voices of folders of one's own: who they are, and that they speak."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from rasr.models.store import open_store
from rasr.models.voices import own_voices, voices_here
from rasr.settings import SynthesisSettings
from rasr.synthesis.host import Measure, Read, Say, SpeechHost
from rasr.synthesis.manner import Manner
from rasr.synthesis.official import mapped
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Sound
from rasr.synthesis.voice import Voice
from tests.synthesis import sherpa_models as models

pytestmark = pytest.mark.engine


def found(**folders: object) -> tuple[list[Voice], list[str]]:
    faults: list[str] = []
    settings = SynthesisSettings.model_validate({"folders": folders})
    return list(own_voices(settings.folders, faults.append)), faults


def test_each_speaker_of_a_folder_is_a_voice(tmp_path: Path) -> None:
    voices, faults = found(kokoro={"folder": str(models.write_kokoro(tmp_path))})
    assert faults == []
    assert [(one.name, one.gender, one.variant) for one in voices] == [
        ("kokoro-af_one", "female", "0"),
        ("kokoro-zf_two", "female", "1"),
    ]
    assert {(one.engine, one.rate, one.languages, one.model, one.folder) for one in voices} == {
        ("sherpa-onnx-tts", 24000, ("chinese", "english"), "", str(tmp_path))
    }


def test_speakers_say_by_their_names_who_they_are(tmp_path: Path) -> None:
    voices, _ = found(k={"folder": str(models.write_kitten(tmp_path)), "gender": "female"})
    assert [(one.name, one.gender) for one in voices] == [
        ("k-expr-voice-2-m", "male"),
        ("k-expr-voice-2-f", "female"),
    ]


def test_what_the_files_do_not_say_the_settings_do(tmp_path: Path) -> None:
    folder = str(models.write_melo(tmp_path))
    told = {"folder": folder, "languages": ["english"], "gender": "male", "age": "child"}
    (voice,), _ = found(boy=told)
    assert (voice.name, voice.languages, voice.gender, voice.age) == (
        "boy",
        ("english",),
        "male",
        "child",
    )
    with pytest.raises(ValidationError, match="gender"):
        found(boy=told | {"gender": "neuter"})


def test_a_folder_that_cannot_be_served_is_told_and_others_are_served(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    bad.mkdir()
    models.write_melo(good)
    (models.write_melo(bad) / "lexicon.txt").unlink()
    voices, faults = found(bad={"folder": str(bad)}, good={"folder": str(good)})
    assert [one.name for one in voices] == ["good"]
    assert faults == [
        f"synthesis.folders.bad: the voice in {bad} lacks its lexicon.txt, which makes tokens of "
        "words; pull the model again"
    ]


def test_a_voice_that_imitates_speaks_in_as_many_steps_as_the_settings_say(tmp_path: Path) -> None:
    folder = str(models.write_zipvoice(tmp_path))
    (voice,), faults = found(me={"folder": folder, "steps": 8})
    assert (faults, voice.name, voice.steps) == ([], "me", 8)
    host = SpeechHost([voice])
    (piece,) = host.answer(Read(Request("你好，hello。", voice, Manner()))).pieces
    said = host.answer(Say(piece))
    assert isinstance(said, Sound)
    # Of the first three, the recording's length and what is said in it, none is of the text.
    assert len(models.tokens_in(said)) > 3 + 5


def test_steps_of_a_voice_that_has_none_are_a_fault(tmp_path: Path) -> None:
    voices, faults = found(melo={"folder": str(models.write_melo(tmp_path)), "steps": 8})
    assert voices == []
    assert faults[0].endswith(
        "of the family VITS, whose sound is not made in steps; leave steps out"
    )


def test_ones_own_voice_speaks_for_official_names_before_all_others(tmp_path: Path) -> None:
    voices, _ = found(melo={"folder": str(models.write_melo(tmp_path))})
    here = voices_here(open_store(str(tmp_path / "models"), {}), voices)
    assert [one.name for one in here[:2]] == ["melo", "espeak-female"]
    voice = mapped("chinese_xiaoyan_common", here, {})
    assert voice.name == "melo"
    host = SpeechHost(here)
    (piece,) = host.answer(Read(Request("你好，hello。", voice, Manner()))).pieces
    said = host.answer(Say(piece))
    assert isinstance(said, Sound)
    assert said.rate == 44100
    assert [word.text for word in said.words] == ["你", "好", "hello"]
    assert 0 < host.answer(Measure(voice)) < 10
