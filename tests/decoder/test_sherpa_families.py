"""Each family that sherpa-onnx decodes, through a tiny model of its layout."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from decoder import Hypothesis
from decoder.engine import Samples
from decoder.sherpa import SherpaEngine, SherpaOptions
from decoder.sherpa.families import Family
from decoder.sherpa.recogniser import NativeStream
from tests.decoder.models.catalogue import WRITERS
from tests.decoder.models.transducer import write_late


@pytest.fixture(scope="module", params=list(WRITERS))
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> SherpaEngine:
    folder = WRITERS[request.param](tmp_path_factory.mktemp("model"))
    return SherpaEngine(SherpaOptions(model=str(folder)))


def silence(engine: SherpaEngine, ms: int) -> Samples:
    return np.zeros(ms * engine.capabilities.sample_rate // 1000, np.int16)


def noise(engine: SherpaEngine, ms: int, seed: int = 1) -> Samples:
    """Noise whose colour changes every 80 ms, so that it is more than one token long."""
    rate = engine.capabilities.sample_rate
    random = np.random.default_rng(seed)
    pieces = []
    for _ in range(0, ms, 80):
        white = random.normal(0, 1, rate * 80 // 1000 + 64)
        shape = random.normal(0, 1, 32)
        coloured = np.convolve(white, shape, "same")[: rate * 80 // 1000]
        pieces.append(3000 * coloured / np.abs(coloured).max())
    return np.concatenate(pieces)[: ms * rate // 1000].astype(np.int16)


def decoded(engine: SherpaEngine, *chunks: Samples) -> Hypothesis:
    stream = engine.open()
    try:
        for chunk in chunks:
            stream.accept(chunk)
            if stream.ready:
                engine.decode([stream])
        stream.finish()
        if stream.ready:
            engine.decode([stream])
        return stream.hypothesis()
    finally:
        stream.close()


def utterances(engine: SherpaEngine) -> Sequence[Samples]:
    lengths = (400, 1230, 90, 2000, 777, 1500, 640)
    return [
        np.concatenate([silence(engine, 50 * seed), noise(engine, length, seed)])
        for seed, length in enumerate(lengths)
    ]


@pytest.mark.parametrize("lead_ms", [0, 100, 217, 305, 333, 480, 590])
def test_the_last_word_survives_without_silence_after_it(
    engine: SherpaEngine, lead_ms: int
) -> None:
    audio = np.concatenate([silence(engine, lead_ms), noise(engine, 640)])
    alone = decoded(engine, audio)
    assert alone.words
    assert alone.text == decoded(engine, audio, silence(engine, 3000)).text


@pytest.mark.parametrize("lead_ms", [0, 100, 217, 305, 333])
@pytest.mark.parametrize("delay_ms", [-1, 320])
def test_the_last_word_survives_in_a_model_that_speaks_late(
    tmp_path: Path, delay_ms: int, lead_ms: int
) -> None:
    """Also where nobody said how late."""
    options = SherpaOptions(model=str(write_late(tmp_path)), emission_delay_ms=delay_ms)
    engine = SherpaEngine(options)
    audio = np.concatenate([silence(engine, lead_ms), noise(engine, 640)])
    alone = decoded(engine, audio)
    assert alone.words
    assert alone.text == decoded(engine, audio, silence(engine, 3000)).text


@pytest.mark.parametrize("lead_ms", [0, 100, 217, 305, 333])
def test_silence_that_was_heard_is_not_asked_for_again(engine: SherpaEngine, lead_ms: int) -> None:
    audio = np.concatenate([silence(engine, lead_ms), noise(engine, 640)])
    expected = decoded(engine, audio).text
    recogniser = engine._recognisers.fast
    steps: list[int] = []

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(recogniser, name)

        def decode_streams(self, streams: list[NativeStream]) -> None:
            steps.append(len(streams))
            recogniser.decode_streams(streams)

    def ended(heard: int, known: int) -> str:
        stream = engine.open()
        stream.recogniser = Counting()  # type: ignore[assignment]
        stream.accept(audio)
        stream.accept(np.zeros(heard, np.int16))
        engine.decode([stream])
        stream.finish(known)
        steps.clear()
        engine.decode([stream])
        text = stream.hypothesis().text
        stream.close()
        return text

    window = engine.chunking.window
    assert ended(window, window) == expected
    known = len(steps)
    assert ended(window, 0) == expected
    assert known < len(steps)
    assert ended(0, 0) == expected


def test_the_delay_of_a_model_is_taken_off_its_word_times(tmp_path: Path) -> None:
    engine = SherpaEngine(
        SherpaOptions(model=str(write_late(tmp_path, metadata={"emission_delay_ms": 320})))
    )
    audio = np.concatenate([silence(engine, 960), noise(engine, 640)])
    assert decoded(engine, audio).words[0].start_sample / 16000 == pytest.approx(0.96, abs=0.05)


def test_transducers_are_more_or_less_sure_of_each_word_and_others_do_not_say(
    engine: SherpaEngine,
) -> None:
    final = decoded(engine, silence(engine, 300), noise(engine, 1500))
    confidences = [word.confidence for word in final.words]
    assert confidences
    if engine.model.family in (Family.TRANSDUCER, Family.NEMO_TRANSDUCER):
        assert all(0 < confidence <= 1 for confidence in confidences)
        assert len(set(confidences)) > 1
        assert final.confidence == pytest.approx(np.mean(confidences))
    else:
        assert {*confidences, final.confidence} == {0.0}


def test_the_silence_at_the_end_is_no_more_than_a_step_longer_than_needed(
    engine: SherpaEngine,
) -> None:
    chunking = engine.chunking
    assert chunking.window <= chunking.ending <= chunking.window + chunking.shift


def test_digital_silence_says_nothing(engine: SherpaEngine) -> None:
    assert decoded(engine, silence(engine, 2000)) == Hypothesis()


def test_a_batch_gives_each_stream_what_it_gets_alone(engine: SherpaEngine) -> None:
    spoken = utterances(engine)
    alone = [decoded(engine, audio) for audio in spoken]
    assert len({result.text for result in alone}) > 3
    streams = [engine.open() for _ in spoken]
    for pieces in zip(*(np.array_split(audio, 5) for audio in spoken), strict=True):
        for stream, piece in zip(streams, pieces, strict=True):
            stream.accept(piece)
        engine.decode(streams)
    for stream in streams:
        stream.finish()
    engine.decode(streams)
    together = [stream.hypothesis() for stream in streams]
    assert [result.text for result in together] == [result.text for result in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.confidence == pytest.approx(other.confidence, rel=1e-4)
    for stream in streams:
        stream.close()


def test_audio_cut_anyhow_gives_the_same_final(engine: SherpaEngine) -> None:
    audio = noise(engine, 2400, 4)
    whole = decoded(engine, audio)
    for size in (77, 160, 1601, 5119):
        cuts = range(0, len(audio) + size, size)
        chunks = [audio[start:end] for start, end in itertools.pairwise(cuts)]
        assert decoded(engine, *chunks) == whole


def test_threads_decode_streams_of_one_engine_at_the_same_time(engine: SherpaEngine) -> None:
    spoken = [*utterances(engine)] * 4
    alone = [decoded(engine, audio) for audio in spoken]
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(lambda audio: decoded(engine, audio), spoken))
    assert at_once == alone


def test_words_are_placed_where_the_audio_is(engine: SherpaEngine) -> None:
    if not engine.capabilities.word_times:
        pytest.skip("paraformers say no times")
    rate = engine.capabilities.sample_rate
    audio = np.concatenate([silence(engine, 960), noise(engine, 960), silence(engine, 960)])
    words = decoded(engine, audio).words
    assert words[0].start_sample / rate == pytest.approx(0.96, abs=0.1)
    assert words[-1].start_sample / rate < 2.1


def test_words_without_times_share_the_audio_in_order(engine: SherpaEngine) -> None:
    audio = noise(engine, 2000, 2)
    words = decoded(engine, audio).words
    assert {word.times_guessed for word in words} == {not engine.capabilities.word_times}
    assert words[0].start_sample >= 0
    assert words[-1].end_sample <= len(audio)
    for before, after in itertools.pairwise(words):
        assert before.start_sample < before.end_sample <= after.start_sample


def test_a_stream_is_ready_when_a_step_can_be_made_and_not_before(engine: SherpaEngine) -> None:
    stream = engine.open()
    stream.accept(silence(engine, 10_000)[: engine.chunking.window - 1])
    ready = [stream.ready]
    stream.accept(silence(engine, 10)[:1])
    ready.append(stream.ready)
    engine.decode([stream])
    ready.append(stream.ready)
    stream.accept(silence(engine, 10_000)[: engine.capabilities.step_samples])
    assert [*ready, stream.ready] == [False, True, False, True]
    stream.close()
