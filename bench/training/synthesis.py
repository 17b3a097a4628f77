"""From sentences to audio as a server would get it: level, noise, band, telephone coding.

Everything is drawn from the generators that are given, so the same seed gives the same samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import soxr
from numpy.typing import NDArray

from bench.training.espeak import Espeak, Phone, Unit, draw_language, draw_voice
from bench.training.features import SAMPLE_RATE
from bench.training.sentences import Sentence

Audio = NDArray[np.float32]

TAIL_S = 0.55
"""Silence after the last word, at least: the model needs a moment to write it down."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What happens to the audio between mouth and server."""

    rate: int = 16_000
    """8000: band of 4 kHz, then back to 16 kHz."""
    mu_law: bool = False
    """Telephone coding; with 8000 only."""
    peak_dbfs: float = -6.0
    noise_db: float | None = None
    """Signal to noise ratio; None is digital silence around the words."""
    brown: bool = False
    """Noise that falls with frequency, instead of white."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Audio with its units, in seconds from its start."""

    audio: Audio
    """Shape (n,), 16 kHz, in [-1, 1]."""
    units: tuple[Unit, ...]
    phones: tuple[Phone, ...]
    text: str


def draw_condition(random: Random) -> Condition:
    narrow = random.random() < 0.25
    return Condition(
        rate=8000 if narrow else 16_000,
        mu_law=narrow and random.random() < 0.5,
        peak_dbfs=random.uniform(-26, -1),
        noise_db=random.uniform(10, 60) if random.random() < 0.85 else None,
        brown=random.random() < 0.5,
    )


def say(espeak: Espeak, lines: Sequence[Sentence], random: Random, *, held_out: bool) -> Sample:
    """Say sentences one after the other in one voice, silence around and between them."""
    pieces: list[Audio] = []
    units: list[Unit] = []
    phones: list[Phone] = []
    length = 0

    def silence(seconds: float) -> None:
        nonlocal length
        pieces.append(np.zeros(round(seconds * SAMPLE_RATE), np.float32))
        length += pieces[-1].size

    silence(random.uniform(0.05, 0.6))
    speaker = draw_voice(random, held_out=held_out)
    for index, line in enumerate(lines):
        if index:
            silence(random.uniform(0.4, 1.4))
        voice = speaker.in_language(draw_language(random))
        utterance = espeak.say(line.spoken, voice)
        shift = length / SAMPLE_RATE
        units += [unit.later(shift) for unit in utterance.units]
        phones += [phone.later(shift) for phone in utterance.phones]
        audio = utterance.samples.astype(np.float32) / 32768
        pieces.append(soxr.resample(audio, utterance.rate, SAMPLE_RATE, quality="HQ"))
        length += pieces[-1].size
    silence(random.uniform(TAIL_S, TAIL_S + 0.3))
    text = " ".join(line.written for line in lines)
    return Sample(np.concatenate(pieces), tuple(units), tuple(phones), text)


def degraded(audio: Audio, condition: Condition, generator: np.random.Generator) -> Audio:
    """Return audio as it arrives: shape (n,), float32 in [-1, 1], in steps of 16 bits."""
    peak = float(np.abs(audio).max(initial=1e-6))
    mixed = audio * (10 ** (condition.peak_dbfs / 20) / peak)
    if condition.noise_db is not None:
        noise = generator.standard_normal(audio.size).astype(np.float32)
        if condition.brown:
            spectrum = np.fft.rfft(noise)
            spectrum /= np.maximum(np.arange(spectrum.size), 50) ** 0.5
            noise = np.fft.irfft(spectrum, audio.size).astype(np.float32)
        loud = float(np.sqrt(np.mean(mixed[np.abs(mixed) > 0.02 * np.abs(mixed).max()] ** 2)))
        noise *= loud * 10 ** (-condition.noise_db / 20) / float(noise.std())
        mixed = mixed + noise
    if condition.rate != SAMPLE_RATE:
        narrow = soxr.resample(mixed, SAMPLE_RATE, condition.rate, quality="HQ")
        if condition.mu_law:
            narrow = _mu_law(narrow)
        narrow = np.round(np.clip(narrow, -1, 1) * 32767) / 32768
        mixed = soxr.resample(narrow.astype(np.float32), condition.rate, SAMPLE_RATE, quality="HQ")
    quantised = np.round(np.clip(mixed, -1, 1) * 32767) / 32768
    return quantised.astype(np.float32)


def _mu_law(audio: Audio) -> Audio:
    """There and back through the µ-law curve in 8 bits (ITU-T G.711, its smooth form)."""
    sign = np.sign(audio)
    code = np.log1p(255 * np.abs(np.clip(audio, -1, 1))) / np.log(256)
    code = np.round(code * 127) / 127
    heard: Audio = (sign * np.expm1(code * np.log(256)) / 255).astype(np.float32)
    return heard
