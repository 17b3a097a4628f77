"""Speech whose beginnings and ends are known, in noise of a known level.

Recordings stand one after the other, with pauses between and a line that is on under all of it. The
bundled ones know the times of their words. Of human recordings nobody has written them down: there
a stretch of speech is what is less than 22 dB below the loud parts of the clean recording and 6 dB
above its quiet ones. That is a truth of loudness, good to some 50 ms. The material is in two
halves: what is tuned on the one is reported on the other.

Noises are made by seed, at RMS 1, and mixed with the speech. They are what microphones hear besides
their speaker: hiss, a fan, mains hum, somebody typing, a room full of people. Only babble needs
recordings: many voices at once, none of them to be understood.
"""

from __future__ import annotations

import os
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from bench.recordings import human_recordings, load, names
from rasr.audio import SAMPLE_RATE, Samples

Noise = NDArray[np.float64]
"""Shape (n,), at 16 kHz; its RMS is 1."""

SPEECH_LEVEL = 2000.0
"""RMS of the speech itself, pauses apart, int16: about -24 dB of full scale."""
_LINE = 4.0
"""RMS of a line that is on, int16: the noise of "no noise"."""
_STEP = SAMPLE_RATE // 100
_WITHIN_MS = 300
"""A shorter pause lies within a sentence: with the shortest `vad_tail` in use it never ends it."""
_SHORTEST_MS = 100
_AROUND = SAMPLE_RATE // 5
_VOICES = 12
"""At once in babble: of fewer, single words can be understood."""
_STROKES_A_SECOND = 6.0
"""A practised typist: 70 words a minute."""


