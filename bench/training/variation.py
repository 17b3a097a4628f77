"""What an utterance might have been: another tract, tempo or channel, drawn anew in every pass.

Owns changes to features that leave the tokens as they are. Without them the network knows its
utterances by heart: after twenty passes over 7.9 hours the same sentences, said again by the same
voices in another manner, had 28 % errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from bench.training.corpus import Example
from bench.training.features import DIMENSIONS

WARP = 0.06
"""How far formants move, up or down."""
SLOWEST = 1.12
FASTEST = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Varied:
    """Features of shape (frames, 80), float32, and the times that belong to them."""

    features: NDArray[np.float32]
    ends_s: list[float]
    phones_s: list[float]


def vary(example: Example, random: Random) -> Varied:
    stretch = random.uniform(FASTEST, SLOWEST)
    source = example.features
    frames = (np.arange(int(len(source) * stretch)) / stretch).astype(np.int64)
    features = _warp(source[frames].astype(np.float32), random.uniform(1 - WARP, 1 + WARP))
    features += _channel(random)
    _hide_band(features, random)
    return Varied(
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
