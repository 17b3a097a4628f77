"""The decode tasks of one recognition: one for each segment, from its start to its final."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
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
from rasr.runtime.statistics import SessionStatistics
from rasr.scheduling import DecodeHandle, DecodeListener, Priority, Scheduler

_MOMENT_S = 0.1


class SegmentDecoding:
    """Brings segments to the scheduler, and its results to the recognition."""

    def __init__(
        self,
        recognition: Recognition,
        scheduler: Scheduler,
        statistics: SessionStatistics,
        give: Callable[[Callable[[], None]], None],
        *,
        owner: Hashable,
        priority: Priority,
    ) -> None:
        """
        Args:
            give: called with each input of the recognition that an engine causes.
            owner: whose recognition it is, for a fair share of the workers.
        """
        self._recognition = recognition
        self._scheduler = scheduler
        self.statistics = statistics
        self._give = give
        self._owner = owner
        self._priority = priority
        self._loop = asyncio.get_running_loop()
        self._handles: dict[int, DecodeHandle] = {}
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
        match effect:
            case Decode():
                due = self._due(effect.end_sample, now)
                self._handles[segment].accept(effect.samples, due=due)
            case StartSegment():
                self.statistics.segment_started(segment, now)
                self._handles[segment] = self._scheduler.open(
                    _SegmentListener(self, segment),
                    owner=self._owner,
                    partials=self._recognition.config.partials,
                    hot_words=effect.hot_words,
                    priority=self._priority,
                )
            case PauseSegment():
                self._handles[segment].pause()
            case FinishSegment():
                self.statistics.segment_ended(segment, now)
                self._handles[segment].finish(
                    due=now, silence=effect.silence, awaited=effect.awaited
                )
            case AbandonSegment():
                self.statistics.segment_gone(segment)
                self._pop(segment).abandon()

    def close(self) -> None:
        """Abandon all tasks. Results that are on their way are for nobody."""
        for segment in list(self._handles):
            self._pop(segment).abandon()
        self._progressed.set()

    @property
    def backlog_s(self) -> float:
        """Audio that is not decoded yet, seconds."""
        if not self._handles:
            return 0.0
        return sum(handle.backlog_samples for handle in self._handles.values()) / SAMPLE_RATE

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

    # Results of the engine

    def heard(self, segment: int, hypothesis: Hypothesis, *, final: bool) -> None:
        """The engine has said something of a segment."""
        self._progressed.set()
        if final:
            self._pop(segment)
        now, text = self._loop.time(), bool(hypothesis.text)
        self.statistics.heard(segment, now, final=final, text=text)
        self._give(partial(self._recognition.hypothesis, segment, hypothesis, final=final))

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine cannot prefer these."""
        self._give(partial(self._recognition.hot_words_refused, words))

    def failed(self, segment: int, sentence: str) -> None:
        """The engine has given up on a segment."""
        self._progressed.set()
        self._pop(segment)
        self.statistics.segment_gone(segment)
        self._give(partial(self._recognition.failed, segment, sentence))

    def _due(self, end_sample: int, now: float) -> float:
        """When audio up to here has been spoken, or now if that is later."""
        began = now if self._began is None else self._began
        return max(now, began + end_sample / SAMPLE_RATE)

    def _pop(self, segment: int) -> DecodeHandle:
        handle = self._handles.pop(segment)
        self.statistics.busy_s += handle.busy_s
        return handle


class _SegmentListener(DecodeListener):
    """Says whose segment the results are of."""

    def __init__(self, decoding: SegmentDecoding, segment: int) -> None:
        self._decoding = decoding
        self._segment = segment

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        self._decoding.heard(self._segment, hypothesis, final=final)

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        self._decoding.hot_words_refused(words)

    def failed(self, sentence: str) -> None:
        self._decoding.failed(self._segment, sentence)
