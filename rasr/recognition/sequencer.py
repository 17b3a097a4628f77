"""What is reported, in the order of the audio.

Everything that has a place in the audio leaves a recognition through one queue: segments, and
between and behind them marks, the audio limit and the end. A final that is ready early
waits there for those before it. Text that an engine has given goes to be processed first, and its
report waits for the answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import assert_never

from decoder import Hypothesis
from decoder.hypotheses import joined, placed
from rasr.recognition.config import RecognitionConfig
from rasr.recognition.effects import WHOLE, AbandonSegment, Effect, Process, Report
from rasr.recognition.events import (
    Done,
    Final,
    LimitReached,
    Mark,
    Outcome,
    Partial,
    SpeechEnd,
    SpeechEnded,
)
from rasr.recognition.stability import StablePrefix
from rasr.text import sentences


@dataclass(slots=True)
class _Segment:
    number: int
    start_sample: int
    end_sample: int
    """So far; the end once it is finished."""
    partial: Hypothesis | None = None
    """The newest one of the engine."""
    decoded: Hypothesis | None = None
    """The engine's final."""
    final: Hypothesis | None = None
    """The final with its text processed."""


@dataclass(slots=True)
class _Rolling:
    """The partials that are being told."""

    processing: bool = False
    waiting: Hypothesis | None = None
    """A newer one that came while its predecessor was processed."""
    text: str = ""
    stable: StablePrefix = field(default_factory=StablePrefix)
    stable_told: int = 0


@dataclass(slots=True)
class _Whole:
    """Segments that are told as one, on the clock of the first."""

    number: int = WHOLE
    """In `Process`: an answer that comes late is not taken for one of the next whole."""
    pieces: list[Hypothesis] = field(default_factory=list)
    start_sample: int = 0
    end_sample: int = 0
    processing: bool = False
    told: bool = False

    def add(self, item: _Segment, decoded: Hypothesis) -> None:
        self.told = False
        if not self.pieces:
            self.start_sample = item.start_sample
        self.end_sample = item.end_sample
        self.pieces.append(placed(decoded, item.start_sample - self.start_sample))


_Item = _Segment | Mark | LimitReached | Done


