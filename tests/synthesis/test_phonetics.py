"""What neural voices are given, and what is made of their sound, without any of them."""

from __future__ import annotations

import numpy as np
import pypinyin
import pytest

from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.engines.phonetics import Phonetics, estimated, syllable_ipa
from rasr.synthesis.engines.shaping import Speeds, shaped, stretched
from rasr.synthesis.manner import Manner
from rasr.synthesis.reading.reader import Reader
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Sound
from tests.synthesis.conftest import VOICES, voice
from tests.synthesis.sounds import fundamental_hz

RATE = 24000


@pytest.mark.parametrize(
    ("syllable", "ipa"),
    [
        ("ni3", "ni↓"),
        ("hao3", "xau↓"),
        ("zhong1", "ꭧʊ→ŋ"),
        ("guo2", "kwo↗"),
        ("shi4", "ʂɨ↘"),
        ("xue2", "ɕɥe↗"),
        ("yuan2", "ɥɛ↗n"),
        ("ju4", "ʨy↘"),
        ("lv4", "ly↘"),
        ("er4", "ɚ↘"),
        ("liu4", "ljou↘"),
        ("gui4", "kwei↘"),
        ("lun2", "lwə↗n"),
        ("wen4", "wə↘n"),
        ("you3", "jou↓"),
        ("de5", "tɤ"),
        ("hello", ""),
        ("", ""),
    ],
)
def test_pinyin_becomes_ipa(syllable: str, ipa: str) -> None:
    assert syllable_ipa(syllable) == ipa


def test_every_syllable_that_a_character_may_have_is_known() -> None:
    style = pypinyin.Style.TONE3
    syllables = {
        one
        for number in range(0x4E00, 0x9FA6)
        for one in pypinyin.pinyin(
            chr(number), style=style, heteronym=True, neutral_tone_with_five=True
        )[0]
        if one[:-1].isascii() and one[-1] in "12345"
    }
    assert len(syllables) > 1400
    assert sorted(one for one in syllables if not syllable_ipa(one)) == []


def test_clauses_keep_marks_and_words(library: EspeakLibrary, reader: Reader) -> None:
    (piece,) = reader.pieces(Request("你好，hello 世界。", VOICES[0], Manner()), voice)
    assert Phonetics(library).ipa(piece.words) == "ni↗ xau↓, həlˈoʊ ʂɨ↘ ʨje↘."
    words = estimated(piece.words, 3.0)
    assert [word.text for word in words] == ["你", "好", "hello", "世", "界"]
    assert words[-1].end_s == pytest.approx(3.0)


def voiced(seconds: float, hz: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    time = np.arange(round(RATE * seconds)) / RATE
    return (0.3 * np.sign(np.sin(2 * np.pi * hz * time))).astype(np.float32)


@pytest.mark.parametrize("tempo", [0.3, 0.5, 0.8, 1.25, 2.0])
def test_stretching_changes_the_length_and_not_the_pitch(tempo: float) -> None:
    samples = (voiced(3.0, 150.0) * 32767).astype(np.int16)
    sound = Sound(stretched(samples, RATE, tempo), RATE)
    assert sound.seconds == pytest.approx(3.0 / tempo, rel=0.05)
    assert fundamental_hz(sound) == pytest.approx(150.0, rel=0.03)


@pytest.mark.parametrize("tempo", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("pitch", [0.71, 1.0, 1.41])
def test_tempo_and_pitch_are_what_is_wanted_whatever_a_voice_does_with_its_speed(
    tempo: float, pitch: float
) -> None:
    speeds = Speeds((0.5, 1.0, 2.0), (0.6, 1.0, 1.5))

    def made(speed: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        return voiced(3.0 / speeds.tempo_of(speed), 150.0)

    sound = Sound(shaped(made, speeds, Manner(tempo, pitch), RATE, 1.0), RATE)
    assert sound.seconds == pytest.approx(3.0 / tempo, rel=0.06)
    assert fundamental_hz(sound) == pytest.approx(150.0 * pitch, rel=0.03)


def test_silence_stays_nothing() -> None:
    speeds = Speeds((1.0, 2.0), (1.0, 2.0))
    none = shaped(lambda speed: np.zeros(999, np.float32), speeds, Manner(2.0, 1.4), RATE, 1.0)
    assert len(none) == 0
