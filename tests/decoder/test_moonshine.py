"""Moonshine with its published weights: words, cuts, hot words, noise, and broken models."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import numpy as np
import pytest

from bench.noisy_speech import NoiseKind, as_samples, make_noise
from bench.recordings import human_recordings, load, names
from decoder import EngineUnavailable, HotWord, Hypothesis
from decoder.engine import SAMPLE_RATE, Samples
from decoder.moonshine import MoonshineEngine, MoonshineOptions
from decoder.moonshine.engine import FILES
from decoder.offline import OfflineEngine, Utterance
from decoder.registry import EngineSpec, load_offline
from decoder.registry import load as load_engine
from rasr.cli.word_error_rate import edit_distance
from tests.decoder.models.weights import MOONSHINE
from tests.longer import mostly_long

pytestmark = MOONSHINE.needed
HUMAN = [one for one in human_recordings() if one.language == "en"]
no_people = pytest.mark.skipif(
    not HUMAN, reason="RASR_SPEECH_DIR names no folder of people's speech"
)


@pytest.fixture(scope="module")
def engine() -> OfflineEngine:
    return load_offline(EngineSpec("moonshine", {"model": MOONSHINE.folder()}))


def read(engine: OfflineEngine, samples: Samples, *hot_words: str) -> Hypothesis:
    (reading,) = engine.read([Utterance(samples, tuple(map(HotWord, hot_words)))])
    return reading.hypothesis


def words(text: str) -> list[str]:
    """Words as they are said, without marks and case."""
    said = text.lower().replace("mr.", "mister").replace("-", " ")
    return re.sub(r"[^a-z' ]", "", said).split()


def test_the_words_of_the_bundled_recordings_are_right(engine: OfflineEngine) -> None:
    wrong = {}
    for name in names():
        said = load(name)
        if len(said.samples) > (engine.capabilities.longest_samples or 0):
            continue
        heard = read(engine, said.samples).text.lower()
        for written, spelt in _SPELT.items():
            heard = heard.replace(written, spelt)
        if errors := edit_distance(words(said.text), words(heard)):
            wrong[name] = errors
    assert wrong == {}


_SPELT = {
    "23": "twenty three",
    "91": "ninety one",
    # Which of two spellings is meant nobody can hear.
    "every one": "everyone",
    "theatre": "theater",
}


@no_people
def test_of_the_words_of_people_at_most_two_of_a_hundred_are_wrong(engine: OfflineEngine) -> None:
    wrong = sum(
        edit_distance(words(one.text), words(read(engine, one.samples).text)) for one in HUMAN
    )
    assert wrong <= 0.02 * sum(len(words(one.text)) for one in HUMAN)


def test_marks_and_case_are_as_people_write_them(engine: OfflineEngine) -> None:
    assert read(engine, load("library").samples).text == "The library will be open on Monday."


@pytest.mark.parametrize("name", mostly_long(names()[:4], names()[0]))
def test_the_text_does_not_depend_on_how_the_audio_comes(name: str) -> None:
    engine = load_engine(EngineSpec("moonshine", {"model": MOONSHINE.folder(), "streams": 1}))
    samples = load(name).samples
    finals = set()
    for chunk in (800, 1600, 5000, 16_000, len(samples)):
        stream = engine.open()
        for at in range(0, len(samples), chunk):
            stream.accept(samples[at : at + chunk])
            stream.hypothesis()
            if stream.ready:
                engine.decode([stream])
        stream.finish()
        if stream.ready:
            engine.decode([stream])
        finals.add(stream.hypothesis())
        stream.close()
    assert len(finals) == 1


def test_threads_read_beside_each_other_and_do_not_mix(engine: OfflineEngine) -> None:
    spoken = [load(name).samples for name in names()[:4]]
    alone = [read(engine, samples) for samples in spoken]
    together: dict[int, list[Hypothesis]] = {}

    def work(number: int) -> None:
        order = spoken[number:] + spoken[:number]
        together[number] = [read(engine, samples) for samples in order]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, found in together.items():
        assert found == alone[number:] + alone[:number]


@pytest.mark.parametrize("kind", [kind for kind in NoiseKind if kind is not NoiseKind.BABBLE])
@pytest.mark.parametrize("seconds", [1, 3, 8])
def test_noise_alone_is_no_word(engine: OfflineEngine, kind: NoiseKind, seconds: int) -> None:
    noise = make_noise(kind, seconds * SAMPLE_RATE, seed=3)
    assert read(engine, as_samples(noise * 1000)).text == ""


@pytest.mark.parametrize("words_said", range(2, 9))
def test_speech_that_is_cut_off_is_not_lost(engine: OfflineEngine, words_said: int) -> None:
    said = load("rain")
    cut = said.words[words_said - 1].end_ms * SAMPLE_RATE // 1000
    assert len(read(engine, said.samples[:cut]).words) >= words_said - 1


@pytest.mark.parametrize("length", [0, 1, 1599, 1600, 1601, 3000])
def test_next_to_no_audio_is_no_word(engine: OfflineEngine, length: int) -> None:
    assert read(engine, np.zeros(length, np.int16)).words == ()


@no_people
def test_a_hot_word_that_was_missed_is_heard(engine: OfflineEngine) -> None:
    said = next(one for one in HUMAN if one.name == "austen-0880")
    assert "ill-disposed" not in read(engine, said.samples).text
    assert "ill-disposed" in read(engine, said.samples, "ill-disposed").text


@no_people
def test_hot_words_that_nobody_says_are_not_heard(engine: OfflineEngine) -> None:
    others = ("Tarkington", "Ashgrove", "Wednesbury", "photosynthesis", "Kowalczyk")
    for one in HUMAN:
        heard = read(engine, one.samples, *others).text.lower()
        assert not any(other.lower() in heard for other in others)
        assert edit_distance(words(one.text), words(heard)) <= 1


def test_words_have_a_place_a_confidence_and_guessed_times(engine: OfflineEngine) -> None:
    samples = load("question").samples
    found = read(engine, samples)
    assert all(0 <= word.start_sample < word.end_sample <= len(samples) for word in found.words)
    assert all(0 < word.confidence <= 1 and word.times_guessed for word in found.words)


# Models that are broken


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy whose files a test may damage."""
    for name in FILES:
        (tmp_path / name).symlink_to(Path(MOONSHINE.folder()) / name)
    return tmp_path


