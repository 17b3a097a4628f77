"""One segment on its way to its final: the first pass, the second one, the times of its words."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

import numpy as np

from decoder import HotWord, Hypothesis
from decoder.engine import Samples
from rasr.runtime.alignment import WordAligner
from rasr.runtime.finals import FinalChoice, GivenUp, PassOutcome
from rasr.runtime.second_pass import SecondPass, SecondPassEngine
from rasr.scheduling import DecodeListener, Priority, Scheduler
from rasr.tasks import watched


@dataclass(frozen=True, slots=True)
class Alignment:
    """What finds the times of words, where a recognition wants them."""

    aligner: WordAligner
    language: str
    """Of the words: its English name in small letters."""


@dataclass(frozen=True, slots=True)
class Passes:
    """What the segments of a recognition go through."""

    scheduler: Scheduler
    """Of the engine that hears the segment while it grows."""
    owner: Hashable
    """Whose recognition it is, for a fair share of the workers."""
    priority: Priority
    second: SecondPassEngine | None = None
    """Reads each segment once more, for its final; None: nothing does."""
    alignment: Alignment | None = None
    """None: nobody wants the times of words, or nothing finds them."""


class SegmentOwner(Protocol):
    """Who is told what comes of segments. After a final or a failure nothing more comes of one."""

    def heard(self, segment: int, hypothesis: Hypothesis, *, final: bool) -> None:
        """The newest words of a segment have come."""

    def failed(self, segment: int, sentence: str) -> None:
        """A segment cannot be decoded, and `sentence` says why."""

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine of the finals cannot prefer these words."""

    def second_pass_ended(self, outcome: PassOutcome) -> None:
        """A second pass is over."""


class SegmentTask(DecodeListener):
    """Of one segment. It listens to its first pass."""

    def __init__(
        self,
        segment: int,
        passes: Passes,
        owner: SegmentOwner,
        *,
        partials: bool,
        hot_words: tuple[HotWord, ...],
    ) -> None:
        """
        Args:
            partials: results are wanted before the final.
            hot_words: for the first pass.
        """
        self._segment = segment
        self._passes = passes
        self._owner = owner
        second = passes.second
        self._choice = FinalChoice(second_pass=second is not None)
        self._second = (
            None
            if second is None
            else SecondPass(second, self._second_pass_over, owner.hot_words_refused)
        )
        self._aligning: asyncio.Task[None] | None = None
        self._over = False
        """Nothing more is told."""
        self._keeps_audio = second is not None or passes.alignment is not None
        self._audio: list[Samples] = []
        """All of it, where a second pass or an alignment will want it."""
        self._due = 0.0
        """When the newest of it is."""
        self._first = passes.scheduler.open(
            self,
            owner=passes.owner,
            partials=partials,
            hot_words=hot_words,
            priority=passes.priority,
        )

    # What comes from the owner

    def accept(self, samples: Samples, *, due: float) -> None:
        """More audio has come; as `DecodeHandle.accept`."""
        if self._keeps_audio:
            self._audio.append(samples)
        self._due = due
        self._first.accept(samples, due=due)

    def pause(self) -> None:
        """Nobody speaks just now; as `DecodeHandle.pause`."""
        self._first.pause()

    def finish(self, *, now: float, silence: int, awaited: bool) -> None:
        """No more audio comes; as `DecodeHandle.finish`."""
        self._first.finish(due=now, silence=silence, awaited=awaited)
        if self._second is None or self._over:
            return
        if not self._audio:
            self._choice.second(None)
            self._settle()
            return
        due = max(now, self._due)
        self._second.begin(self._audio, due=due, silence=silence, awaited=awaited)

    def abandon(self) -> None:
        """The result is not wanted any more. Nothing is told after this."""
        self._over = True
        self._stop_passes()
        if self._aligning is not None:
            self._aligning.cancel()

    @property
    def busy_s(self) -> float:
        """Time that workers have spent on it, in both passes."""
        return self._first.busy_s + (0.0 if self._second is None else self._second.busy_s)

    @property
    def backlog_samples(self) -> int:
        """Samples that are not decoded yet."""
        second = 0 if self._second is None else self._second.backlog_samples
        return self._first.backlog_samples + second

    # Results of the first pass

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        """The engine has said something."""
        if not final:
            self._owner.heard(self._segment, hypothesis, final=False)
            return
        self._choice.first(hypothesis)
        if self._choice.awaits_second:
            # Whoever watches sees it, and it is not lost if the recognition is given up meanwhile.
            self._owner.heard(self._segment, hypothesis, final=False)
        self._settle()

    def failed(self, sentence: str) -> None:
        """The engine has given up: the second pass may save the segment."""
        self._choice.first(GivenUp(sentence))
        self._settle()

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine cannot prefer these; where another one gives the final that matters little."""
        if self._second is None:
            self._owner.hot_words_refused(words)

    # The final

    def _second_pass_over(self, hypothesis: Hypothesis | None, outcome: PassOutcome) -> None:
        self._owner.second_pass_ended(outcome)
        if hypothesis is not None:
            hypothesis = replace(hypothesis, second_pass=True)
        self._choice.second(hypothesis)
        self._settle()

    def _settle(self) -> None:
        """Go on with what comes of the segment, once that is known."""
        result = self._choice.result
        if self._over or result is None or self._aligning is not None:
            return
        # Of two passes one may still be at work.
        self._stop_passes()
        match result:
            case GivenUp():
                self._over = True
                self._owner.failed(self._segment, result.sentence)
            case Hypothesis():
                self._align(result)
            case _:
                assert_never(result)

    def _align(self, hypothesis: Hypothesis) -> None:
        """Tell the final, with the times of its words where they are wanted and not known."""
        alignment = self._passes.alignment
        if alignment is None or not any(word.times_guessed for word in hypothesis.words):
            self._tell(hypothesis)
            return
        self._aligning = watched(
            self._aligned(hypothesis, alignment),
            name="align",
            # Words with guessed times are better than no words.
            failed=lambda error: self._tell(hypothesis),
        )
        self._owner.heard(self._segment, hypothesis, final=False)

    async def _aligned(self, hypothesis: Hypothesis, alignment: Alignment) -> None:
        samples = np.concatenate(self._audio)
        self._tell(await alignment.aligner.align(hypothesis, samples, alignment.language))

    def _tell(self, hypothesis: Hypothesis) -> None:
        if self._over:
            return
        self._over = True
        self._owner.heard(self._segment, hypothesis, final=True)

    def _stop_passes(self) -> None:
        self._first.abandon()
        if self._second is not None:
            self._second.abandon()
