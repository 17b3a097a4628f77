"""Speech whose beginnings and ends are known, with pauses between and noise over all of it.

The bundled recordings know the times of their words. Of human recordings nobody has written them
down: there a stretch of speech is what is less than 22 dB below the loud parts of the clean
recording and 6 dB above its quiet ones. That is a truth of loudness, good to some 50 ms.

The material is in two halves: what is tuned on the one is reported on the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bench.noise import Sound, as_samples, rms
from bench.recordings import human_recordings, load, names
from rasr.audio import SAMPLE_RATE, Samples

SPEECH_LEVEL = 2000.0
"""RMS of the speech itself, pauses apart, int16: about -24 dB of full scale."""
_LINE = 4.0
"""RMS of a line that is on, int16: the noise of "no noise"."""
_STEP = SAMPLE_RATE // 100
_WITHIN_MS = 300
"""A shorter pause lies within a sentence: with the shortest `vad_tail` in use it never ends it."""
_SHORTEST_MS = 100
_AROUND = SAMPLE_RATE // 5


class Half(StrEnum):
    TUNE = "tune"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Span:
    """From a sample up to another."""

    start: int
    end: int

    def moved(self, by: int) -> Span:
        return Span(self.start + by, self.end + by)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A minute or less of somebody speaking, clean."""

    name: str
    samples: Samples
    sentences: tuple[Span, ...]
    words: tuple[Span, ...]
    """Empty where nobody knows them."""

    def in_noise(self, noise: Sound | None, snr_db: float) -> Samples:
        """With noise of RMS 1, at least as long, at so many dB below the speech."""
        if noise is None:
            return self.samples
        level = SPEECH_LEVEL / 10 ** (snr_db / 20)
        return as_samples(self.samples + level * noise[: len(self.samples)])


def scenes(half: Half) -> list[Scene]:
    """What there is to hear: English, Mandarin, and the human recordings of RASR_SPEECH_DIR."""
    parts = {
        "English": [_bundled(name, "en") for name in names("en")],
        "Mandarin": [_bundled(name, "zh") for name in names("zh")],
        "human": [_human(one.name, one.samples) for one in human_recordings()],
    }
    first = 0 if half is Half.TUNE else 1
    return [
        _joined(name, recordings[first::2], seed=number + 100 * first)
        for number, (name, recordings) in enumerate(parts.items())
        if recordings[first::2]
    ]


def voices(half: Half) -> list[Samples]:
    """The sentences of that half without the pauses between them, for babble."""
    return [scene.samples[one.start : one.end] for scene in scenes(half) for one in scene.sentences]


def _bundled(name: str, language: str) -> Scene:
    recording = load(name, language)
    return _levelled(
        Scene(
            name,
            recording.samples,
            tuple(_span(one.start_ms, one.end_ms) for one in recording.sentences),
            tuple(_span(one.start_ms, one.end_ms) for one in recording.words),
        )
    )


def _human(name: str, samples: Samples) -> Scene:
    frames = samples[: len(samples) // _STEP * _STEP].reshape(-1, _STEP).astype(np.float64)
    levels = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + 1)
    floor = max(np.percentile(levels, 95) - 22, np.percentile(levels, 5) + 6)
    sentences = tuple(_stretches(levels > floor))
    # The room of the recording ends where the next one begins: too soon to be got used to.
    start = max(0, sentences[0].start - _AROUND)
    end = min(len(samples), sentences[-1].end + _AROUND)
    moved = tuple(one.moved(-start) for one in sentences)
    return _levelled(Scene(name, samples[start:end], moved, ()))


def _stretches(loud: NDArray[np.bool_]) -> Iterator[Span]:
    """The runs of loud steps, with the short pauses inside, less the short ones outside."""
    borders = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(np.int8), [0]])))
    start: int | None = None
    end = 0
    for first, last in borders.reshape(-1, 2).tolist():
        if start is not None and (first - end) * 10 <= _WITHIN_MS:
            end = last
            continue
        if start is not None and (end - start) * 10 >= _SHORTEST_MS:
            yield Span(start * _STEP, end * _STEP)
        start, end = first, last
    if start is not None and (end - start) * 10 >= _SHORTEST_MS:
        yield Span(start * _STEP, end * _STEP)


def _levelled(scene: Scene) -> Scene:
    spoken = np.concatenate([scene.samples[one.start : one.end] for one in scene.sentences])
    return replace(
        scene, samples=as_samples(scene.samples.astype(np.float64) * (SPEECH_LEVEL / rms(spoken)))
    )


def _joined(name: str, recordings: Sequence[Scene], seed: int) -> Scene:
    """One after the other, with a second or two of a line that is on before, between and after."""
    generator = np.random.default_rng(seed)
    parts: list[Samples] = []
    sentences: list[Span] = []
    words: list[Span] = []
    length = 0
    for recording in (*recordings, None):
        pause = np.zeros(round(generator.uniform(1.0, 2.5) * SAMPLE_RATE), np.int16)
        parts.append(pause)
        length += len(pause)
        if recording is not None:
            parts.append(recording.samples)
            sentences += [one.moved(length) for one in recording.sentences]
            words += [one.moved(length) for one in recording.words]
            length += len(recording.samples)
    line = generator.standard_normal(length) * _LINE
    return Scene(name, as_samples(np.concatenate(parts) + line), tuple(sentences), tuple(words))


def _span(start_ms: int, end_ms: int) -> Span:
    return Span(start_ms * SAMPLE_RATE // 1000, end_ms * SAMPLE_RATE // 1000)
