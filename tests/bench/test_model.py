"""The model for measurements: it loads in sherpa-onnx and tells the time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import sherpa_onnx

from bench import word_clock
from bench.model import REALISTIC, TINY, export
from bench.onnx_graph import Graph
from bench.recordings import load
from bench.zipformer import encode
from rasr.audio import SAMPLE_RATE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    export(folder, TINY)
    return folder


def recogniser(folder: Path, kind: str) -> sherpa_onnx.OnlineRecognizer:
    return sherpa_onnx.OnlineRecognizer.from_transducer(
        tokens=str(folder / "tokens.txt"),
        encoder=str(folder / f"encoder{kind}.onnx"),
        decoder=str(folder / f"decoder{kind}.onnx"),
        joiner=str(folder / f"joiner{kind}.onnx"),
        num_threads=1,
    )


def decoded(model: sherpa_onnx.OnlineRecognizer, samples: np.ndarray) -> tuple[str, list[float]]:
    stream = model.create_stream()
    stream.accept_waveform(SAMPLE_RATE, samples.astype(np.float32) / 32768)
    while model.is_ready(stream):
        model.decode_stream(stream)
    result = model.get_result_all(stream)
    return result.text, list(result.timestamps)


@pytest.mark.parametrize("kind", ["", ".int8"])
def test_each_word_says_the_frame_that_it_was_emitted_at(folder: Path, kind: str) -> None:
    text, seconds = decoded(recogniser(folder, kind), load("rain").samples)
    assert list(word_clock.frames(text)) == [round(at / 0.04) for at in seconds]


@pytest.mark.parametrize("kind", ["", ".int8"])
def test_speech_has_four_to_eight_words_a_second_and_each_step_ends_with_one(
    folder: Path, kind: str
) -> None:
    recording = load("grandfather")
    start, end = (ms * 16 for ms in (recording.words[0].start_ms, recording.words[-1].end_ms))
    speech = recording.samples[start:end]
    # The steps need the silence behind the words too.
    text, _ = decoded(recogniser(folder, kind), np.concatenate([speech, np.zeros(16_000)]))
    frames = word_clock.frames(text)
    assert 4 <= len(frames) / (len(speech) / SAMPLE_RATE) <= 8
    steps = {word_clock.step_of(frame) for frame in frames}
    assert steps == set(range(-(-len(speech) // word_clock.STEP_SAMPLES)))


def test_silence_with_a_little_noise_has_no_words(folder: Path) -> None:
    noise = np.random.default_rng(1).standard_normal(48_000) * 4
    assert decoded(recogniser(folder, ""), noise)[0] == ""


def test_a_batch_says_what_single_streams_say(folder: Path) -> None:
    model = recogniser(folder, "")
    recordings = [load(name).samples for name in ("bed", "rain", "idea")]
    streams = [model.create_stream() for _ in recordings]
    for stream, samples in zip(streams, recordings, strict=True):
        stream.accept_waveform(SAMPLE_RATE, samples.astype(np.float32) / 32768)
    while ready := [stream for stream in streams if model.is_ready(stream)]:
        model.decode_streams(ready)
    assert [model.get_result(stream) for stream in streams] == [
        decoded(model, samples)[0] for samples in recordings
    ]


def test_a_step_is_made_as_soon_as_the_clock_says_and_no_sooner(folder: Path) -> None:
    model = recogniser(folder, "")
    stream = model.create_stream()
    fed = 0
    for step in range(3):
        needed = word_clock.samples_needed(step)
        stream.accept_waveform(SAMPLE_RATE, np.zeros(needed - 1 - fed, np.float32))
        assert not model.is_ready(stream)
        stream.accept_waveform(SAMPLE_RATE, np.zeros(1, np.float32))
        assert model.is_ready(stream)
        model.decode_stream(stream)
        fed = needed


def test_the_same_model_is_made_each_time(folder: Path, tmp_path: Path) -> None:
    export(tmp_path, TINY)
    for file in folder.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


def test_the_realistic_encoder_has_about_eighteen_million_parameters_and_is_a_valid_graph(
    tmp_path: Path,
) -> None:
    graph = Graph("encoder", 1)
    encoded = encode(graph, REALISTIC.encoder)
    graph.output("encoder_out", encoded.output, ("N", 8, REALISTIC.encoder.output_dim))
    graph.save(tmp_path / "encoder.onnx", {})
    onnx.checker.check_model(str(tmp_path / "encoder.onnx"), full_check=True)
    assert 17e6 < graph.parameters < 19e6


def test_words_are_letters_and_read_back() -> None:
    numbers = (0, 1, 74, 75, 5624, 5625, 4996)
    words = [word_clock.word(number) for number in numbers]
    assert all(word.isalpha() and word.islower() for word in words)
    assert word_clock.frames(" ".join(words)) == numbers


@pytest.mark.parametrize("text", ["hello", "baba", "bababq", "bababaX"])
def test_a_word_of_another_model_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no word of this model"):
        word_clock.frames(text)
