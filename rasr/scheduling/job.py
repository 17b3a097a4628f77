"""A job: one utterance on its way through an engine, with the sound that it may need again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from decoder import Capabilities, HotWord, Hypothesis
from decoder.engine import Samples
from rasr.scheduling.ladder import RUNGS, Rung
from rasr.scheduling.steps import Step

_EARLY_S = 1.0
"""Sound of a client that speaks is due up to a chunk after it came: a round's clock begins when its
first chunk is there. SIS recommends chunks of 50 ms to 1 s."""


class Sink(Protocol):
    """Where the results of a job go. Called on the event loop."""

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        """The newest words. After a final one nothing more comes."""

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine cannot prefer these. Told again after a replay."""

    def failed(self, sentence: str) -> None:
        """The utterance cannot be decoded. Nothing more comes."""


@dataclass(frozen=True, slots=True)
class Piece:
    samples: Samples
    due: float
    """When this sound would have been spoken to its end, on the loop's clock, or when it came if
    that is later. A client that sends faster than speech therefore waits behind those that don't.
    """


@dataclass(frozen=True, slots=True)
class Cadence:
    """When a step is worth its overhead, in samples of the engine's rate."""

    least: int
    """Sound that must wait, unless the end is there."""
    most: int
    """Sound that one step takes where so much waits, rounded up to whole pieces."""
    partial: int | None
    """Sound between two partials; None where none are wanted."""
    first: int
    """With so much sound the engine does its first work, and again with each `every` more."""
    every: int
    merged: int = 1
    """So many steps in one, but for the first: the first partial is not kept waiting."""

    @staticmethod
    def of(
        capabilities: Capabilities,
        *,
        step_ms: int,
        partial_ms: int,
        partials: bool,
        rung: Rung = RUNGS[0],
    ) -> Cadence:
        rate = capabilities.sample_rate
        # Who watches wants every partial; who does not can wait for a longer step.
        least_ms = min(partial_ms, step_ms) if partials else step_ms
        return Cadence(
            least=rate * least_ms // 1000,
            # An engine's own step is not worth cutting: the first part of it would do nothing.
            most=max(
                rate * step_ms // 1000, capabilities.first_step_samples, capabilities.step_samples
            ),
            partial=rate * partial_ms // 1000 * rung.partials if partials else None,
            first=capabilities.first_step_samples,
            every=capabilities.step_samples,
            merged=rung.merged,
        )

    @property
    def step_samples(self) -> int:
        """Sound of each step but the first."""
        first = self.next_step_at(0)
        return self.next_step_at(first) - first

    def next_step_at(self, taken: int) -> int:
        """With how much sound in all the next step begins, when `taken` has been taken.

        Counted from the engine's own last step, not from `taken`: what came beyond it is the
        beginning of the next one.
        """
        steps, merged = -1, 1
        if taken >= self.first:
            steps, merged = (taken - self.first) // self.every, self.merged
        return self.first + (steps + max(1, -(-self.least // self.every)) * merged) * self.every


@dataclass(slots=True, eq=False)
class Job:
    number: int
    """Names its stream in a worker; a new one after each failure, so that no late word of the old
    stream is taken for one of the new."""
    sink: Sink
    session: object
    """Whose utterance it is."""
    cadence: Cadence
    hot_words: tuple[HotWord, ...]
    kept: list[Piece] = field(default_factory=list)
    """All sound of the utterance, until its final is there: a worker may die and be replaced."""
    pending: deque[Piece] = field(default_factory=deque)
    """Sound that no step has taken yet."""
    finishing: bool = False
    silence: int = 0
    """Samples at the end that hold no speech, once `finishing`."""
    awaited: bool = False
    """Its final is the only thing that the client waits for, once `finishing`."""
    over: bool = False
    opened: bool = False
    in_flight: bool = False
    failed_tries: int = 0
    finish_due: float = 0.0
    call: int | None = None
    """The call of its lane that decoded its last step."""
    ready_since: float = 0.0
    """When there was work for the next step."""
    decoded_samples: int = 0
    partial_at_sample: int = 0
    busy_s: float = 0.0
    pending_samples: int = 0
    taken_samples: int = 0
    """Of the step in flight."""
    _next_step_at: int = field(init=False)

    def __post_init__(self) -> None:
        self._next_step_at = self.cadence.next_step_at(0)

    @property
    def ready(self) -> bool:
        """True if a step is worth its overhead and none is under way."""
        if self.in_flight or self.over:
            return False
        return self.finishing or self.decoded_samples + self.pending_samples >= self._next_step_at

    @property
    def due(self) -> float:
        """Of the oldest sound that waits; of the end where none does."""
        return self.pending[0].due if self.pending else self.finish_due

    @property
    def backlog_samples(self) -> int:
        return self.pending_samples + self.taken_samples

    def turn_to(self, cadence: Cadence) -> None:
        """Other steps from the next one on, with or without partials as before."""
        self.cadence = cadence
        self._next_step_at = cadence.next_step_at(self.decoded_samples + self.taken_samples)

    def urgent(self, now: float) -> bool:
        """True if its end is due, or as good as due: its client waits for the final."""
        return self.finishing and self.due <= now + _EARLY_S

    def accept(self, piece: Piece) -> None:
        self.kept.append(piece)
        self.pending.append(piece)
        self.pending_samples += len(piece.samples)

    def step(self) -> Step:
        """The next step; it is in flight from now on."""
        # Less than the engine's own next step would come back without a word, and the partial that
        # is due would wait for the step after it.
        samples = self._take(max(self.cadence.most, self._next_step_at - self.decoded_samples))
        decoded = self.decoded_samples + len(samples)
        opens = not self.opened
        self.in_flight = self.opened = True
        partial = self.cadence.partial
        return Step(
            self.number,
            samples,
            opens,
            finishes=self.finishing and not self.pending,
            wants_hypothesis=partial is not None and decoded - self.partial_at_sample >= partial,
            hot_words=self.hot_words,
            silence=self.silence,
        )

    def step_done(self, *, heard: bool) -> None:
        """The step in flight has been decoded; `heard` if a hypothesis came of it."""
        self.decoded_samples += self.taken_samples
        if heard:
            self.partial_at_sample = self.decoded_samples
        self.taken_samples = 0
        self.in_flight = False
        self._next_step_at = self.cadence.next_step_at(self.decoded_samples)

    def forget(self) -> None:
        """Let go of all sound."""
        self.kept.clear()
        self.pending.clear()
        self.pending_samples = self.taken_samples = 0

    def rewind(self, number: int) -> None:
        """Begin anew with another stream: all sound waits again, nothing has been decoded."""
        self.number = number
        self.pending = deque(self.kept)
        self.pending_samples = sum(len(piece.samples) for piece in self.kept)
        self.taken_samples = 0
        self.opened = self.in_flight = False
        self.call = None
        # `partial_at_sample` stays: partials up to there were shown, and showing them again would
        # make the text jump back.
        self.decoded_samples = 0
        self._next_step_at = self.cadence.next_step_at(0)

    def _take(self, wanted_samples: int) -> Samples:
        """Whole pieces of the sound that waits, until it is `wanted_samples` or more."""
        taken: list[Samples] = []
        length = 0
        while self.pending and length < wanted_samples:
            taken.append(self.pending.popleft().samples)
            length += len(taken[-1])
        self.pending_samples -= length
        self.taken_samples = length
        return np.concatenate(taken) if taken else np.empty(0, np.int16)
