"""The bundled small model, through the engine: Mandarin with English words, in synthetic voices.

The recordings are of voices and sentences that its training left out (`tests/speech/zh`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import jiwer
import numpy as np
import pytest

from bench.recordings import Recording, load_demo, names
from bench.recordings import load as recording
from decoder import Engine, HotWord, Hypothesis
from decoder.engine import Samples
from decoder.registry import EngineSpec, load
from decoder.sherpa.graphs import read_graph
from decoder.sherpa.vocabulary import read_pieces
from rasr.audio import SAMPLE_RATE
from rasr.models.store import open_store

CHUNK = SAMPLE_RATE // 10


def folder() -> Path:
    store = open_store("", {})
    model = store.catalogue.find("tiny-zh-en")
    assert model is not None
    return store.require(model)


@pytest.fixture(scope="module")
def engine() -> Engine:
    options: dict[str, str | int | float | bool] = {
        "model": str(folder()),
        "search": "beam",
        "hot_words": True,
    }
    return load(EngineSpec("sherpa-onnx", options))


def every_recording() -> list[Recording]:
    return [*(recording(name, "zh") for name in names("zh")), load_demo("zh")]


def listened(
    engine: Engine, samples: Samples, hot_words: Sequence[HotWord] = ()
) -> Iterator[Hypothesis]:
    """The hypothesis after each chunk, and at last the final one."""
    stream = engine.open(hot_words)
    for start in range(0, samples.size, CHUNK):
        stream.accept(samples[start : start + CHUNK])
        if stream.ready:
            engine.decode([stream])
        yield stream.hypothesis()
    stream.finish()
    engine.decode([stream])
    yield stream.hypothesis()
    stream.close()


def heard(engine: Engine, samples: Samples, *hot_words: str) -> Hypothesis:
    return list(listened(engine, samples, [HotWord(text) for text in hot_words]))[-1]


def characters_wrong(said: str, written: str) -> int:
    found = jiwer.process_characters(said.replace(" ", ""), written.replace(" ", "") or "-")
    return found.substitutions + found.deletions + found.insertions


def test_one_character_in_twenty_at_most_is_wrong(engine: Engine) -> None:
    recordings = every_recording()
    wrong = sum(characters_wrong(one.text, heard(engine, one.samples).text) for one in recordings)
    assert wrong <= 0.05 * sum(len(one.text.replace(" ", "")) for one in recordings)


@pytest.mark.long
def test_a_beam_is_another_search_than_the_best_path_alone(engine: Engine) -> None:
    greedy = load(EngineSpec("sherpa-onnx", {"model": str(folder())}))
    differing = [
        one.name
        for one in every_recording()
        if heard(greedy, one.samples) != heard(engine, one.samples)
    ]
    assert differing, "both searches find the same words with the same confidence"


def test_chinese_is_written_without_spaces_and_english_apart(engine: Engine) -> None:
    for name in ("alarm", "coffee"):
        one = recording(name, "zh")
        assert heard(engine, one.samples).text == one.text
    assert " " not in recording("alarm", "zh").text
    assert " coffee " in recording("coffee", "zh").text


def test_partials_come_while_it_is_being_said(engine: Engine) -> None:
    one = recording("date", "zh")
    texts = [hypothesis.text for hypothesis in listened(engine, one.samples)]
    half = texts[(one.words[-1].end_ms // 2) // 100]
    assert len(half) >= 3
    assert texts[-1].startswith(half)
    assert len(set(texts)) > len(one.words) // 2
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))


def test_of_a_hundred_words_ninety_five_begin_within_200_ms_of_where_they_are_said(
    engine: Engine,
) -> None:
    late_ms: list[float] = []
    for one in every_recording():
        words = heard(engine, one.samples).words
        if [word.text for word in words] == [word.text for word in one.words]:
            late_ms += [
                word.start_sample * 1000 / SAMPLE_RATE - said.start_ms
                for word, said in zip(words, one.words, strict=True)
            ]
    assert len(late_ms) > 100
    assert np.mean(np.abs(late_ms) <= 200) >= 0.95


def test_a_batch_hears_what_each_of_its_streams_hears_alone(engine: Engine) -> None:
    spoken = [one.samples for one in every_recording()]
    alone = [heard(engine, audio) for audio in spoken]
    streams = [engine.open() for _ in spoken]
    for stream, audio in zip(streams, spoken, strict=True):
        stream.accept(audio)
        stream.finish()
    engine.decode(streams)
    for stream, expected in zip(streams, alone, strict=True):
        found = stream.hypothesis()
        assert [(word.text, word.start_sample, word.end_sample) for word in found.words] == [
            (word.text, word.start_sample, word.end_sample) for word in expected.words
        ]
        assert [word.confidence for word in found.words] == pytest.approx(
            [word.confidence for word in expected.words], abs=1e-3
        )
        stream.close()


def test_a_name_that_sounds_like_a_more_frequent_one_is_written_if_it_is_a_hot_word(
    engine: Engine,
) -> None:
    audio = recording("conversation", "zh").samples
    assert "刘洋" in heard(engine, audio).text
    assert "刘阳" in heard(engine, audio, "刘阳").text


def test_hot_words_that_are_not_said_change_nothing(engine: Engine) -> None:
    for name in ("alarm", "email", "weather"):
        audio = recording(name, "zh").samples
        assert heard(engine, audio, "刘阳", "bluetooth").text == heard(engine, audio).text


def test_the_last_word_survives_without_any_silence_after_it(engine: Engine) -> None:
    for one in every_recording():
        end = one.words[-1].end_ms * SAMPLE_RATE // 1000
        whole, cut = heard(engine, one.samples), heard(engine, one.samples[:end])
        assert cut.words[-1].text == whole.words[-1].text


def test_its_pieces_cut_english_words_as_training_did() -> None:
    pieces = read_pieces(folder() / "bpe.vocab")
    lines = (folder() / "tokens.txt").read_text("utf-8").splitlines()
    tokens = {line.rpartition(" ")[0] for line in lines}
    assert set(pieces) <= tokens
    words = {piece for piece in pieces if piece[:1] == "▁" and piece[1:]}
    assert {"▁coffee", "▁music"} <= words
    # Whole, because no spelling of a word is as likely as the word.
    assert all(pieces[word] > sum(pieces[letter] for letter in word) for word in words)


def test_it_is_small_and_says_its_delay() -> None:
    assert sum(path.stat().st_size for path in folder().iterdir()) < 5e6
    metadata = read_graph(folder() / "encoder.onnx").metadata
    assert 0 < int(metadata["emission_delay_ms"]) < 1000
    assert metadata["languages"] == "chinese"
