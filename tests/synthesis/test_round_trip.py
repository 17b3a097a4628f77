"""What is spoken is recognised again by the default engine; voices of models do as told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr

from bench.texts import Mistakes, mistakes
from decoder.moonshine import MoonshineOptions
from decoder.moonshine.engine import MoonshineEngine
from decoder.offline import Utterance
from decoder.registry import EngineSpec
from decoder.registry import load as load_engine
from rasr.models.catalogue import load
from rasr.models.voices import own_voices, voices_of
from rasr.settings import VoiceFolderSettings
from rasr.synthesis.host import Measure, Read, Say, SpeechHost
from rasr.synthesis.manner import Manner, manner_on_scale
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Sound
from rasr.synthesis.voice import Gender, Voice
from tests.decoder.models.weights import KOKORO, MOONSHINE, PIPER, Weights
from tests.decoder.test_tiny_model import characters_wrong, heard
from tests.decoder.test_tiny_model import folder as small_model
from tests.synthesis.conftest import VOICES
from tests.synthesis.sherpa_models import write_real_kokoro
from tests.synthesis.sounds import fundamental_hz, loudness

SENTENCES = (
    "The train to the coast leaves at noon, and the journey takes about an hour.",
    "She opened the window because the room was too warm.",
    "Please send the report to everybody in the office before Friday.",
    "The library will be open on Monday.",
    "He bought three bottles of milk and a loaf of bread.",
    "Our neighbours are planting apple trees behind the house.",
    "The meeting has been moved to a larger room upstairs.",
    "Nobody knew why the lights went out last night.",
    "You can find the answer on the second page of the book.",
    "It was raining when we arrived at the station.",
)
MOST_WRONG = 0.10
MANDARIN = {
    "你好，我是赵磊，请问刘洋在吗？": "你好我是赵磊请问刘洋在吗",
    "今天是2003年5月30日。": "今天是二零零三年五月三十日",
    "设置晚上10:15的闹钟。": "设置晚上十点十五分的闹钟",
    "我的电话号码是18034658074。": "我的电话号码是幺八零三四六五八零七四",
    "一共56655块。": "一共五万六千六百五十五块",
    "我要一杯coffee和一个果汁。": "我要一杯 coffee 和一个果汁",
    "明天下午有一个meeting在咖啡店。": "明天下午有一个 meeting 在咖啡店",
    "昨天昆明的天气怎么样？": "昨天昆明的天气怎么样",
    "请通知陈静和马超来开会。": "请通知陈静和马超来开会",
    "离我最近的图书馆在哪里？": "离我最近的图书馆在哪里",
}
"""As it is written → as it is said; of words that the small model of the package knows."""

_PIPER, _NO_PIPER = PIPER.needed
_KOKORO, _NO_KOKORO = KOKORO.needed
_MOONSHINE, _NO_MOONSHINE = MOONSHINE.needed


def installed(weights: Weights) -> tuple[Voice, ...]:
    """The voices of a model, none where it is not here."""
    if weights.lacks():
        return ()
    return tuple(voices_of(load().get(weights.name), weights.folder()))


ALL = {voice.name: voice for voice in (*installed(PIPER), *installed(KOKORO), *VOICES)}


@pytest.fixture(scope="module")
def host() -> SpeechHost:
    return SpeechHost(tuple(ALL.values()))


@pytest.fixture(scope="module")
def engine() -> MoonshineEngine:
    return MoonshineEngine(MoonshineOptions(model=MOONSHINE.folder()))


def sounds(host: SpeechHost, text: str, name: str, manner: Manner | None = None) -> Iterator[Sound]:
    for piece in host.answer(Read(Request(text, ALL[name], manner or Manner()))).pieces:
        sound = host.answer(Say(piece))
        assert isinstance(sound, Sound), sound
        yield sound


def sound(host: SpeechHost, text: str, name: str, manner: Manner | None = None) -> Sound:
    (only,) = sounds(host, text, name, manner)
    return only


@_NO_MOONSHINE
@pytest.mark.parametrize(
    "name",
    [
        "espeak-female",
        "espeak-male-2",
        pytest.param("joe", marks=_NO_PIPER),
        pytest.param("af_heart", marks=_NO_KOKORO),
    ],
)
@pytest.mark.engine
def test_what_is_spoken_is_recognised_again(
    host: SpeechHost, engine: MoonshineEngine, name: str
) -> None:
    wrong = Mistakes()
    for sentence in SENTENCES:
        samples = [
            soxr.resample(one.samples, one.rate, 16000) for one in sounds(host, sentence, name)
        ]
        (reading,) = engine.read([Utterance(np.concatenate(samples))])
        wrong += mistakes(sentence, reading.hypothesis.text)
    assert wrong.said == 103
    assert wrong.rate <= MOST_WRONG


@_NO_KOKORO
@_NO_MOONSHINE
@pytest.mark.engine
def test_real_weights_in_the_layout_of_sherpa_onnx_are_recognised_again(
    tmp_path: Path, engine: MoonshineEngine
) -> None:
    folder = write_real_kokoro(Path(KOKORO.folder()), tmp_path, "zf_xiaoxiao", "af_heart")
    folders = {"own": VoiceFolderSettings(folder=str(folder))}
    voices = tuple(own_voices(folders, pytest.fail))
    assert [one.name for one in voices] == ["own-zf_xiaoxiao", "own-af_heart"]
    host, wrong = SpeechHost(voices), Mistakes()
    for sentence in SENTENCES[:3]:
        (piece,) = host.answer(Read(Request(sentence, voices[1], Manner()))).pieces
        said = host.answer(Say(piece))
        samples = soxr.resample(said.samples, said.rate, 16000)
        (reading,) = engine.read([Utterance(samples)])
        wrong += mistakes(sentence, reading.hypothesis.text)
    assert wrong.rate <= MOST_WRONG


@pytest.mark.engine
@pytest.mark.parametrize("name", ["espeak-female", "espeak-male"])
def test_mandarin_is_recognised_again_by_the_small_model(host: SpeechHost, name: str) -> None:
    engine = load_engine(EngineSpec("sherpa-onnx", {"model": str(small_model()), "search": "beam"}))
    wrong = 0
    for written, spoken in MANDARIN.items():
        said = [soxr.resample(one.samples, one.rate, 16000) for one in sounds(host, written, name)]
        # Sound does not begin with a word where a microphone is open.
        text = heard(engine, np.concatenate([np.zeros(4800, np.int16), *said])).text
        wrong += characters_wrong(spoken, text)
    characters = sum(len(one.replace(" ", "")) for one in MANDARIN.values())
    assert characters == 132
    assert wrong <= MOST_WRONG * characters


MODELS = [
    pytest.param("joe", SENTENCES[0], marks=_NO_PIPER),
    pytest.param("af_heart", SENTENCES[0], marks=_NO_KOKORO),
    pytest.param("zf_xiaoxiao", "今天天气很好，我们去公园散步，然后吃饭。", marks=_NO_KOKORO),
]


@pytest.mark.engine
@pytest.mark.parametrize(("name", "text"), MODELS)
def test_voices_of_models_change_as_they_are_told(host: SpeechHost, name: str, text: str) -> None:
    usual = sound(host, text, name)
    fast = sound(host, text, name, manner_on_scale(speed=500))
    slow = sound(host, text, name, manner_on_scale(speed=-500))
    high = sound(host, text, name, manner_on_scale(pitch=500))
    quiet = sound(host, text, name, manner_on_scale(volume=25))
    assert fast.seconds == pytest.approx(usual.seconds / 2, rel=0.2)
    assert slow.seconds == pytest.approx(usual.seconds * 2, rel=0.2)
    assert high.seconds == pytest.approx(usual.seconds, rel=0.1)
    assert fundamental_hz(high) == pytest.approx(fundamental_hz(usual) * 1.41, rel=0.12)
    assert loudness(quiet) == pytest.approx(loudness(usual) / 2, rel=0.2)


@pytest.mark.engine
@pytest.mark.parametrize(("name", "text"), MODELS)
def test_estimated_words_follow_each_other(host: SpeechHost, name: str, text: str) -> None:
    said = sound(host, text, name)
    assert len(said.words) > 10
    assert all(one.end_s <= two.start_s + 1e-6 for one, two in pairwise(said.words))
    assert said.words[0].start_s < 0.1
    assert said.words[-1].end_s == pytest.approx(said.seconds - 0.35, abs=0.1)


@pytest.mark.engine
@_NO_PIPER
def test_what_a_voice_costs_is_measured(host: SpeechHost) -> None:
    cost = host.answer(Measure(ALL["joe"]))
    assert 0.001 < cost < 10


@pytest.mark.engine
@_NO_KOKORO
def test_every_voice_of_kokoro_speaks_as_high_as_its_gender(host: SpeechHost) -> None:
    heights: dict[str, float] = {}
    for voice in installed(KOKORO):
        text = "好的" if voice.languages[0] == "chinese" else "All right"
        said = sound(host, text, voice.name)
        assert 0.2 < said.seconds < 3
        heights[voice.name] = fundamental_hz(said)
    men = [heights[v.name] for v in installed(KOKORO) if v.gender is Gender.MALE]
    women = [heights[v.name] for v in installed(KOKORO) if v.gender is Gender.FEMALE]
    assert np.median(men) < 0.8 * np.median(women)


@pytest.mark.engine
@_NO_KOKORO
def test_500_characters_without_a_mark_are_spoken(host: SpeechHost) -> None:
    said = list(sounds(host, "好" * 500, "zf_xiaoxiao", manner_on_scale(speed=500)))
    assert len(said) == 13
    assert all(one.seconds > 1 for one in said)


def test_a_folder_that_is_no_voice_is_refused(tmp_path: object) -> None:
    for name, kind, reason in (
        ("piper-en-joe", "joe", "holds no voice"),
        ("kokoro-zh-en", "af_heart", "cannot be loaded"),
    ):
        voice = next(one for one in voices_of(load().get(name), str(tmp_path)) if one.name == kind)
        host = SpeechHost((voice,))
        (piece,) = host.answer(Read(Request("Hello there.", voice, Manner()))).pieces
        assert reason in str(host.answer(Say(piece)))
