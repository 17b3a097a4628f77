"""The recognition runner: carries out what one recognition wants done.

It owns a `Recognition`, its decode tasks and its timer, and adds no rules. It does not know who
listens: a connection attaches to it, may detach, and another may attach later and get the events
that have not been taken.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from functools import partial
from typing import Protocol, assert_never

import structlog

from decoder import HotWord, Hypothesis
from rasr.audio import SAMPLE_RATE
from rasr.recognition.effects import (
    AbandonSegment,
    Decode,
    Effect,
    FinishSegment,
    Process,
    ReleaseSlot,
    Report,
    StartSegment,
    TakeSlot,
)
from rasr.recognition.events import Done, Partial, RecognitionEvent
from rasr.recognition.recognition import Recognition
from rasr.runtime.access import Access
from rasr.runtime.statistics import SessionStatistics
from rasr.scheduling import DecodeHandle, DecodeListener, Scheduler
from rasr.text import TextProcessor

_log = structlog.get_logger("rasr.runtime")


class Listener(Protocol):
    """Who is told what a recognition reports. Called on the event loop."""

    def on_event(self, number: int, event: RecognitionEvent) -> None:
        """The next event; its number is one more than that of the event before it."""

    def on_fault(self) -> None:
        """A fault of the server has ended the recognition; no event comes any more."""


class RecognitionRunner:
    """One recognition on the event loop."""

    def __init__(
        self,
        recognition: Recognition,
        scheduler: Scheduler,
        processor: TextProcessor,
        access: Access,
        statistics: SessionStatistics,
        *,
        owner: Hashable,
        keeps_events: bool = False,
    ) -> None:
        """
        Args:
            access: closed when the recognition is over.
            owner: whose recognition it is, for a fair share of the workers.
            keeps_events: events stay until they are taken, so that a listener that attaches later
                misses none; of partials only the newest.
        """
        self._recognition = recognition
        self._scheduler = scheduler
        self._processor = processor
        self._access = access
        self._subscribers = list(access.subscribers)
        self._statistics = statistics
        self._owner = owner
        self._keeps_events = keeps_events
        self._loop = asyncio.get_running_loop()
        self._listener: Listener | None = None
        self._handles: dict[int, DecodeHandle] = {}
        self._kept: deque[tuple[int, RecognitionEvent]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._began: float | None = None
        """When the first audio came, on the loop's clock."""
        self._is_carrying_out = False
        self._progressed = asyncio.Event()
        """Set by each result of an engine."""
        self.newest = 0
        """Number of the newest event."""
        self.taken = 0
        """Events up to this number have been taken."""
        self.over = False
        """True once `Done` has been reported, or the recognition was given up."""
        statistics.recognition_opened(self)

    # Who listens

    def attach(self, listener: Listener) -> None:
        """Tell `listener` all events that have not been taken, and from now on each one."""
        self._listener = listener
        for number, event in list(self._kept):
            listener.on_event(number, event)
        self._carry_out()

    def detach(self) -> None:
        """Nobody listens for now. The recognition goes on."""
        self._listener = None

    def take(self, number: int) -> None:
        """Events up to this one have reached whoever wants them."""
        self.taken = max(self.taken, number)
        while self._kept and self._kept[0][0] <= self.taken:
            self._kept.popleft()

    # What the listener's side does

    def feed(self, data: bytes) -> None:
        """Take the next bytes of audio, at most `most_bytes` of them."""
        now = self._loop.time()
        if self._began is None:
            self._began = now
        self._guarded(partial(self._recognition.audio, data, now=now))
        if now >= self._statistics.audio.next_at:
            self._statistics.audio.note(now, self._statistics.audio_s)

    def flush(self, mark: str) -> None:
        """See `Recognition.flush`."""
        self._guarded(partial(self._recognition.flush, mark))

    def drop(self) -> None:
        """See `Recognition.drop`."""
        self._guarded(self._recognition.drop)

    def finish(self) -> None:
        """See `Recognition.finish`."""
        self._guarded(self._recognition.finish)

    def cancel(self) -> None:
        """See `Recognition.cancel`."""
        self._guarded(self._recognition.cancel)

    def close(self, reason: str) -> None:
        """Give everything back at once; nobody is told anything more."""
        if self.over:
            return
        self.over = True
        self._listener = None
        if self._timer is not None:
            self._timer.cancel()
        for segment in list(self._handles):
            self._give_back(segment).abandon()
        self._access.close()
        if self._statistics.in_recognition:
            self._statistics.recognition_closed(reason)
        self._progressed.set()

    # What is known of it

    @property
    def most_bytes(self) -> int:
        """How many bytes may be fed at once, lest others wait."""
        return self._recognition.most_bytes

    @property
    def audio_s(self) -> float:
        """Audio received so far, seconds."""
        return self._recognition.received_samples / SAMPLE_RATE

    @property
    def received_samples(self) -> int:
        """Audio received so far, in samples of the recognition's clock."""
        return self._recognition.received_samples

    @property
    def speech_s(self) -> float:
        """Audio given to the engine so far, seconds."""
        return self._recognition.speech_samples / SAMPLE_RATE

    @property
    def segments(self) -> int:
        """Segments that have begun."""
        return self._recognition.segments

    @property
    def backlog_s(self) -> float:
        """Audio that is not decoded yet, seconds."""
        if not self._handles:
            return 0.0
        return sum(handle.backlog_samples for handle in self._handles.values()) / SAMPLE_RATE

    async def progress(self) -> None:
        """Wait for the next result of an engine, or for the end."""
        if not self.over:
            self._progressed.clear()
            await self._progressed.wait()

    # Effects out

    def _guarded(self, call: Callable[[], None]) -> None:
        """One input of the recognition and what follows from it.

        A fault in here is ours. It ends this recognition and no other; callers are other people's
        tasks, such as those of the scheduler.
        """
        if self.over:
            return
        try:
            call()
            self._carry_out()
        except Exception:
            _log.exception("recognition_failed")
            listener = self._listener
            self.close("a fault of the server")
            if listener is not None:
                listener.on_fault()

    def _carry_out(self) -> None:
        # Carrying out an effect may lead back here: what a listener does is an input. The outer
        # call then finds the effects of that in their order.
        if self._is_carrying_out:
            return
        self._is_carrying_out = True
        try:
            while effects := self._recognition.effects():
                for effect in effects:
                    if self.over:
                        return
                    self._do(effect)
        finally:
            self._is_carrying_out = False
        self._arm()

    def _do(self, effect: Effect) -> None:
        match effect:
            case Decode():
                due = self._due(effect.end_sample)
                self._handles[effect.segment].accept(effect.samples, due=due)
            case Report():
                self._report(effect.event)
            case Process():
                self._process(effect)
            case StartSegment():
                self._statistics.segment_started(effect.segment, self._loop.time())
                self._handles[effect.segment] = self._scheduler.open(
                    _SegmentListener(self, effect.segment),
                    owner=self._owner,
                    partials=self._recognition.config.partials,
                    hot_words=effect.hot_words,
                )
            case FinishSegment():
                now = self._loop.time()
                self._statistics.segment_ended(effect.segment, now)
                self._handles[effect.segment].finish(
                    due=now, silence=effect.silence, awaited=effect.awaited
                )
            case AbandonSegment():
                self._statistics.segment_gone(effect.segment)
                self._give_back(effect.segment).abandon()
            case TakeSlot():
                refused = self._access.slot.take()
                if refused is None:
                    self._recognition.slot_taken()
                else:
                    self._recognition.slot_refused(refused)
            case ReleaseSlot():
                self._access.slot.release()
            case _:
                assert_never(effect)

    def _due(self, end_sample: int) -> float:
        """When audio up to here has been spoken, or now if that is later."""
        now = self._loop.time()
        began = now if self._began is None else self._began
        return max(now, began + end_sample / SAMPLE_RATE)

    def _report(self, event: RecognitionEvent) -> None:
        self.newest += 1
        if self._keeps_events:
            if self._kept and isinstance(self._kept[-1][1], Partial):
                self._kept.pop()
            self._kept.append((self.newest, event))
        if self._listener is not None:
            self._listener.on_event(self.newest, event)
        # The client comes first, whatever the others cost, and they cost him nothing.
        for subscriber in self._subscribers[:]:
            try:
                subscriber.on_event(event)
            except Exception:
                _log.exception("subscriber_failed")
                self._subscribers.remove(subscriber)
        if isinstance(event, Done):
            self.close(event.outcome)

    def _process(self, effect: Process) -> None:
        work = partial(self._processor.process, effect.hypothesis, final=effect.final)
        if not self._processor.slow:
            self._processed(effect, work)
            return
        done = self._loop.run_in_executor(None, work)
        done.add_done_callback(
            lambda future: self._guarded(partial(self._processed, effect, future.result))
        )

    def _processed(self, effect: Process, result: Callable[[], Hypothesis]) -> None:
        try:
            hypothesis = result()
        except Exception:
            # Words without marks are better than no words.
            _log.exception("text_failed")
            hypothesis = effect.hypothesis
        self._recognition.processed(effect.segment, hypothesis, final=effect.final)

    # Engine results in

    def heard(self, segment: int, hypothesis: Hypothesis, *, final: bool) -> None:
        """The engine has said something of a segment."""
        if self.over:
            return
        self._progressed.set()
        if final:
            self._give_back(segment)
        self._statistics.heard(segment, self._loop.time(), final=final, text=bool(hypothesis.text))
        self._guarded(partial(self._recognition.hypothesis, segment, hypothesis, final=final))

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine cannot prefer these."""
        self._guarded(partial(self._recognition.hot_words_refused, words))

    def decode_failed(self, segment: int, sentence: str) -> None:
        """The engine has given up on a segment."""
        if self.over:
            return
        self._progressed.set()
        self._give_back(segment)
        self._statistics.segment_gone(segment)
        self._guarded(partial(self._recognition.failed, segment, sentence))

    def _give_back(self, segment: int) -> DecodeHandle:
        handle = self._handles.pop(segment)
        self._statistics.busy_s += handle.busy_s
        return handle

    # Time

    def _arm(self) -> None:
        """Keep one timer, at or before the recognition's deadline."""
        deadline = self._recognition.deadline()
        if deadline is None or self.over:
            return
        if self._timer is not None and not self._timer.cancelled():
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._guarded(partial(self._recognition.advance, now=self._loop.time()))


class _SegmentListener(DecodeListener):
    """Brings the results of one segment to its runner."""

    def __init__(self, runner: RecognitionRunner, segment: int) -> None:
        self._runner = runner
        self._segment = segment

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        self._runner.heard(self._segment, hypothesis, final=final)

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        self._runner.hot_words_refused(words)

    def failed(self, sentence: str) -> None:
        self._runner.decode_failed(self._segment, sentence)
