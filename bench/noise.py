"""Noises to speak in: made by seed, at RMS 1, and mixed with speech at a known ratio.

What is meant is what microphones hear besides their speaker: hiss, a fan, mains hum, somebody
typing, a room full of people. Only babble needs recordings: many voices at once, none of them
to be understood.
"""

from __future__ import annotations

import os
import wave
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from rasr.audio import SAMPLE_RATE, Samples

Sound = NDArray[np.float64]

_VOICES = 12
"""At once in babble: of fewer, single words can be told."""
_STROKES_A_SECOND = 6.0
"""A practised typist: 70 words a minute."""


class NoiseKind(StrEnum):
    """The noises, as the command line names them."""

    WHITE = "white"
    PINK = "pink"
    FAN = "fan"
    HUM = "hum"
    KEYBOARD = "keyboard"
    BABBLE = "babble"


def make_noise(kind: NoiseKind, samples: int, seed: int, voices: Sequence[Samples] = ()) -> Sound:
    """Noise of shape (samples,), float64 at 16 kHz, RMS 1; the same for the same arguments.

    Args:
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


def repeated(recorded: Samples, samples: int) -> Sound:
    """Recorded noise as long as asked, RMS 1, over and over if it is shorter."""
    noise = np.resize(recorded.astype(np.float64), samples)
    return noise / rms(noise)


def recorded_noises() -> dict[str, Samples]:
    """The files noise*.wav of RASR_SPEECH_DIR by their names; none if it is unset.

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


def rms(sound: NDArray[np.float64] | Samples) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def as_samples(sound: Sound) -> Samples:
    """To int16, clipped."""
    samples: Samples = np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
    return samples


def _coloured(samples: int, generator: np.random.Generator, power: float) -> Sound:
    """White noise whose amplitudes go with frequency to that power, level below 50 Hz."""
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    spectrum *= np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLE_RATE), 50.0) ** power
    return np.fft.irfft(spectrum, samples)


def _fan(samples: int, generator: np.random.Generator) -> Sound:
    """Rushing air, louder and softer by a decibel, and the blades: 130 Hz and its harmonics."""
    time = np.arange(samples) / SAMPLE_RATE
    air = _coloured(samples, generator, -0.8)
    air *= 1 + 0.1 * np.sin(2 * np.pi * 0.7 * time + generator.uniform(0, 2 * np.pi))
    blades = sum(
        np.sin(2 * np.pi * 130 * number * time + generator.uniform(0, 2 * np.pi)) / number
        for number in range(1, 6)
    )
    return air / rms(air) + 0.5 * blades


def _hum(samples: int, generator: np.random.Generator) -> Sound:
    """Mains of 50 Hz with harmonics, and a little hiss."""
    time = np.arange(samples) / SAMPLE_RATE
    noise = 0.05 * generator.standard_normal(samples)
    for harmonic, height in ((1, 1.0), (2, 0.7), (3, 0.4), (4, 0.2), (5, 0.2), (7, 0.1)):
        phase = generator.uniform(0, 2 * np.pi)
        noise += height * np.sin(2 * np.pi * 50 * harmonic * time + phase)
    return noise


def _keyboard(samples: int, generator: np.random.Generator) -> Sound:
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


def _stroke(generator: np.random.Generator) -> Sound:
    time = np.arange(SAMPLE_RATE * 6 // 100) / SAMPLE_RATE
    click = generator.standard_normal(len(time)) * np.exp(-time / generator.uniform(0.002, 0.004))
    thud = np.sin(2 * np.pi * generator.uniform(250, 700) * time)
    ring = np.sin(2 * np.pi * generator.uniform(1500, 4000) * time)
    decay = np.exp(-time / generator.uniform(0.008, 0.015))
    return 2 * click + (thud + 0.4 * ring) * decay


def _babble(samples: int, generator: np.random.Generator, voices: Sequence[Samples]) -> Sound:
    if not voices:
        raise ValueError("voices is empty, allowed: recordings that babble is made of")
    noise = np.zeros(samples)
    for _ in range(_VOICES):
        order = generator.permutation(len(voices))
        talk = np.concatenate([voices[n] / rms(voices[n]) for n in order])
        noise += np.resize(np.roll(talk, generator.integers(len(talk))), samples)
    return noise
