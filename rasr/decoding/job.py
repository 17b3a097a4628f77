"""A job: one utterance on its way through an engine, with the sound that it may need again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from decoder import HotWord, Hypothesis
from decoder.engine import Samples


class Sink(Protocol):
    """Where the results of a job go. Called on the event loop."""

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        """The newest words. After a final one nothing more comes."""

    def failed(self, sentence: str) -> None:
        """The utterance cannot be decoded. Nothing more comes."""


@dataclass(frozen=True, slots=True)
class Piece:
    samples: Samples
    due: float
    """When this sound would have been spoken to its end, on the loop's clock, or when it came if
    that is later. A client that sends faster than speech therefore waits behind those that don't.
    """


@dataclass(slots=True, eq=False)
class Job:
    number: int
    sink: Sink
    session: object
    """Whose utterance it is."""
    partials: bool
    hot_words: tuple[HotWord, ...]
    least_samples: int
    """A step is not worth its overhead before so much sound waits, or the end is there."""
    kept: list[Piece] = field(default_factory=list)
    """All sound of the utterance, until its final is there: a worker may die and be replaced."""
    pending: deque[Piece] = field(default_factory=deque)
    """Sound that no step has taken yet."""
    finishing: bool = False
    abandoned: bool = False
    opened: bool = False
    in_flight: bool = False
    failed_tries: int = 0
    finish_due: float = 0.0
    decoded_samples: int = 0
    partial_at_sample: int = 0
    busy_s: float = 0.0
    pending_samples: int = 0
    taken_samples: int = 0
    """Of the step in flight."""

    @property
    def ready(self) -> bool:
        if self.in_flight or self.abandoned:
            return False
        return self.finishing or self.pending_samples >= self.least_samples

    @property
    def due(self) -> float:
        """Of the oldest sound that waits; of the end where none does."""
        return self.pending[0].due if self.pending else self.finish_due

    @property
    def backlog_samples(self) -> int:
        return self.pending_samples + self.taken_samples

    def accept(self, piece: Piece) -> None:
        self.kept.append(piece)
        self.pending.append(piece)
        self.pending_samples += len(piece.samples)

    def take(self, most_samples: int) -> Samples:
        """The next sound for one step: about `most_samples`, at least one piece where one waits."""
        taken: list[Samples] = []
        length = 0
        while self.pending and (
            not length or length + len(self.pending[0].samples) <= most_samples
        ):
            taken.append(self.pending.popleft().samples)
            length += len(taken[-1])
        self.pending_samples -= length
        self.taken_samples = length
        return np.concatenate(taken) if taken else np.empty(0, np.int16)

    def forget(self) -> None:
        """Let go of all sound."""
        self.kept.clear()
        self.pending.clear()
        self.pending_samples = self.taken_samples = 0

    def rewind(self) -> None:
        """Begin anew with another stream: all sound waits again, nothing has been decoded."""
        self.pending = deque(self.kept)
        self.pending_samples = sum(len(piece.samples) for piece in self.kept)
        self.taken_samples = 0
        self.opened = self.in_flight = False
        # `partial_at_sample` stays: partials up to there were shown, and showing them again would
        # make the text jump back.
        self.decoded_samples = 0
