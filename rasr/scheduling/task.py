"""A decode task: one utterance on its way through an engine, with the audio it may need again."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Protocol

import numpy as np

from decoder import HotWord, Hypothesis
from decoder.engine import Samples
from rasr.scheduling.engine_host import Step
from rasr.scheduling.overload import StepPolicy

_EARLY_S = 1.0
"""Audio of a client that speaks is due up to a chunk after it came, because the clock of a
recognition begins when its first chunk is there. SIS recommends chunks of 50 ms to 1 s."""


class Priority(IntEnum):
    """Who is served first. A lower priority gets a bounded share (`rasr.scheduling.batching`)."""

    LIVE = 0
    """Somebody speaks, and reads what is recognised."""
    SECOND_PASS = 1
    """Somebody waits for a better text of what has been told already."""
    BATCH = 2
    """A recording, for which nobody sits and waits."""


class DecodeState(StrEnum):
    """Where a decode task stands. `TRANSITIONS` says what may follow what."""

    COLLECTING = "collecting"
    """Less audio waits than a step is worth."""
    WAITING = "waiting"
    """There is work for a step, and no worker has a stream free."""
    READY = "ready"
    """It has a stream of a worker, and its step waits for a slot."""
    DECODING = "decoding"
    """A slot has its step, or has the result of its last one, which is told next."""
    FINISHED = "finished"
    """Its final has been told."""
    FAILED = "failed"
    """It cannot be decoded; its listener is told why."""
    ABANDONED = "abandoned"
    """Nobody wants its result any more."""


OVER = frozenset({DecodeState.FINISHED, DecodeState.FAILED, DecodeState.ABANDONED})
"""States that are left no more."""

TRANSITIONS: Mapping[DecodeState, frozenset[DecodeState]] = {
    # A task goes back to COLLECTING when its worker is lost: all its audio waits again.
    DecodeState.COLLECTING: frozenset(
        {
            DecodeState.COLLECTING,
            DecodeState.WAITING,
            DecodeState.READY,
            DecodeState.FAILED,
            DecodeState.ABANDONED,
        }
    ),
    DecodeState.WAITING: frozenset(
        {DecodeState.READY, DecodeState.FAILED, DecodeState.ABANDONED},
    ),
    DecodeState.READY: frozenset(
        {
            DecodeState.DECODING,
            DecodeState.COLLECTING,
            DecodeState.FAILED,
            DecodeState.ABANDONED,
        }
    ),
    DecodeState.DECODING: frozenset(
        {
            DecodeState.COLLECTING,
            DecodeState.FINISHED,
            DecodeState.FAILED,
            DecodeState.ABANDONED,
        }
    ),
    DecodeState.FINISHED: frozenset(),
    DecodeState.FAILED: frozenset(),
    DecodeState.ABANDONED: frozenset(),
}


class InvalidTransition(RuntimeError):
    """A decode task was to enter a state that cannot follow its own: a fault of the scheduler."""


class DecodeListener(Protocol):
    """Who is told the results of a decode task, on the event loop.

    A listener that raises costs its own utterance, which then fails, and no other.
    """

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        """The newest words have come. After a final one nothing more comes."""

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine cannot prefer these words. It is told again after a replay."""

    def failed(self, sentence: str) -> None:
        """The utterance cannot be decoded, and `sentence` says why. Nothing more comes."""


class StreamHolder(Protocol):
    """Who holds the stream of a decode task, on the side of one worker."""

    def make_ready(self, task: DecodeTask) -> None:
        """The task has work for its next step."""

    def release(self, task: DecodeTask) -> None:
        """The task is about to be over: its stream is given back."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio as it came, shape (n,), int16, at 16 kHz."""

    samples: Samples
    due: float
    """When this audio would have been spoken to its end, on the loop's clock, or when it came if
    that is later. A client that sends faster than speech therefore waits behind those that don't.
    """


@dataclass(frozen=True, slots=True)
class End:
    """What is said when no more audio of an utterance comes."""

    due: float
    silence: int
    """So many samples at the end hold no speech."""
    awaited: bool
    """The final is the only thing that a client waits for."""


