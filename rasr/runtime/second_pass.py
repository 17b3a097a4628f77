"""The second pass over one segment: another engine reads all of it, within a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from decoder import HotWord, Hypothesis
from decoder.engine import Samples
from rasr.runtime.finals import PassOutcome
from rasr.scheduling import DecodeHandle, DecodeListener, Priority, Scheduler

_log = structlog.get_logger("rasr.runtime")


@dataclass(frozen=True, slots=True)
class SecondPassEngine:
    """The engine of second passes, and what one recognition asks of it."""

    scheduler: Scheduler
    owner: Hashable
    """Whose recognition it is, for a fair share of the workers."""
    hot_words: tuple[HotWord, ...]
    """To be preferred."""
    timeout_s: float | None
    """After the end of a segment; None: nobody waits, and it may take as long as it takes."""

    @property
    def priority(self) -> Priority:
        """Of its decode tasks."""
        return Priority.BATCH if self.timeout_s is None else Priority.SECOND_PASS


class SecondPass(DecodeListener):
    """Of one segment."""

    def __init__(
        self,
        engine: SecondPassEngine,
        over: Callable[[Hypothesis | None, PassOutcome], None],
        hot_words_refused: Callable[[tuple[HotWord, ...]], None],
    ) -> None:
        """
        Args:
            over: called once when it is over, unless it is abandoned before: with its final, or
                None where it was late or failed.
            hot_words_refused: called with words that the engine cannot prefer.
        """
        self._engine = engine
        self._tell_over = over
        self._tell_refused = hot_words_refused
        self._handle: DecodeHandle | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, audio: Sequence[Samples], *, due: float, silence: int, awaited: bool) -> None:
        """The segment has ended: read it. The answer may come before this returns.

        Args:
            audio: of the whole segment, in order; not empty. Arrays of shape (n,), int16, 16 kHz.
            due: when its end is due, on the clock of the scheduler in seconds.
            silence: so many samples at the end hold no speech.
            awaited: nothing else is wanted of the recognition; somebody waits for this alone.
        """
        engine = self._engine
        if not engine.scheduler.workers_up:
            self._over(None, PassOutcome.FAILED)
            return
        if engine.timeout_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(engine.timeout_s, self._late)
        self._handle = engine.scheduler.open(
            self,
            owner=engine.owner,
            partials=False,
            hot_words=engine.hot_words,
            priority=engine.priority,
        )
        # An engine that reads whole utterances does so at the end, and each step before it would
        # only be a turn lost to others. Others are given turns between the pieces.
        if engine.scheduler.capabilities.rereads:
            audio = [np.concatenate(audio)]
        for samples in audio:
            self._handle.accept(samples, due=due)
        self._handle.finish(due=due, silence=silence, awaited=awaited)

    def abandon(self) -> None:
        """The result is not wanted any more. Nothing is told after this."""
        if self._timer is not None:
            self._timer.cancel()
        if self._handle is not None:
            self._handle.abandon()

    @property
    def busy_s(self) -> float:
        """Time that workers have spent on it."""
        return 0.0 if self._handle is None else self._handle.busy_s

    @property
    def backlog_samples(self) -> int:
        """Samples that it has not read yet and will read, however long it takes.

        A pass that is bounded in time keeps nobody waiting, and has none.
        """
        if self._handle is None or self._engine.timeout_s is not None:
            return 0
        return self._handle.backlog_samples

    # Results of the engine

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        """The engine has said something."""
        if final:
            self._over(hypothesis, PassOutcome.IN_TIME if hypothesis.text else PassOutcome.EMPTY)

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine cannot prefer these."""
        self._tell_refused(words)

    def failed(self, sentence: str) -> None:
        """The engine has given up."""
        # No client is told of it.
        _log.warning("second_pass_failed", reason=sentence)
        self._over(None, PassOutcome.FAILED)

    def _late(self) -> None:
        self._over(None, PassOutcome.LATE)

    def _over(self, hypothesis: Hypothesis | None, outcome: PassOutcome) -> None:
        self.abandon()
        self._tell_over(hypothesis, outcome)