class Half(StrEnum):
    """The halves of the material."""

    TUNE = "tune"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class Span:
    """From a sample up to another."""

    start: int
    end: int

    def moved(self, by: int) -> Span:
        """Return the same stretch, so many samples later."""
        return Span(self.start + by, self.end + by)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A minute or less of somebody speaking, clean."""

    name: str
    samples: Samples
    sentences: tuple[Span, ...]
    words: tuple[Span, ...]
    """Empty where nobody knows them."""

    def in_noise(self, noise: Noise | None, snr_db: float) -> Samples:
        """Return its samples with noise, at least as long, at so many dB below the speech."""
        if noise is None:
            return self.samples
        level = SPEECH_LEVEL / 10 ** (snr_db / 20)
        return as_samples(self.samples + level * noise[: len(self.samples)])


def scenes(half: Half) -> list[Scene]:
    """Return what there is to hear: English, Mandarin, and the recordings of RASR_SPEECH_DIR."""
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
    """Return the sentences of a half without the pauses between them, for babble."""
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


# Noises


class NoiseKind(StrEnum):
    """The noises, as the command line names them."""

    WHITE = "white"
    PINK = "pink"
    FAN = "fan"
    HUM = "hum"
    KEYBOARD = "keyboard"
    BABBLE = "babble"


def make_noise(kind: NoiseKind, samples: int, seed: int, voices: Sequence[Samples] = ()) -> Noise:
    """Make noise of shape (samples,); the same for the same arguments.

    Args:
        kind: which noise.
        samples: how many.
        seed: of all that is random in it.
        voices: recordings that babble is made of.
    """
    generator = np.random.default_rng([seed, *kind.encode()])
    match kind:
        case NoiseKind.WHITE:
            noise = generator.standard_normal(samples)
        case NoiseKind.PINK:
            noise = _coloured(samples, generator, -0.5)
        case NoiseKind.FAN:
            noise = _fan(samples, generator)
        case NoiseKind.HUM:
            noise = _hum(samples, generator)
        case NoiseKind.KEYBOARD:
            noise = _keyboard(samples, generator)
        case NoiseKind.BABBLE:
            noise = _babble(samples, generator, voices)
        case _:
            assert_never(kind)
    return noise / rms(noise)


def repeated(recorded: Samples, samples: int) -> Noise:
    """Return recorded noise so many samples long, over and over if it is shorter."""
    noise = np.resize(recorded.astype(np.float64), samples)
    return noise / rms(noise)


def recorded_noises() -> dict[str, Samples]:
    """Read the files noise*.wav of RASR_SPEECH_DIR by their names; none if it is unset.

    Raises:
        ValueError: one is not mono, 16 bit, 16 kHz.
    """
    folder = os.environ.get("RASR_SPEECH_DIR")
    if not folder:
        return {}
    noises = {}
    for path in sorted(Path(folder).glob("noise*.wav")):
        with wave.open(str(path)) as file:
            came = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            if came != (1, 2, SAMPLE_RATE):
                raise ValueError(
                    f"{path.name} has channels, bytes a sample and rate {came}, "
                    f"allowed: (1, 2, {SAMPLE_RATE})"
                )
            noises[path.stem] = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return noises


def rms(audio: NDArray[np.float64] | Samples) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))


def as_samples(audio: NDArray[np.float64]) -> Samples:
    """Round to int16, clipped."""
    samples: Samples = np.clip(np.rint(audio), -32768, 32767).astype(np.int16)
    return samples


def _coloured(samples: int, generator: np.random.Generator, power: float) -> Noise:
    """White noise whose amplitudes go with frequency to that power, level below 50 Hz."""
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    spectrum *= np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLE_RATE), 50.0) ** power
    return np.fft.irfft(spectrum, samples)


def _fan(samples: int, generator: np.random.Generator) -> Noise:
    """Rushing air, louder and softer by a decibel, and the blades: 130 Hz and its harmonics."""
    time = np.arange(samples) / SAMPLE_RATE
    air = _coloured(samples, generator, -0.8)
    air *= 1 + 0.1 * np.sin(2 * np.pi * 0.7 * time + generator.uniform(0, 2 * np.pi))
    blades = sum(
        np.sin(2 * np.pi * 130 * number * time + generator.uniform(0, 2 * np.pi)) / number
        for number in range(1, 6)
    )
    return air / rms(air) + 0.5 * blades


def _hum(samples: int, generator: np.random.Generator) -> Noise:
    """Mains of 50 Hz with harmonics, and a little hiss."""
    time = np.arange(samples) / SAMPLE_RATE
    noise = 0.05 * generator.standard_normal(samples)
    for harmonic, height in ((1, 1.0), (2, 0.7), (3, 0.4), (4, 0.2), (5, 0.2), (7, 0.1)):
        phase = generator.uniform(0, 2 * np.pi)
        noise += height * np.sin(2 * np.pi * 50 * harmonic * time + phase)
    return noise


def _keyboard(samples: int, generator: np.random.Generator) -> Noise:
    """Strokes in bursts: a click and the thud of the key, then a softer click when it comes up."""
    noise = 0.02 * generator.standard_normal(samples)
    place = 0
    while True:
        pause = generator.gamma(4.0, 1 / (4 * _STROKES_A_SECOND))
        if generator.random() < 0.05:
            pause += generator.uniform(0.5, 2.0)
        place += round(pause * SAMPLE_RATE)
        if place >= samples:
            return noise
        height = generator.uniform(0.5, 1.5)
        up = place + round(generator.uniform(0.07, 0.12) * SAMPLE_RATE)
        for at, part in ((place, height), (up, 0.4 * height)):
            stroke = part * _stroke(generator)[: max(0, samples - at)]
            noise[at : at + len(stroke)] += stroke


def _stroke(generator: np.random.Generator) -> Noise:
    time = np.arange(SAMPLE_RATE * 6 // 100) / SAMPLE_RATE
    click = generator.standard_normal(len(time)) * np.exp(-time / generator.uniform(0.002, 0.004))
    thud = np.sin(2 * np.pi * generator.uniform(250, 700) * time)
    ring = np.sin(2 * np.pi * generator.uniform(1500, 4000) * time)
    decay = np.exp(-time / generator.uniform(0.008, 0.015))
    return 2 * click + (thud + 0.4 * ring) * decay


def _babble(samples: int, generator: np.random.Generator, voices: Sequence[Samples]) -> Noise:
    if not voices:
        raise ValueError("voices is empty, allowed: recordings that babble is made of")
    noise = np.zeros(samples)
    for _ in range(_VOICES):
        order = generator.permutation(len(voices))
        talk = np.concatenate([voices[n] / rms(voices[n]) for n in order])
        noise += np.resize(np.roll(talk, generator.integers(len(talk))), samples)
    return noise
