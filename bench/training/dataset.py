"""The utterances of training, made in parallel, and what else each of them might have been.

Each utterance is seeded by its number, and each part of them gets a fresh process, so that neither
the number of processes nor their order changes a sample. In every pass of training an utterance
gets another vocal tract, tempo and channel, drawn anew, which leave its tokens as they are. Without
that the network knows its utterances by heart: after twenty passes over 7.9 hours the same
sentences, said again by the same voices in another manner, had 28 % errors.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from random import Random

import numpy as np
from numpy.typing import NDArray

from bench.training import synthesis
from bench.training.espeak import Espeak, Phone
from bench.training.features import DIMENSIONS, fbank
from bench.training.sentences import Sentence, draw_many
from bench.training.tokenizer import Tokenizer

PAIRED_SHARE = 0.15
"""Utterances of two sentences with a pause between them."""

WARP = 0.06
"""How far formants move, up or down."""
SLOWEST = 1.12
FASTEST = 0.9
_PART = 500


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One utterance as training sees it."""

    features: NDArray[np.float16]
    """Shape (frames, 80), log-mel energies; half precision is finer than their noise."""
    tokens: tuple[int, ...]
    ends_s: tuple[float, ...]
    """When each token has been said."""
    phones: tuple[Phone, ...]


def training_set(count: int, seed: int, processes: int | None = None) -> Iterator[Example]:
    """Make examples of the sentences and voices of training, in the order of their numbers."""
    random = Random(seed)
    lines = draw_many(random, count, held_out=False)
    groups: list[tuple[Sentence, ...]] = []
    while lines:
        size = 2 if len(lines) > 1 and random.random() < PAIRED_SHARE else 1
        groups.append(tuple(lines.pop() for _ in range(size)))
    jobs = [(seed * 1_000_003 + number, group) for number, group in enumerate(groups)]
    parts = [jobs[start : start + _PART] for start in range(0, len(jobs), _PART)]
    with ProcessPoolExecutor(
        processes or os.cpu_count(), get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        for examples in pool.map(_examples, parts):
            yield from examples


def _examples(jobs: Sequence[tuple[int, Sequence[Sentence]]]) -> list[Example]:
    espeak, tokenizer = Espeak(), Tokenizer()
    made = []
    for seed, lines in jobs:
        random = Random(seed)
        said = synthesis.say(espeak, lines, random, held_out=False)
        condition = synthesis.draw_condition(random)
        audio = synthesis.degraded(said.audio, condition, np.random.default_rng(seed))
        tokens, ends_s = tokenizer.encode(said.units)
        features = fbank(audio).astype(np.float16)
        made.append(Example(features, tuple(tokens), tuple(ends_s), said.phones))
    return made


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """Features of shape (frames, 80), float32, and the times that belong to them."""

    features: NDArray[np.float32]
    ends_s: list[float]
    phones_s: list[float]


def vary(example: Example, random: Random) -> Variant:
    """Draw another vocal tract, tempo and channel for an example."""
    stretch = random.uniform(FASTEST, SLOWEST)
    source = example.features
    frames = (np.arange(int(len(source) * stretch)) / stretch).astype(np.int64)
    features = _warp(source[frames].astype(np.float32), random.uniform(1 - WARP, 1 + WARP))
    features += _channel(random)
    _hide_band(features, random)
    return Variant(
        features,
        [end * stretch for end in example.ends_s],
        [phone.start_s * stretch for phone in example.phones],
    )


def _warp(features: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Each band read from `factor` times its place, between two bands."""
    place = np.clip(np.arange(DIMENSIONS) * factor, 0, DIMENSIONS - 1).astype(np.float32)
    left = np.minimum(place.astype(np.int64), DIMENSIONS - 2)
    share = place - left.astype(np.float32)
    return features[:, left] * (1 - share) + features[:, left + 1] * share


def _channel(random: Random) -> NDArray[np.float32]:
    """A gain for each band, in nepers of energy, smooth over the bands: shape (80,)."""
    corners = [random.gauss(0, 0.3) for _ in range(5)]
    bands = np.linspace(0, len(corners) - 1, DIMENSIONS)
    return np.interp(bands, range(len(corners)), corners).astype(np.float32)


def _hide_band(features: NDArray[np.float32], random: Random) -> None:
    """Now and then a band is missing (SpecAugment, arXiv:1904.08779)."""
    if random.random() < 0.5:
        width = random.randint(1, 12)
        start = random.randrange(DIMENSIONS - width)
        features[:, start : start + width] = features[:, start : start + width].mean()
