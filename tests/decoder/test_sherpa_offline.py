"""Offline models of each family that a tiny model can stand for, read whole."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest

from bench.recordings import load as recording
from decoder import DecodeFailed, HotWord, Hypothesis
from decoder.engine import SAMPLE_RATE, Findings, Samples
from decoder.joining import join_words
from decoder.moonshine.engine import FILES
from decoder.moonshine.vocabulary import read_pieces
from decoder.offline import Utterance
from decoder.registry import EngineSpec, load, load_offline
from decoder.sherpa.offline import SherpaOfflineEngine, SherpaOfflineOptions
from decoder.sherpa.offline.families import Family
from decoder.sherpa.offline.reading import hypothesis_of
from decoder.sherpa.transcript import WordMaker
from decoder.sherpa.vocabulary import Style, Vocabulary, write_pieces
from tests.decoder.models.offline import (
    OFFLINE_WRITERS,
    write_offline_paraformer,
    write_offline_transducer,
    write_sense_voice,
)
from tests.decoder.models.vocabulary import HAN, MIXED
from tests.decoder.models.weights import MOONSHINE
from tests.decoder.models.whisper import SAID, write_whisper

LEAD_S = 0.5


def sound(seconds: float = 1.2, seed: int = 3) -> Samples:
    """Noise whose colour changes three times, between two half seconds of digital silence."""
    random = np.random.default_rng(seed)
    count = int(seconds * SAMPLE_RATE / 4)
    pieces = [
        600 * np.convolve(random.normal(0, 1, count), random.normal(0, 1, 32), "same")
        for _ in range(4)
    ]
    silence = np.zeros(int(LEAD_S * SAMPLE_RATE))
    return np.concatenate([silence, *pieces, silence]).astype(np.int16)


def read(engine: SherpaOfflineEngine, samples: Samples, *hot_words: HotWord) -> Hypothesis:
    (reading,) = engine.read([Utterance(samples, hot_words)])
    return reading.hypothesis


@pytest.fixture(scope="module", params=list(OFFLINE_WRITERS))
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> SherpaOfflineEngine:
    folder = OFFLINE_WRITERS[request.param](tmp_path_factory.mktemp("offline"))
    engine = SherpaOfflineEngine(SherpaOfflineOptions(model=str(folder)))
    assert engine.model.family == request.param
    return engine


def test_an_utterance_has_words_in_order_inside_it(engine: SherpaOfflineEngine) -> None:
    samples = sound()
    hypothesis = read(engine, samples)
    assert hypothesis.words
    assert hypothesis.text == join_words(word.text for word in hypothesis.words)
    place = 0
    for word in hypothesis.words:
        assert place <= word.start_sample < word.end_sample <= len(samples)
        assert 0 <= word.confidence <= 1
        place = word.end_sample


def _skip_if_dithered(engine: SherpaOfflineEngine) -> None:
    # Of 24 sounds with digital silence 4 were read differently a second time; of the same sounds
    # over a noise of 1000 steps none, so what is added is small, and it is not from our side.
    if engine.model.family is Family.WENET_CTC:
        pytest.skip("sherpa-onnx 2.0.1 adds noise of its own to what it gives WeNet's models")


def test_what_is_read_follows_from_the_audio_alone(engine: SherpaOfflineEngine) -> None:
    _skip_if_dithered(engine)
    first = read(engine, sound())
    read(engine, sound(2.0, seed=8))
    assert read(engine, sound()) == first
    if engine.model.family not in (Family.TDNN, Family.OMNILINGUAL, Family.MEDASR):
        # Those three are given what these noises hardly differ in.
        assert read(engine, sound(seed=9)).text != first.text


def test_silence_before_a_word_moves_it(engine: SherpaOfflineEngine) -> None:
    if engine.model.family in (Family.TELESPEECH, Family.OMNILINGUAL):
        pytest.skip("this model hears words in silence too")
    hypothesis = read(engine, sound())
    # Frames of 80 ms, and of seven times 10 ms side by side.
    assert abs(hypothesis.words[0].start_sample - LEAD_S * SAMPLE_RATE) < 0.2 * SAMPLE_RATE


@pytest.mark.parametrize("samples", [0, 1, 160, 2000])
def test_an_utterance_may_be_short(engine: SherpaOfflineEngine, samples: int) -> None:
    hypothesis = read(engine, sound()[-samples - 16_000 :][:samples])
    assert all(word.end_sample <= samples for word in hypothesis.words)
    if not samples:
        assert hypothesis == Hypothesis()


def test_threads_read_beside_each_other(engine: SherpaOfflineEngine) -> None:
    _skip_if_dithered(engine)
    sounds = [sound(0.5 + 0.3 * number, seed=number) for number in range(8)]
    expected = [read(engine, samples) for samples in sounds]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda samples: read(engine, samples), sounds)) == expected


def test_what_a_family_can_do_is_told(engine: SherpaOfflineEngine) -> None:
    known = engine.capabilities
    assert (known.max_batch, known.partials, known.hot_words) == (1, False, False)
    assert known.word_times == (engine.model.family is not Family.PARAFORMER)
    assert known.writing.punctuation == (engine.model.family is Family.SENSE_VOICE)
    assert known.sample_rate == SAMPLE_RATE
    detecting = {Family.SENSE_VOICE, Family.DOLPHIN, Family.OMNILINGUAL}
    assert known.detects_language == (engine.model.family in detecting)
    if engine.model.family is not Family.TDNN:
        assert 25 * SAMPLE_RATE <= (known.longest_samples or 0) <= 60 * SAMPLE_RATE


def test_what_is_heard_beside_words_is_told(tmp_path: Path) -> None:
    engine = SherpaOfflineEngine(SherpaOfflineOptions(model=str(write_sense_voice(tmp_path))))
    hypothesis = read(engine, sound())
    assert hypothesis.findings == Findings("chinese", "happy", "speech")
    assert not any("<" in word.text for word in hypothesis.words)
    told = SherpaOfflineEngine(
        SherpaOfflineOptions(model=str(tmp_path), language="english", threads=2)
    )
    assert read(told, sound()).findings == Findings("english", "happy", "speech")
    assert told.capabilities.languages == ("english",)
    assert not told.capabilities.detects_language


def test_whisper_is_read_by_several_threads_though_it_keeps_state(tmp_path: Path) -> None:
    engine = SherpaOfflineEngine(SherpaOfflineOptions(model=str(write_whisper(tmp_path))))
    with ThreadPoolExecutor(4) as threads:
        heard = list(threads.map(lambda seed: read(engine, sound(seed=seed)), range(4)))
    assert {hypothesis.text for hypothesis in heard} == {SAID}
    assert [word.text for word in heard[0].words] == ["Hello,", "你!"]
    assert heard[0].findings == Findings("chinese")
    told = SherpaOfflineEngine(SherpaOfflineOptions(model=str(tmp_path), language="english"))
    assert read(told, sound()).findings == Findings("english")


def test_a_fault_of_an_utterance_is_its_own(tmp_path: Path) -> None:
    engine = SherpaOfflineEngine(
        SherpaOfflineOptions(model=str(write_offline_transducer(tmp_path)))
    )
    expected = read(engine, sound())
    inner: Any = engine._recognisers.fast

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

        def decode_stream(self, stream: object) -> None:
            raise RuntimeError("onnxruntime says no")

    failing: Any = Failing()
    object.__setattr__(engine._recognisers, "fast", failing)
    with pytest.raises(DecodeFailed, match="failed on this utterance"):
        read(engine, sound())
    object.__setattr__(engine._recognisers, "fast", inner)
    assert read(engine, sound()) == expected


def test_hot_words_are_preferred_by_a_beam_search(tmp_path: Path) -> None:
    folder = write_offline_transducer(tmp_path)
    write_pieces(dict.fromkeys(MIXED[len(HAN) + 1 :], -1.0), folder / "bpe.vocab")
    options = SherpaOfflineOptions(model=str(folder), hot_words=True, hot_word_boost=20.0, beam=40)
    engine = SherpaOfflineEngine(options)
    assert engine.capabilities.hot_words
    plain = read(engine, sound())
    word = HotWord("北京")
    biased = read(engine, sound(), word)
    assert "北京" in biased.text
    assert "北京" not in plain.text
    (reading,) = engine.read([Utterance(sound(), (word, HotWord("Ω")))])
    assert reading.refused_hot_words == (HotWord("Ω"),)
    assert reading.hypothesis == biased


def test_hot_words_that_are_off_are_refused(tmp_path: Path) -> None:
    engine = SherpaOfflineEngine(
        SherpaOfflineOptions(model=str(write_offline_paraformer(tmp_path)))
    )
    with pytest.raises(DecodeFailed, match="set the option hot_words to true"):
        read(engine, sound(), HotWord("北京"))


def test_options_of_live_speech_and_of_the_model_stand_side_by_side(tmp_path: Path) -> None:
    folder = str(write_offline_paraformer(tmp_path))
    spec = EngineSpec("sherpa-onnx-offline", {"model": folder, "interval_ms": 500, "streams": 4})
    live = load(spec)
    assert live.capabilities.step_samples == SAMPLE_RATE // 2
    assert live.capabilities.partials
    (reading,) = load_offline(spec).read([Utterance(sound())])
    stream = live.open()
    stream.accept(sound())
    stream.finish()
    live.decode([stream])
    assert stream.hypothesis() == reading.hypothesis


@dataclass
class Said:
    """A result, as sherpa-onnx gives one."""

    text: str = ""
    tokens: Sequence[str] = ()
    timestamps: Sequence[float] = ()
    ys_log_probs: Sequence[float] = ()
    lang: str = ""
    emotion: str = ""
    event: str = ""


@dataclass
class Broken(Said):
    """One whose tokens are parts of letters."""

    tokens: Sequence[str] = field(init=False)

    def __getattribute__(self, name: str) -> Any:
        if name == "tokens":
            raise UnicodeDecodeError("utf-8", b"\xe4", 0, 1, "unexpected end of data")
        return super().__getattribute__(name)


MAKER = WordMaker(Vocabulary({0: " hel", 1: "lo", 2: ","}, Style.MARKED, lower=False))


def test_tokens_without_times_share_the_audio_and_keep_their_probability() -> None:
    said: Any = Said(
        tokens=[" hel", "lo", ",", " hel"], ys_log_probs=[float(np.log(0.25))] * 3 + [0.0]
    )
    hypothesis = hypothesis_of(said, MAKER, sound())
    assert [word.text for word in hypothesis.words] == ["hello,", "hel"]
    assert [round(word.confidence, 3) for word in hypothesis.words] == [0.25, 1.0]
    assert hypothesis.confidence == pytest.approx(0.625)
    assert hypothesis.findings is None


def test_text_is_read_where_tokens_are_parts_of_letters() -> None:
    said: Any = Broken(text=" 你好， hello!", timestamps=[0.1], lang="yue")
    hypothesis = hypothesis_of(said, MAKER, sound())
    assert hypothesis.text == "你好，hello!"
    assert [word.text for word in hypothesis.words] == ["你", "好，", "hello!"]
    assert hypothesis.findings == Findings("cantonese")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said(lang="<|nospeech|>", emotion="<|EMO_UNKNOWN|>", event="<|Event_UNK|>"), None),
        (Said(event="<|BGM|>"), Findings(event="music")),
        (Said(lang="<|ko|>", emotion="<|ANGRY|>"), Findings("korean", "angry")),
        (Said(lang="xx"), Findings("xx")),
    ],
)
def test_tags_are_told_in_plain_words(said: Any, expected: Findings | None) -> None:
    assert hypothesis_of(said, None, sound()).findings == expected


def with_tokens(folder: Path) -> Path:
    """The published weights of Moonshine, with the tokens as sherpa-onnx takes them."""
    for name in FILES:
        (folder / name).symlink_to(Path(MOONSHINE.folder()) / name)
    pieces = read_pieces(folder / "tokenizer.bin")
    # An empty piece must not be an empty field.
    lines = (
        f"{base64.b64encode(piece or b'?').decode()} {number}\n"
        for number, piece in enumerate(pieces)
    )
    (folder / "tokens.txt").write_text("".join(lines), "utf-8")
    return folder


@pytest.mark.engine
@pytest.mark.skipif(bool(MOONSHINE.lacks()), reason=MOONSHINE.lacks() or "it is there")
def test_moonshine_reads_speech(tmp_path: Path) -> None:
    engine = SherpaOfflineEngine(SherpaOfflineOptions(model=str(with_tokens(tmp_path))))
    assert engine.model.family is Family.MOONSHINE_V2
    spoken = recording("library")
    hypothesis = read(engine, spoken.samples)
    heard = re.sub(r"[^a-z ]", "", hypothesis.text.lower())
    assert jiwer.wer(re.sub(r"[^a-z ]", "", spoken.text.lower()), heard) <= 0.1
    assert hypothesis.text[0].isupper()
    assert hypothesis.text[-1] in ".!?"
