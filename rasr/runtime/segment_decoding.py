"""The decode tasks of one recognition: one for each segment, from its start to its final."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from decoder import HotWord, Hypothesis
from rasr.audio import SAMPLE_RATE
from rasr.recognition.effects import (
    AbandonSegment,
    Decode,
    FinishSegment,
    PauseSegment,
    StartSegment,
)
from rasr.recognition.recognition import Recognition
from rasr.runtime.finals import PassOutcome
from rasr.runtime.segment_task import Passes, SegmentOwner, SegmentTask
from rasr.runtime.statistics import SessionStatistics

_MOMENT_S = 0.1


class SegmentDecoding(SegmentOwner):
    """Brings segments to the engines, and their results to the recognition."""

    def __init__(
        self,
        recognition: Recognition,
        passes: Passes,
        statistics: SessionStatistics,
        give: Callable[[Callable[[], None]], None],
        settled_segments: int,
    ) -> None:
        """
        Args:
            give: called with each input of the recognition that an engine causes.
            settled_segments: so many of the first segments are not decoded.
        """
        self._recognition = recognition
        self._passes = passes
        self.statistics = statistics
        self._give = give
        self._settled_segments = settled_segments
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[int, SegmentTask] = {}
        """Segment → its task, until its final."""
        self._began: float | None = None
        """When the first audio came, on the loop's clock."""
        self._progressed = asyncio.Event()
        """Set by each result of an engine."""

    def audio_came(self, now: float) -> None:
        """Audio of the recognition has come; the first begins its clock."""
        if self._began is None:
            self._began = now

    def do(
        self, effect: StartSegment | Decode | PauseSegment | FinishSegment | AbandonSegment
    ) -> None:
        """Carry out what the recognition wants done with a segment."""
        segment, now = effect.segment, self._loop.time()
        if segment <= self._settled_segments:
            if isinstance(effect, FinishSegment):
                nothing = Hypothesis()
                self._give(partial(self._recognition.hypothesis, segment, nothing, final=True))
            return
        match effect:
            case Decode():
                due = self._due(effect.end_sample, now)
                self._tasks[segment].accept(effect.samples, due=due)
            case StartSegment():
                self.statistics.segment_started(segment, now)
                self._tasks[segment] = SegmentTask(
                    segment,
                    self._passes,
                    self,
                    partials=self._recognition.config.partials,
                    hot_words=effect.hot_words,
                )
            case PauseSegment():
                self._tasks[segment].pause()
            case FinishSegment():
                self.statistics.segment_ended(segment, now)
                self._tasks[segment].finish(now=now, silence=effect.silence, awaited=effect.awaited)
            case AbandonSegment():
                self.statistics.segment_gone(segment)
                self._pop(segment).abandon()

    def close(self) -> None:
        """Abandon all tasks. Results that are on their way are for nobody."""
        for segment in list(self._tasks):
            self._pop(segment).abandon()
        self._progressed.set()

    @property
    def backlog_s(self) -> float:
        """Audio that is not decoded yet, seconds."""
        if not self._tasks:
            return 0.0
        return sum(task.backlog_samples for task in self._tasks.values()) / SAMPLE_RATE

    async def progress(self) -> None:
        """Wait for the next result of an engine, for the end, or a moment.

        Where no partials are wanted an engine says nothing of what it has decoded.
        """
        self._progressed.clear()
        try:
            async with asyncio.timeout(_MOMENT_S):
                await self._progressed.wait()
        except TimeoutError:
            pass

    # Results of the tasks

    def heard(self, segment: int, hypothesis: Hypothesis, *, final: bool) -> None:
        """The newest words of a segment have come."""
        self._progressed.set()
        if final:
            self._pop(segment)
        # A final that waits for a second pass comes as a partial, which not everybody sees.
        if final or self._recognition.config.partials:
            now, text = self._loop.time(), bool(hypothesis.text)
            self.statistics.heard(segment, now, final=final, text=text)
        self._give(partial(self._recognition.hypothesis, segment, hypothesis, final=final))

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine of the finals cannot prefer these."""
        self._give(partial(self._recognition.hot_words_refused, words))

    def failed(self, segment: int, sentence: str) -> None:
        """A segment cannot be decoded."""
        self._progressed.set()
        self._pop(segment)
        self.statistics.segment_gone(segment)
        self._give(partial(self._recognition.failed, segment, sentence))

    def second_pass_ended(self, outcome: PassOutcome) -> None:
        """A second pass is over."""
        self.statistics.second_passes[outcome] += 1

    def _due(self, end_sample: int, now: float) -> float:
        """When audio up to here has been spoken, or now if that is later."""
        began = now if self._began is None else self._began
        return max(now, began + end_sample / SAMPLE_RATE)

    def _pop(self, segment: int) -> SegmentTask:
        task = self._tasks.pop(segment)
        self.statistics.busy_s += task.busy_s
        return task
