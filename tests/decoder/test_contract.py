"""One contract for every engine: what `decoder.engine` promises, held against each of them."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.recordings import load as recording
from decoder import DecodeFailed, Engine, EngineUnavailable, HotWord, Hypothesis
from decoder.engine import Samples
from decoder.joining import join_words
from decoder.registry import EngineSpec, describe, load
from tests.decoder.models.offline import write_offline_transducer
from tests.decoder.models.transducer import write_lstm
from tests.decoder.models.weights import MOONSHINE, WHISPER

STREAMS = 2
_SPECS = {
    "fake": EngineSpec("fake", {"streams": STREAMS}),
    "fake 8 kHz": EngineSpec("fake", {"streams": STREAMS, "sample_rate": 8000}),
    "pocketsphinx": EngineSpec("pocketsphinx", {"decoders": STREAMS}),
}


@pytest.fixture(
    scope="module",
    params=[
        "fake",
        "fake 8 kHz",
        pytest.param("pocketsphinx", marks=pytest.mark.engine),
        "sherpa-onnx",
        "sherpa-onnx-offline",
        pytest.param("moonshine", marks=MOONSHINE.needed),
        pytest.param("whisper", marks=WHISPER.needed),
    ],
)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    if request.param == "sherpa-onnx":
        return load(_sherpa(write_lstm(tmp_path_factory.mktemp("lstm"))))
    if request.param == "sherpa-onnx-offline":
        folder = write_offline_transducer(tmp_path_factory.mktemp("offline"))
        return load(EngineSpec(request.param, {"model": str(folder), "streams": STREAMS}))
    if request.param == "whisper":
        return load(_whisper())
    if request.param == "moonshine":
        return load(EngineSpec("moonshine", {"model": MOONSHINE.folder(), "streams": STREAMS}))
    return load(_SPECS[request.param])


def _sherpa(folder: Path) -> EngineSpec:
    return EngineSpec(
        "sherpa-onnx", {"model": str(folder), "streams": STREAMS, "languages": "english"}
    )


def _whisper() -> EngineSpec:
    return EngineSpec(
        "whisper", {"model": WHISPER.folder(), "streams": STREAMS, "languages": "english"}
    )


def audio() -> Samples:
    return recording("library").samples


def decoded(engine: Engine, *chunks: Samples, watch: bool = False) -> Hypothesis:
    """The final hypothesis of the chunks as one utterance."""
    stream = engine.open()
    try:
        for chunk in chunks:
            stream.accept(chunk)
            if stream.ready:
                engine.decode([stream])
            if watch:
                stream.hypothesis()
        stream.finish()
        if stream.ready:
            engine.decode([stream])
        return stream.hypothesis()
    finally:
        stream.close()


def test_every_engine_takes_16_khz(engine: Engine) -> None:
    assert engine.capabilities.sample_rate == 16_000


def test_a_stream_is_ready_after_as_many_samples_as_are_said(engine: Engine) -> None:
    known = engine.capabilities
    stream = engine.open()
    # An engine that reads utterances anew does so for those who look.
    # An engine that reads anew as the utterance grows does so for who watches.
    stream.hypothesis()
    for count in (known.first_step_samples, known.step_samples, known.step_samples):
        stream.accept(np.zeros(count - 1, np.int16))
        ready = [stream.ready]
        stream.accept(np.zeros(1, np.int16))
        ready.append(stream.ready)
        engine.decode([stream])
        assert [*ready, stream.ready] == [False, True, False]
    stream.close()


def test_words_are_in_order_apart_and_inside_the_audio(engine: Engine) -> None:
    samples = audio()
    result = decoded(engine, samples)
    assert result.words
    assert result.text == join_words(word.text for word in result.words)
    for word in result.words:
        assert 0 <= word.start_sample < word.end_sample <= len(samples)
        assert 0 < word.confidence <= 1
    for before, after in itertools.pairwise(result.words):
        assert before.end_sample <= after.start_sample
    assert 0 < result.confidence <= 1


@settings(max_examples=5)
@given(cuts=st.lists(st.integers(1, 20_000), min_size=1, max_size=6))
def test_audio_cut_anyhow_gives_the_same_final(engine: Engine, cuts: list[int]) -> None:
    samples = audio()
    borders = [0, *itertools.accumulate(cuts)]
    chunks = [samples[start:end] for start, end in itertools.pairwise(borders)]
    chunks.append(samples[borders[-1] :])
    assert decoded(engine, *chunks) == decoded(engine, samples)


def test_watching_an_utterance_does_not_change_its_final(engine: Engine) -> None:
    chunks = np.array_split(audio(), 20)
    assert decoded(engine, *chunks, watch=True) == decoded(engine, *chunks)


def test_a_result_does_not_depend_on_what_was_decoded_before(engine: Engine) -> None:
    first = decoded(engine, audio())
    noise = np.random.default_rng(5).normal(0, 2000, 24_000).astype(np.int16)
    for _ in range(2 * STREAMS):
        decoded(engine, noise)
        assert decoded(engine, audio()) == first


def test_streams_decoded_by_turns_do_not_mix(engine: Engine) -> None:
    spoken = audio(), recording("bed").samples
    alone = [decoded(engine, samples) for samples in spoken]
    streams = [engine.open() for _ in spoken]
    for pieces in zip(*(np.array_split(samples, 9) for samples in spoken), strict=True):
        for stream, piece in zip(streams, pieces, strict=True):
            stream.accept(piece)
            if stream.ready:
                engine.decode([stream])
    for stream in streams:
        stream.finish()
        if stream.ready:
            engine.decode([stream])
    assert [stream.hypothesis() for stream in streams] == alone
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("length", [0, 1, 10, 159, 161])
def test_next_to_no_audio_gives_an_empty_hypothesis(engine: Engine, length: int) -> None:
    assert decoded(engine, np.zeros(length, np.int16)).words == ()


def test_a_hypothesis_may_be_asked_for_at_any_time(engine: Engine) -> None:
    stream = engine.open()
    assert stream.hypothesis() == Hypothesis()
    grown = 0
    for chunk in np.array_split(audio(), 30):
        stream.accept(chunk)
        if stream.ready:
            engine.decode([stream])
        grown = max(grown, len(stream.hypothesis().words))
    assert grown > 1
    stream.close()


def test_a_stream_left_in_the_middle_is_given_back(engine: Engine) -> None:
    expected = decoded(engine, audio())
    for length in (0, 3200, 12_000, 30_000):
        stream = engine.open()
        stream.accept(audio()[:length])
        if stream.ready:
            engine.decode([stream])
        stream.close()
        stream.close()
    assert decoded(engine, audio()) == expected


def test_more_streams_than_there_are_is_told(engine: Engine) -> None:
    streams = [engine.open() for _ in range(STREAMS)]
    with pytest.raises(DecodeFailed, match=str(STREAMS)):
        engine.open()
    for stream in streams:
        stream.close()
    engine.open().close()


def test_hot_words_are_refused_where_they_are_not_known(engine: Engine) -> None:
    if engine.capabilities.hot_words:
        pytest.skip("this engine knows hot words")
    with pytest.raises(DecodeFailed, match="hot words"):
        engine.open([HotWord("dashwood")])


def test_an_engine_has_the_name_of_its_kind(engine: Engine) -> None:
    assert describe(engine.capabilities.name).name == engine.capabilities.name


def test_an_engine_that_is_not_installed_says_what_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in [name for name in sys.modules if name.startswith("decoder.pocketsphinx")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(EngineUnavailable, match="pip install pocketsphinx"):
        load(EngineSpec("pocketsphinx", {"decoders": 1}))