def refusal(folder: Path) -> str:
    with pytest.raises(EngineUnavailable) as refused:
        MoonshineEngine(MoonshineOptions(model=str(folder)))
    return str(refused.value)


def replace(file: Path, content: bytes) -> None:
    file.unlink()
    file.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_with_the_cure(model: Path, name: str) -> None:
    (model / name).unlink()
    assert refusal(model) == f"{model} lacks {name}; pull the model again"


@pytest.mark.parametrize("name", FILES[:2])
def test_a_file_that_is_cut_off_is_named_with_the_cure(model: Path, name: str) -> None:
    replace(model / name, (model / name).read_bytes()[:10_000])
    said = refusal(model)
    assert said.startswith(f"{model / name} cannot be loaded: ")
    assert said.endswith("; pull the model again")


def test_a_graph_of_another_kind_is_told_from_its_inputs(model: Path) -> None:
    replace(model / FILES[1], (model / FILES[0]).read_bytes())
    assert "it is another graph, or one of another version" in refusal(model)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x05abc", "ends in the middle of a token"),
        (b"", "holds no tokens"),
        (b"\x01a\x01b\x01c\x01d", "holds 4 tokens and decoder_model_merged.ort knows 32768"),
    ],
)
def test_tokens_of_another_model_are_refused(model: Path, content: bytes, sentence: str) -> None:
    replace(model / FILES[2], content)
    assert sentence in refusal(model)


def test_a_folder_that_is_not_there_is_named() -> None:
    assert refusal(Path("/no/model")).startswith("there is no model folder /no/model")