class Sequencer:
    """Of one recognition. `effects` is the list that the recognition owns."""

    def __init__(self, config: RecognitionConfig, effects: list[Effect]) -> None:
        self._joined = config.segmentation.joined
        self._breaks = config.segmentation.sentences and config.text.punctuation
        self._partials = config.partials
        self._effects = effects
        self._queue: deque[_Item] = deque()
        self._rolling = _Rolling()
        self._whole = _Whole()
        self._forced = False
        """Nothing is awaited any more."""
        self._whole_told = False
        """Segments that are told as one have had a final."""
        self.over = False
        """True once the end has been reported."""

    # What is to be told

    def expect(self, segment: int, start_sample: int) -> None:
        """The results of a segment come behind those of all before it."""
        self._queue.append(_Segment(segment, start_sample, start_sample))

    def put(self, item: Mark | LimitReached) -> None:
        """Report it once all before it has been reported."""
        self._queue.append(item)
        self._advance()

    def conclude(self, outcome: Outcome) -> None:
        """Report the end once all before it has been reported."""
        self._queue.append(Done(outcome))
        self._advance()

    def fail(self) -> None:
        """The end that has been concluded already is a failure."""
        if self._queue and isinstance(self._queue[-1], Done):
            self._queue[-1] = Done(Outcome.FAILED)
        self._advance()

    def cut_short(self) -> None:
        """Report the end now, whatever has not been reported."""
        self._abandon()
        self._queue = deque([Done(Outcome.CANCELLED)])
        self._rolling = _Rolling()
        self._whole = _Whole(told=True)
        self._advance()

    def force(self) -> None:
        """Report what is known, whatever is still awaited of engines and text rules."""
        self._forced = True
        for segment in self._abandon():
            if segment.decoded is None:
                segment.decoded = segment.partial or Hypothesis()
            segment.final = segment.final or segment.decoded
        self._advance()

    def drop(self) -> None:
        """Forget all segments that have not been reported; the engine need not go on with them."""
        for segment in self._abandon():
            self._report(_dropped(segment))
        self._queue = deque(item for item in self._queue if not isinstance(item, _Segment))
        self._rolling = _Rolling()
        self._whole = _Whole(self._whole.number - 1, told=self._whole_told)
        self._advance()

    def _abandon(self) -> list[_Segment]:
        """The segments that have not been reported; their decode tasks are given up."""
        segments = [item for item in self._queue if isinstance(item, _Segment)]
        for segment in segments:
            if segment.decoded is None:
                self._effects.append(AbandonSegment(segment.number))
        return segments

    @property
    def awaited_sample(self) -> int | None:
        """Where the first segment began that has not been reported; None: all have been."""
        for item in self._queue:
            if isinstance(item, _Segment):
                return item.start_sample
        return None

    # What is known of a segment

    def heard(self, segment: int, end_sample: int) -> None:
        """The engine has been given the audio of a segment up to here."""
        # The newest segment that is still heard is near the end of the queue.
        for item in reversed(self._queue):
            if isinstance(item, _Segment) and item.number == segment:
                item.end_sample = end_sample
                return

    def hypothesis(self, segment: int, hypothesis: Hypothesis, *, final: bool) -> None:
        """Take what the engine makes of a segment now. Unknown ones were dropped."""
        item = self._find_undecoded(segment)
        if item is None:
            return
        if final:
            self._decoded(item, hypothesis)
        else:
            item.partial = hypothesis
            if self._queue[0] is item:
                self._process_partial(item, hypothesis)

    def give_up(self, segment: int) -> bool:
        """The engine has failed on a segment. What it had recognised of it is all there will be.

        False if the segment is unknown.
        """
        item = self._find_undecoded(segment)
        if item is None:
            return False
        self._decoded(item, item.partial or Hypothesis())
        return True

    def processed(self, segment: int, hypothesis: Hypothesis, *, final: bool) -> None:
        """Take processed text, the answer to `Process`."""
        if not final:
            self._processed_partial(segment, hypothesis)
        elif segment <= WHOLE:
            if segment == self._whole.number and self._whole.processing:
                self._tell_whole(hypothesis)
        else:
            item = self._find(segment)
            if item is not None:
                item.final = hypothesis
        self._advance()

    def _find(self, segment: int) -> _Segment | None:
        """The segment of this number; None if it was reported or dropped."""
        segments = (item for item in self._queue if isinstance(item, _Segment))
        return next((item for item in segments if item.number == segment), None)

    def _find_undecoded(self, segment: int) -> _Segment | None:
        """The segment of this number, if its final has not come."""
        item = self._find(segment)
        return item if item is not None and item.decoded is None else None

    def _decoded(self, item: _Segment, hypothesis: Hypothesis) -> None:
        item.decoded = hypothesis
        if self._joined:
            self._advance()
        else:
            self._effects.append(Process(item.number, hypothesis, final=True))

    # Partials

    def _process_partial(self, item: _Segment, hypothesis: Hypothesis) -> None:
        if not self._partials:
            return
        if self._rolling.processing:
            self._rolling.waiting = hypothesis
            return
        self._rolling.processing = True
        number = item.number
        if self._joined:
            number = self._whole.number
            if self._whole.pieces:
                piece = placed(hypothesis, item.start_sample - self._whole.start_sample)
                hypothesis = joined([*self._whole.pieces, piece])
        self._effects.append(Process(number, hypothesis, final=False))

    def _processed_partial(self, segment: int, hypothesis: Hypothesis) -> None:
        rolling = self._rolling
        item = self._queue[0] if self._queue else None
        first = item if isinstance(item, _Segment) else None
        asked = self._whole.number if self._joined else first and first.number
        # The segment may have got its final meanwhile, or have been dropped: others are told now.
        if segment != asked:
            return
        rolling.processing = False
        if first is None:
            return
        stable = rolling.stable.push(hypothesis)
        is_wanted = hypothesis.text and first.decoded is None
        is_news = (hypothesis.text, stable) != (rolling.text, rolling.stable_told)
        if stable is not None and is_wanted and is_news:
            rolling.text, rolling.stable_told = hypothesis.text, stable
            start = first.start_sample
            if self._joined and self._whole.pieces:
                start = self._whole.start_sample
            self._report(Partial(first.number, start, first.end_sample, hypothesis, stable))
        if rolling.waiting is not None:
            newer, rolling.waiting = rolling.waiting, None
            self._process_partial(first, newer)

    # The queue

    def _advance(self) -> None:
        """Report what can be reported now."""
        while self._queue:
            item = self._queue[0]
            match item:
                case _Segment():
                    if not self._tell_segment(item):
                        return
                case Mark() | LimitReached() | Done():
                    # What was recognised comes before it.
                    if self._joined and not self._whole.told and not self._whole_is_told():
                        return
                    self._queue.popleft()
                    self._report(item)
                    self.over = self.over or isinstance(item, Done)
                case _:
                    assert_never(item)

    def _tell_segment(self, item: _Segment) -> bool:
        """Report the final of the first segment and go on; False while it is awaited."""
        if self._joined:
            if item.decoded is None:
                return False
            self._whole.add(item, item.decoded)
            self._rolling.waiting = None
        else:
            if item.final is None:
                return False
            self._rolling = _Rolling()
            self._effects += map(Report, _finals(item, item.final, self._breaks))
        self._queue.popleft()
        self._begin_partials()
        return True

    def _begin_partials(self) -> None:
        """The segment that is first now may have had a partial while it was not."""
        item = self._queue[0] if self._queue else None
        if isinstance(item, _Segment) and item.partial is not None and item.decoded is None:
            self._process_partial(item, item.partial)

    def _whole_is_told(self) -> bool:
        """Report the segments that are told as one; False while their text is processed."""
        whole = self._whole
        text = joined(whole.pieces) if whole.pieces else Hypothesis()
        if self._forced:
            self._tell_whole(text)
            return True
        if not whole.processing:
            whole.processing = True
            self._effects.append(Process(whole.number, text, final=True))
        return False

    def _tell_whole(self, hypothesis: Hypothesis) -> None:
        whole = self._whole
        self._whole_told = True
        self._report(Final(WHOLE, whole.start_sample, whole.end_sample, hypothesis))
        self._whole = _Whole(whole.number - 1, told=True)
        self._rolling = _Rolling()

    def _report(self, event: Partial | Final | Mark | LimitReached | Done | SpeechEnded) -> None:
        self._effects.append(Report(event))


def _finals(item: _Segment, final: Hypothesis, breaks: bool) -> Iterator[Final]:
    """The final of a segment, or one for each sentence; all count from the segment's beginning."""
    told = sentences(final) if breaks else (final,)
    for sentence in told:
        end = item.end_sample
        if sentence is not told[-1]:
            end = item.start_sample + sentence.words[-1].end_sample
        yield Final(item.number, item.start_sample, end, sentence)


def _dropped(item: _Segment) -> SpeechEnded:
    return SpeechEnded(item.number, item.end_sample, item.end_sample, SpeechEnd.DROPPED)
