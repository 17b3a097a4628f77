"""espeak-ng says what it is given, as it is told to."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from rasr.synthesis.engines.espeak import espeak_voices
from rasr.synthesis.manner import Manner, manner_on_scale
from rasr.synthesis.voice import Age, Gender
from tests.synthesis.conftest import Say
from tests.synthesis.sounds import fundamental_hz, loudness

ENGLISH = "Tonight the weather is very good so we walk through the park and then we eat"
CHINESE = "今天天气很好我们去公园散步然后吃饭"


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
@pytest.mark.parametrize(("speed", "factor"), [(-500, 2.0), (-250, 1.41), (250, 0.71), (500, 0.5)])
def test_the_speed_changes_the_duration(say: Say, text: str, speed: int, factor: float) -> None:
    usual = say(text).seconds
    assert say(text, manner_on_scale(speed=speed)).seconds == pytest.approx(usual * factor, rel=0.1)


def test_at_speed_0_mandarin_has_about_250_characters_a_minute(say: Say) -> None:
    assert 60 * len(CHINESE) / say(CHINESE).seconds == pytest.approx(250, rel=0.05)


@pytest.mark.parametrize("name", ["espeak-female", "espeak-male"])
@pytest.mark.parametrize(("pitch", "factor"), [(-500, 0.71), (500, 1.41)])
def test_the_pitch_changes_the_fundamental_frequency(
    say: Say, name: str, pitch: int, factor: float
) -> None:
    usual = say(ENGLISH, name=name)
    other = say(ENGLISH, manner_on_scale(pitch=pitch), name)
    assert fundamental_hz(other) == pytest.approx(fundamental_hz(usual) * factor, rel=0.08)
    assert other.seconds == pytest.approx(usual.seconds, rel=0.05)


@pytest.mark.parametrize(("volume", "factor"), [(0, 0.0), (25, 0.5), (100, 2.0)])
def test_the_volume_changes_the_loudness(say: Say, volume: int, factor: float) -> None:
    usual = loudness(say(ENGLISH))
    other = say(ENGLISH, manner_on_scale(volume=volume))
    assert loudness(other) == pytest.approx(usual * factor, rel=0.02)


def test_at_the_highest_volume_nothing_is_cut_off(say: Say) -> None:
    samples = say(ENGLISH, manner_on_scale(volume=100)).samples
    assert np.count_nonzero(np.abs(samples.astype(np.int32)) >= 32767) < 5


def test_women_speak_higher_than_men_and_children_higher_than_women(say: Say) -> None:
    heights = {one.name: fundamental_hz(say(ENGLISH, name=one.name)) for one in espeak_voices()}
    men, women, children = (
        [heights[one.name] for one in espeak_voices() if (one.gender, one.age) == kind]
        for kind in (
            (Gender.MALE, Age.ADULT),
            (Gender.FEMALE, Age.ADULT),
            (Gender.FEMALE, Age.CHILD),
        )
    )
    assert max(men) < 130 < 170 < min(women) < max(women) < min(children)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The quick brown fox.", ["The", "quick", "brown", "fox"]),
        ("It costs $5.20 of course.", ["It", "costs", "$5.20", "of", "course"]),
        ("你好，hello 世界", ["你", "好", "hello", "世", "界"]),
        ("共25个苹果", ["共", "25", "个", "苹", "果"]),
    ],
)
def test_each_written_word_has_its_time(say: Say, text: str, words: list[str]) -> None:
    sound = say(text)
    assert [word.text for word in sound.words] == words
    assert all(word.start_s < word.end_s for word in sound.words)
    assert all(one.end_s <= two.start_s + 1e-6 for one, two in pairwise(sound.words))
    assert sound.words[0].start_s < 0.05
    assert sound.seconds - 0.5 < sound.words[-1].end_s <= sound.seconds


def test_words_are_loud_where_they_are_said_and_pauses_are_not(say: Say) -> None:
    sound = say("Banana, banana, banana")
    one, two, _ = sound.words
    pause = sound.samples[round(one.end_s * sound.rate) : round(two.start_s * sound.rate)]
    spoken = sound.samples[round(two.start_s * sound.rate) : round(two.end_s * sound.rate)]
    assert len(pause) > 0.05 * sound.rate
    assert np.abs(pause).mean() < 0.05 * np.abs(spoken).mean()


def test_the_sounds_of_a_word_lie_within_it(say: Say) -> None:
    (hello, world) = say("Hello world").words
    assert "".join(phone.name for phone in hello.phones) == "həloʊ"
    assert hello.phones[0].start_s >= hello.start_s - 0.02
    assert world.phones[-1].end_s <= world.end_s + 1e-6
    assert all(one.end_s <= two.start_s + 1e-6 for one, two in pairwise(hello.phones))


def test_cantonese_and_mandarin_are_said_differently(say: Say) -> None:
    mandarin = say("今日天氣好", language="chinese")
    cantonese = say("今日天氣好", language="cantonese")
    assert [word.text for word in mandarin.words] == [word.text for word in cantonese.words]
    names = [[p.name for w in one.words for p in w.phones] for one in (mandarin, cantonese)]
    assert names[0] != names[1]


@pytest.mark.parametrize(
    ("name", "values"),
    [("speed", (-501, 501)), ("pitch", (-501, 501)), ("volume", (-1, 101))],
)
def test_numbers_outside_of_the_scale_are_refused(name: str, values: tuple[int, int]) -> None:
    for value in values:
        with pytest.raises(ValueError, match=f"{name} is {value}; allowed is"):
            manner_on_scale(**{name: value})


def test_factors_on_top_stay_within_what_an_ear_can_follow() -> None:
    assert Manner().changed(tempo=99, pitch=0.01, gain=9) == Manner(2.0, 0.5, 1.0)
