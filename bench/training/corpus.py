"""The utterances of training and of evaluation, made in parallel.

Owns how many there are of which kind, seeds each by its number, and gives each part of them a fresh
process, so that neither the number of processes nor their order changes a sample.
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

from bench.training import synthesis, texts
from bench.training.espeak import Espeak, Phone
from bench.training.features import fbank
from bench.training.pieces import Pieces

PAIRED_SHARE = 0.15
"""Utterances of two sentences with a pause between them."""

_CHUNK = 500


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
    """Examples from the training side of sentences and voices, in the order of their numbers."""
    random = Random(seed)
    lines = texts.draw_many(random, count, held_out=False)
    groups: list[tuple[texts.Text, ...]] = []
    while lines:
        size = 2 if len(lines) > 1 and random.random() < PAIRED_SHARE else 1
        groups.append(tuple(lines.pop() for _ in range(size)))
    jobs = [(seed * 1_000_003 + number, group) for number, group in enumerate(groups)]
    chunks = [jobs[start : start + _CHUNK] for start in range(0, len(jobs), _CHUNK)]
    with ProcessPoolExecutor(
        processes or os.cpu_count(), get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        for examples in pool.map(_examples, chunks):
            yield from examples


def _examples(jobs: Sequence[tuple[int, Sequence[texts.Text]]]) -> list[Example]:
    espeak, pieces = Espeak(), Pieces()
    made = []
    for seed, lines in jobs:
        random = Random(seed)
        said = synthesis.say(espeak, lines, random, held_out=False)
        condition = synthesis.draw_condition(random)
        sound = synthesis.through(said.sound, condition, np.random.default_rng(seed))
        tokens, ends_s = pieces.cut(said.units)
        features = fbank(sound).astype(np.float16)
        made.append(Example(features, tuple(tokens), tuple(ends_s), said.phones))
    return made
