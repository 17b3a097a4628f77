"""Tempo and pitch of voices that know a tempo only, and not exactly.

A neural voice is told a speed, and comes near it. Pitch is made of tempo: said slower by a factor
and played faster by it, a voice is as long as before and higher. What tempo is missing then is made
up by FFmpeg's `atempo`, which leaves the pitch alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import av
import av.filter
import numpy as np
from numpy.typing import NDArray

from rasr.audio.formats import Samples
from rasr.audio.resample import Resampler
from rasr.synthesis.finishing import heard_part
from rasr.synthesis.manner import Manner

_NEAR = 0.02
"""A tempo that is off by less is right: each saying of a sentence differs by more."""
_ATEMPO_LEAST = 0.5

Made = Callable[[float], NDArray[np.float32]]
"""Speed → samples in -1 to 1."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """What comes of the speeds that a voice is told, measured."""

    told: Sequence[float]
    tempos: Sequence[float]

    def speed_for(self, tempo: float) -> float:
        """The speed to tell; the nearest one for a tempo that the voice does not reach."""
        return float(np.interp(tempo, self.tempos, self.told))

    def tempo_of(self, speed: float) -> float:
        """The tempo that comes of it."""
        return float(np.interp(speed, self.told, self.tempos))


def shaped(made: Made, speeds: Speeds, manner: Manner, rate: int, level: float) -> Samples:
    """The samples in the manner that is wanted, without the silence around them.

    Args:
        level: factor to full loudness.
    """
    speed = speeds.speed_for(manner.tempo / manner.pitch)
    floats = made(speed) * (level * 32767)
    samples = np.clip(np.rint(floats), -32768, 32767).astype(np.int16)
    samples = samples[heard_part(samples, rate)]
    if manner.pitch != 1.0:
        resampler = Resampler(round(rate * manner.pitch), rate)
        samples = np.concatenate([resampler.feed(samples), resampler.flush()])
    missing = manner.tempo / (speeds.tempo_of(speed) * manner.pitch)
    return samples if abs(missing - 1) < _NEAR else stretched(samples, rate, missing)


def stretched(samples: Samples, rate: int, tempo: float) -> Samples:
    """The samples at another tempo and the same pitch."""
    if not samples.size:
        return samples
    graph = av.filter.Graph()
    nodes = [graph.add_abuffer(sample_rate=rate, format="s16", layout="mono")]
    while tempo < _ATEMPO_LEAST:
        nodes.append(graph.add("atempo", str(_ATEMPO_LEAST)))
        tempo /= _ATEMPO_LEAST
    nodes += [graph.add("atempo", str(tempo)), graph.add("abuffersink")]
    graph.link_nodes(*nodes).configure()
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    graph.push(frame)
    graph.push(None)
    parts: list[Samples] = []
    while True:
        try:
            pulled = graph.pull()
        except (av.EOFError, av.BlockingIOError):
            break
        assert isinstance(pulled, av.AudioFrame)
        parts.append(pulled.to_ndarray().reshape(-1).astype(np.int16, copy=False))
    return np.concatenate(parts) if parts else samples[:0]
