"""Whisper with its weights: words, times, languages, prompts, and noise that is no speech."""

from __future__ import annotations

import difflib
import re
import shutil
import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from bench.noisy_speech import NoiseKind, as_samples, make_noise
from bench.recordings import load as recording
from bench.recordings import load_unknown_name, names
from decoder import DecodeFailed, EngineUnavailable, HotWord
from decoder.engine import SAMPLE_RATE, Samples
from decoder.offline import OfflineEngine, Reading, Utterance
from decoder.registry import EngineSpec, OptionValue, load_offline
from tests.decoder.models.weights import WHISPER

pytestmark = [
    *WHISPER.needed,
]


def loaded(**options: OptionValue) -> OfflineEngine:
    return load_offline(EngineSpec("whisper", {"model": WHISPER.folder(), **options}))


@pytest.fixture(scope="module")
def english() -> OfflineEngine:
    return loaded(languages="english")


@pytest.fixture(scope="module")
def detecting() -> OfflineEngine:
    return loaded(languages="chinese,english")


def read(engine: OfflineEngine, samples: Samples, *hot_words: str, context: str = "") -> Reading:
    words = tuple(HotWord(word) for word in hot_words)
    return engine.read([Utterance(samples, words, context=context)])[0]


def bare(text: str) -> str:
    return re.sub(r"[^\w' ]+", "", text.lower())


def test_what_it_can_do_follows_from_its_languages(
    english: OfflineEngine, detecting: OfflineEngine
) -> None:
    assert english.capabilities.languages == ("english",)
    assert not english.capabilities.detects_language
    assert detecting.capabilities.languages == ("chinese", "english")
    assert detecting.capabilities.detects_language


def test_words_are_in_their_places(english: OfflineEngine) -> None:
    """Median within 50 ms and nine of ten within 150 ms, of starts and of ends."""
    off: list[float] = []
    said = 0
    for name in names():
        truth = recording(name)
        if len(truth.sentences) > 1:
            continue
        heard = read(english, truth.samples).hypothesis.words
        pairs = difflib.SequenceMatcher(
            None, [word.text for word in truth.words], [bare(word.text) for word in heard], False
        )
        said += len(truth.words)
        for at, there, count in pairs.get_matching_blocks():
            for true, word in zip(truth.words[at:], heard[there : there + count], strict=False):
                off.append(abs(word.start_sample / 16 - true.start_ms))
                off.append(abs(word.end_sample / 16 - true.end_ms))
    assert len(off) > 1.7 * said
    assert np.percentile(off, 50) <= 50
    assert np.percentile(off, 90) <= 150


def test_the_same_audio_is_read_the_same_by_several_threads_at_once(
    english: OfflineEngine,
) -> None:
    spoken = [recording(name).samples for name in ("library", "bed", "rain")]
    alone = [read(english, samples) for samples in spoken]
    together: dict[int, Reading] = {}

    def work(index: int) -> None:
        together[index] = read(english, spoken[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(spoken))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[index] for index in range(len(spoken))] == alone


def test_what_is_spoken_is_found_out_among_the_languages(detecting: OfflineEngine) -> None:
    # Of the synthesised ones in Mandarin the one of which it is sure, whatever processor adds up.
    mandarin = recording("conversation", "zh").samples
    for samples, language in ((recording("library").samples, "english"), (mandarin, "chinese")):
        findings = read(detecting, samples).hypothesis.findings
        assert findings is not None
        assert findings.language == language


def test_where_one_language_is_told_nothing_is_found_out(english: OfflineEngine) -> None:
    assert read(english, recording("library").samples).hypothesis.findings is None


def test_a_hot_word_that_is_missed_without_is_found_with_it(english: OfflineEngine) -> None:
    truth = load_unknown_name()
    name = truth.words[-1].text
    assert name not in bare(read(english, truth.samples).hypothesis.text)
    told = read(english, truth.samples, "Zorblax", name.capitalize())
    assert told.refused_hot_words == ()
    assert f"{name.capitalize()}." in told.hypothesis.text.split()


def test_more_hot_words_than_a_prompt_holds_are_refused(english: OfflineEngine) -> None:
    many = tuple(f"Kaelith{number}" for number in range(200))
    reading = read(english, recording("library").samples, *many)
    assert 100 < len(reading.refused_hot_words) < 200
    assert reading.refused_hot_words[-1].text == many[-1]


@pytest.mark.parametrize("kind", [one for one in NoiseKind if one is not NoiseKind.BABBLE])
def test_noise_has_no_words_even_where_it_was_told_some(
    english: OfflineEngine, kind: NoiseKind
) -> None:
    noise = as_samples(800 * make_noise(kind, 5 * SAMPLE_RATE, 7))
    assert read(english, noise).hypothesis.text == ""
    told = read(english, noise, "Dashwood", context="He was not an ill-disposed young man.")
    assert told.hypothesis.text == ""


@pytest.mark.parametrize("length", [0, 1, 161, SAMPLE_RATE // 20, SAMPLE_RATE])
def test_silence_has_no_words(english: OfflineEngine, length: int) -> None:
    assert read(english, np.zeros(length, np.int16)).hypothesis.words == ()


def test_more_than_the_window_is_refused_and_all_of_it_is_read(english: OfflineEngine) -> None:
    with pytest.raises(DecodeFailed, match=r"an utterance of 30.1 s; .* at most 30 s"):
        read(english, np.zeros(30 * SAMPLE_RATE + 1600, np.int16))
    sentence = recording("library").samples
    apart = np.zeros(8 * SAMPLE_RATE, np.int16)
    long = np.concatenate([sentence, apart, apart, sentence])
    longest = english.capabilities.longest_samples
    assert longest is not None
    assert len(long) > longest
    words = read(english, long[: 30 * SAMPLE_RATE]).hypothesis.words
    assert words[-1].start_sample > len(sentence) + 15 * SAMPLE_RATE


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    reading = read(loaded(languages="english"), recording("library").samples)
    assert "library" in reading.hypothesis.text


def test_a_language_that_the_model_does_not_know_is_refused() -> None:
    with pytest.raises(
        EngineUnavailable, match=r"does not know sichuan; it knows afrikaans, .*map"
    ):
        loaded(languages="chinese,sichuan")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for path in Path(WHISPER.folder()).iterdir():
        if path.name != "model.bin":
            shutil.copy(path, tmp_path / path.name)
    (tmp_path / "model.bin").symlink_to(Path(WHISPER.folder()).absolute() / "model.bin")
    return tmp_path


def test_weights_that_are_broken_off_are_told(copied: Path) -> None:
    whole = (copied / "model.bin").read_bytes()
    (copied / "model.bin").unlink()
    (copied / "model.bin").write_bytes(whole[: len(whole) // 30])
    with pytest.raises(EngineUnavailable, match=r"cannot be loaded: .*; pull the model again"):
        loaded(model=str(copied))


def test_files_of_two_models_are_told(copied: Path) -> None:
    (copied / "vocabulary.json").write_text('["a", "b"]')
    with pytest.raises(EngineUnavailable, match=r"tokenizer.json and the vocabulary beside it are"):
        loaded(model=str(copied))


def test_features_of_another_model_are_told(copied: Path) -> None:
    (copied / "preprocessor_config.json").write_text('{"feature_size": 128}')
    with pytest.raises(
        EngineUnavailable, match=r"hears 80 bands and preprocessor_config.json .*128"
    ):
        loaded(model=str(copied))