@dataclass(slots=True, eq=False)
class DecodeTask:
    """One utterance. Its state changes by the methods below, which check `TRANSITIONS`."""

    stream: int
    """The number of its stream in a worker; a new one after each loss of a worker, so that no late
    result of the old stream is taken for one of the new."""
    listener: DecodeListener
    owner: Hashable
    """Whose utterance it is: one owner gets a bounded number of streams at a time."""
    policy: StepPolicy
    hot_words: tuple[HotWord, ...] = ()
    priority: Priority = Priority.LIVE
    state: DecodeState = field(default=DecodeState.COLLECTING, init=False)
    holder: StreamHolder | None = field(default=None, init=False)
    """None while no worker has a stream for it."""
    opened: bool = field(default=False, init=False)
    """True once a step has been taken that opens its stream in the worker."""
    slot: int | None = field(default=None, init=False)
    """The slot of its worker that took its last step."""
    end: End | None = field(default=None, init=False)
    ready_since: float = field(default=0.0, init=False)
    """When there was work for the next step."""
    failed_tries: int = field(default=0, init=False)
    """Workers that were lost while they decoded it."""
    busy_s: float = field(default=0.0, init=False)
    decoded_samples: int = field(default=0, init=False)
    taken_samples: int = field(default=0, init=False)
    """Samples of the step that is decoded now."""
    pending_samples: int = field(default=0, init=False)
    pauses: bool = field(default=False, init=False)
    """Nobody has spoken since the last audio, and no step has told that yet."""
    _pending: deque[Piece] = field(default_factory=deque, init=False)
    """Audio that no step has taken yet."""
    _kept: list[Piece] = field(default_factory=list, init=False)
    """All audio of the utterance, until its final is there: a worker may die and be replaced."""
    _partial_at_sample: int = field(default=0, init=False)
    _next_step_at: int = field(init=False)

    def __post_init__(self) -> None:
        self._next_step_at = self.policy.next_step_at(0)

    # What is known of it

    @property
    def is_over(self) -> bool:
        """True once nothing more is decoded or told."""
        return self.state in OVER

    @property
    def has_work(self) -> bool:
        """True if a step is worth its overhead and the task is not on its way to one already."""
        return self.state is DecodeState.COLLECTING and (
            self.end is not None
            or self.pauses
            or self.decoded_samples + self.pending_samples >= self._next_step_at
        )

    @property
    def due(self) -> float:
        """When the oldest audio that waits is due, or the end where none waits."""
        if self._pending:
            return self._pending[0].due
        return 0.0 if self.end is None else self.end.due

    @property
    def awaited(self) -> bool:
        """True if a client waits for its final and for nothing else."""
        return self.end is not None and self.end.awaited

    def urgent(self, now: float) -> bool:
        """True if its end is due, or as good as due: its client waits for the final."""
        return self.end is not None and self.due <= now + _EARLY_S

    @property
    def backlog_samples(self) -> int:
        """Samples that are not decoded yet."""
        return self.pending_samples + self.taken_samples

    # What comes from its owner

    def accept(self, piece: Piece) -> None:
        """More audio has come."""
        self.pauses = False
        self._kept.append(piece)
        self._pending.append(piece)
        self.pending_samples += len(piece.samples)

    def follow(self, policy: StepPolicy) -> None:
        """Other steps are taken from the next one on."""
        self.policy = policy
        self._next_step_at = policy.next_step_at(self.decoded_samples + self.taken_samples)

    # States

    def wait(self, now: float) -> None:
        """It has work, and waits for a stream."""
        self._enter(DecodeState.WAITING)
        self.ready_since = now

    def make_ready(self, now: float) -> None:
        """It has work and a stream, and waits for a slot."""
        self._enter(DecodeState.READY)
        self.ready_since = now

    def take_step(self, slot: int) -> Step:
        """A slot takes its next step."""
        self._enter(DecodeState.DECODING)
        # Less than the engine's own next step would come back without a word, and the partial that
        # is due would wait for the step after it.
        samples = self._take(max(self.policy.most, self._next_step_at - self.decoded_samples))
        decoded = self.decoded_samples + len(samples)
        opens = not self.opened
        self.opened, self.slot = True, slot
        partial = self.policy.partial
        pauses = self.pauses and not self._pending
        self.pauses = self.pauses and not pauses
        return Step(
            self.stream,
            samples,
            opens,
            finishes=self.end is not None and not self._pending,
            wants_hypothesis=partial is not None
            and (pauses or decoded - self._partial_at_sample >= partial),
            hot_words=self.hot_words,
            silence=0 if self.end is None else self.end.silence,
            pauses=pauses,
        )

    def step_decoded(self, *, heard: bool, last: bool) -> None:
        """Its step has been decoded.

        Args:
            heard: a hypothesis came of it.
            last: it was the last one; the result is still to be told.
        """
        self.decoded_samples += self.taken_samples
        self.taken_samples = 0
        if heard:
            self._partial_at_sample = self.decoded_samples
        self._next_step_at = self.policy.next_step_at(self.decoded_samples)
        if not last:
            self._enter(DecodeState.COLLECTING)

    def restart(self, stream: int) -> None:
        """Its worker is lost: it begins anew with another stream, and all its audio waits again."""
        if self.state is DecodeState.DECODING:
            self.failed_tries += 1
        self._enter(DecodeState.COLLECTING)
        self.stream = stream
        self.holder = self.slot = None
        self.opened = False
        self._pending = deque(self._kept)
        self.pending_samples = sum(len(piece.samples) for piece in self._kept)
        # `_partial_at_sample` stays: partials up to there were shown, and showing them again would
        # make the text jump back.
        self.decoded_samples = self.taken_samples = 0
        self._next_step_at = self.policy.next_step_at(0)

    def finish(self) -> None:
        """Its final is there."""
        self._end(DecodeState.FINISHED)

    def fail(self) -> None:
        """It cannot be decoded."""
        self._end(DecodeState.FAILED)

    def abandon(self) -> None:
        """Nobody wants its result any more."""
        self._end(DecodeState.ABANDONED)

    def _end(self, state: DecodeState) -> None:
        self._enter(state)
        # Nothing can need the audio again.
        self._kept.clear()
        self._pending.clear()
        self.pending_samples = self.taken_samples = 0

    def _enter(self, state: DecodeState) -> None:
        if state not in TRANSITIONS[self.state]:
            raise InvalidTransition(
                f"decode task {self.stream} is {self.state.value} and cannot become {state.value}"
            )
        self.state = state

    def _take(self, wanted_samples: int) -> Samples:
        """Whole pieces of the audio that waits, until it is `wanted_samples` or more."""
        taken: list[Samples] = []
        length = 0
        while self._pending and length < wanted_samples:
            taken.append(self._pending.popleft().samples)
            length += len(taken[-1])
        self.pending_samples -= length
        self.taken_samples = length
        if len(taken) == 1:
            return taken[0]
        return np.concatenate(taken) if taken else np.empty(0, np.int16)
