"""How well a model folder recognises: through sherpa-onnx itself, greedy, as a stream.

Sentences and voices are those that training never saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import jiwer
import numpy as np
import sherpa_onnx

from bench.training import synthesis
from bench.training.espeak import Espeak
from bench.training.features import DIMENSIONS, SAMPLE_RATE
from bench.training.sentences import Kind, Sentence, draw_many
from bench.training.synthesis import Condition, Sample
from bench.training.tokenizer import Tokenizer

TAIL_S = 0.6
"""Silence after the audio, so that the last word comes out."""
_BATCH = 16

CONDITIONS: dict[str, Condition] = {
    "clean, 16 kHz": Condition(noise_db=60),
    "digital silence around, 16 kHz": Condition(),
    "noise at 20 dB, 16 kHz": Condition(noise_db=20),
    "noise at 10 dB, 16 kHz": Condition(noise_db=10, brown=True),
    "8 kHz": Condition(rate=8000, noise_db=60),
    "8 kHz, µ-law, noise at 20 dB": Condition(rate=8000, mu_law=True, noise_db=20),
    "quiet (peak -30 dBFS), 16 kHz": Condition(noise_db=40, peak_dbfs=-30),
}


@dataclass(frozen=True, slots=True)
class Rate:
    """Errors over what was said."""

    name: str
    sentences: int
    characters: int
    errors: int

    @property
    def percent(self) -> float:
        return 100 * self.errors / self.characters


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser wrote, and when."""

    text: str
    tokens: tuple[str, ...]
    times_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Delay:
    """From the start of a word or character to the timestamp of its token in sherpa-onnx."""

    median_ms: float
    early_ms: float
    """One token in twenty is earlier."""
    late_ms: float
    """One in twenty is later."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What an evaluation found."""

    rates: tuple[Rate, ...]
    delay: Delay


def recogniser(folder: Path, *, beam: bool = False) -> sherpa_onnx.OnlineRecognizer:
    """The folder, loaded: greedy, or modified beam search, which hot words need."""
    return sherpa_onnx.OnlineRecognizer.from_transducer(
        encoder=str(folder / "encoder.onnx"),
        decoder=str(folder / "decoder.onnx"),
        joiner=str(folder / "joiner.onnx"),
        tokens=str(folder / "tokens.txt"),
        num_threads=1,
        sample_rate=SAMPLE_RATE,
        feature_dim=DIMENSIONS,
        enable_endpoint_detection=False,
        decoding_method="modified_beam_search" if beam else "greedy_search",
        modeling_unit="cjkchar+bpe" if beam else "",
        bpe_vocab=str(folder / "bpe.vocab") if beam else "",
    )


def hear(
    recognizer: sherpa_onnx.OnlineRecognizer,
    batch: Sequence[synthesis.Audio],
    hot_words: str | None = None,
) -> list[Heard]:
    """Recognise several utterances as one batch.

    Args:
        recognizer: a loaded folder.
        batch: each of shape (n,), 16 kHz, in [-1, 1].
        hot_words: as sherpa-onnx takes them, parted by "/"; needs modified beam search.
    """
    streams = []
    for audio in batch:
        stream = recognizer.create_stream(hot_words) if hot_words else recognizer.create_stream()
        stream.accept_waveform(SAMPLE_RATE, audio)
        stream.accept_waveform(SAMPLE_RATE, np.zeros(round(TAIL_S * SAMPLE_RATE), np.float32))
        stream.input_finished()
        streams.append(stream)
    while ready := [stream for stream in streams if recognizer.is_ready(stream)]:
        recognizer.decode_streams(ready)
    return [
        Heard(
            recognizer.get_result(stream).strip(),
            tuple(recognizer.tokens(stream)),
            tuple(recognizer.timestamps(stream)),
        )
        for stream in streams
    ]


def evaluate(folder: Path, count: int, seed: int) -> Findings:
    """Character error rates by condition, and in the first condition by kind of sentence.

    An English word counts by its letters, a Chinese character is one; spaces count nothing.
    """
    lines = draw_many(Random(seed), count, held_out=True)
    espeak = Espeak()
    said = [
        synthesis.say(espeak, [line], Random(seed + number), held_out=True)
        for number, line in enumerate(lines)
    ]
    recognizer = recogniser(folder)
    rates: list[Rate] = []
    first: list[Heard] = []
    for name, condition in CONDITIONS.items():
        heard = _hear_all(recognizer, said, condition, seed)
        rates.append(_rate(name, [(line.written, one.text) for line, one in _both(lines, heard)]))
        print(f"{rates[-1].percent:6.2f} %  {name}", flush=True)
        first = first or heard
    first_name = next(iter(CONDITIONS))
    beamed = _hear_all(recogniser(folder, beam=True), said, CONDITIONS[first_name], seed)
    pairs = [(line.written, one.text) for line, one in _both(lines, beamed)]
    rates.append(_rate(f"{first_name}: modified beam search", pairs))
    print(f"{rates[-1].percent:6.2f} %  {rates[-1].name}", flush=True)
    for kind in Kind:
        pairs = [(line.written, one.text) for line, one in _both(lines, first) if line.kind is kind]
        rates.append(_rate(f"clean, 16 kHz: {kind} alone", pairs))
        print(f"{rates[-1].percent:6.2f} %  {rates[-1].name}", flush=True)
    return Findings(tuple(rates), _delay(said, first))


def _both(lines: Sequence[Sentence], heard: Sequence[Heard]) -> Iterator[tuple[Sentence, Heard]]:
    return zip(lines, heard, strict=True)


def _hear_all(
    recognizer: sherpa_onnx.OnlineRecognizer,
    said: Sequence[Sample],
    condition: Condition,
    seed: int,
) -> list[Heard]:
    heard: list[Heard] = []
    for start in range(0, len(said), _BATCH):
        batch = [
            synthesis.degraded(sample.audio, condition, np.random.default_rng(seed + row))
            for row, sample in enumerate(said[start : start + _BATCH], start)
        ]
        heard += hear(recognizer, batch)
    return heard


def _delay(said: Sequence[Sample], heard: Sequence[Heard]) -> Delay:
    """Over the sentences whose tokens are all right: the others cannot be paired."""
    tokenizer = Tokenizer()
    late_ms: list[float] = []
    for sample, one in zip(said, heard, strict=True):
        tokens, _ = tokenizer.encode(sample.units)
        wanted = [tokenizer.tokens[token].replace("▁", " ") for token in tokens]
        if wanted == [token.replace("▁", " ") for token in one.tokens]:
            late_ms += [
                1000 * (at - unit.start_s)
                for at, unit in zip(one.times_s, sample.units, strict=True)
            ]
    if not late_ms:
        raise SystemExit("no sentence was understood: the model in the folder has learned nothing")
    early, median, late = np.percentile(late_ms, [5, 50, 95])
    return Delay(float(median), float(early), float(late))


def _rate(name: str, pairs: Sequence[tuple[str, str]]) -> Rate:
    measured = jiwer.process_characters(
        [said.replace(" ", "") for said, _ in pairs],
        [heard.replace(" ", "") for _, heard in pairs],
    )
    errors = measured.substitutions + measured.deletions + measured.insertions
    characters = measured.hits + measured.substitutions + measured.deletions
    return Rate(name, len(pairs), characters, errors)
