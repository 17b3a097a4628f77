"""Offline engines: models that read a whole utterance at once.

An offline engine holds no state of a stream. Whoever has an utterance hands it over whole and gets
its reading back. `decoder.live` makes a streaming engine of one, by reading the growing utterance
again and again; recordings and second passes read each segment once.

As at `decoder.engine`, audio is mono int16 at `Capabilities.sample_rate`, and positions are whole
samples since its start. Where the engine's kind is placed in threads, `read` is called by several
of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from decoder.engine import Capabilities, HotWord, Hypothesis, Samples


@dataclass(frozen=True, slots=True)
class Reading:
    """What an engine makes of an utterance."""

    hypothesis: Hypothesis
    """Where the engine has no word times (`Capabilities.word_times`), its words share the time of
    the audio by their length (`spread_words`)."""
    refused_hot_words: tuple[HotWord, ...] = ()
    """Those of the utterance that cannot be preferred: no way to spell them."""
    draft: object = None
    """The engine's own notes, of use to it when it reads a longer part of the same audio."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something to be read."""

    samples: Samples
    """Shape (n,), int16, n ≥ 0."""
    hot_words: tuple[HotWord, ...] = ()
    draft: object = None
    """`Reading.draft` of the beginning of the same audio, or None. It saves work and decides
    nothing: the reading of a whole utterance is the same without it."""
    context: str = ""
    """What was said just before, for engines that can make use of it."""
    is_whole: bool = True
    """False if more of the utterance comes: the reading is told as a partial one, and an engine may
    save what only a final needs."""


class OfflineEngine(Protocol):
    """One loaded model."""

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do. They do not change. `partials` is False."""

    def read(self, utterances: Sequence[Utterance]) -> list[Reading]:
        """Read utterances, at most `Capabilities.max_batch` of them; a reading for each, in order.

        Raises:
            DecodeFailed: at least one of them cannot be read.
        """
