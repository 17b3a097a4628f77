"""The recognition runner: carries out what one recognition wants done.

It owns a `Recognition`, its decode tasks and its timer, and adds no rules. It does not know who
listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import assert_never

import structlog

from decoder import Hypothesis
from rasr.audio import SAMPLE_RATE
from rasr.recognition.effects import (
    AbandonSegment,
    Decode,
    Effect,
    FinishSegment,
    PauseSegment,
    Process,
    ReleaseSlot,
    Report,
    StartSegment,
    TakeSlot,
)
from rasr.recognition.events import Done, RecognitionEvent
from rasr.recognition.recognition import Recognition
from rasr.runtime.access import Access, Heard
from rasr.runtime.alarm import Alarm, Watchdog
from rasr.runtime.audience import Audience, Listener
from rasr.runtime.segment_decoding import SegmentDecoding
from rasr.runtime.segment_task import Passes
from rasr.runtime.slow_text import SlowText, TextTimeout
from rasr.runtime.statistics import SessionStatistics
from rasr.text import TextProcessor

_log = structlog.get_logger("rasr.runtime")


class RecognitionRunner:
    """One recognition on the event loop."""

    def __init__(
        self,
        recognition: Recognition,
        passes: Passes,
        processor: TextProcessor,
        slow_text: SlowText,
        access: Access,
        statistics: SessionStatistics,
        *,
        answer_timeout_s: float,
        settled_segments: int = 0,
    ) -> None:
        """
        Args:
            passes: what its segments go through.
            access: closed when the recognition is over.
            answer_timeout_s: a recognition is given up of which nothing is heard for so long while
                its client waits: once no more audio comes, or while no more is taken. It is the
                last resort against a fault of ours.
            settled_segments: so many of the first segments were recognised before, by a runner that
                is gone; they are not decoded, and their finals are empty. The segments after them
                are what they would be anyhow.
        """
        self._recognition = recognition
        self._decoding = SegmentDecoding(
            recognition, passes, statistics, self._guarded, settled_segments
        )
        self._text = _Text(recognition, processor, slow_text, self._guarded)
        self._access = access
        self._statistics = statistics
        self._audience = Audience(access.subscribers)
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(self._ring)
        self._watchdog = Watchdog(answer_timeout_s, lambda: self.backlog_s, self._stalled)
        self._is_finishing = False
        self._is_carrying_out = False
        self.succeeded = False
        """True once its client was told that all went well."""
        self.over = False
        """True once `Done` has been reported, or the recognition was given up."""
        statistics.recognition_opened(self, self._loop.time())

    def attach(self, listener: Listener) -> None:
        """Tell `listener` each event from now on."""
        self._audience.listener = listener
        self._carry_out()

    def feed(self, data: bytes) -> None:
        """Take the next bytes of audio all at once, however long that takes."""
        for _ in self.steps(data):
            pass

    def steps(self, data: bytes) -> Iterator[None]:
        """Take the next bytes of audio in steps, none of which takes long."""
        self._hear(data)
        yield
        while not self.over and self._recognition.pending:
            self._hear(b"")
            yield

    def _hear(self, data: bytes) -> None:
        now = self._loop.time()
        self._decoding.audio_came(now)
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
        self._is_finishing = True
        self._guarded(self._recognition.finish)
        if not self.over:
            self._watchdog.start()

    def cancel(self) -> None:
        """See `Recognition.cancel`."""
        self._guarded(self._recognition.cancel)

    def close(self, reason: str) -> None:
        """Give everything back at once; nobody is told anything more."""
        if self.over:
            return
        self.over = True
        self._audience.listener = None
        self._alarm.cancel()
        self._watchdog.cancel()
        self._decoding.close()
        self._access.close()
        if self._access.settle is not None:
            told_s = self._audience.told_samples / SAMPLE_RATE
            trace_id = self._statistics.trace_id
            self._access.settle(Heard(trace_id, self.audio_s, told_s, self.succeeded))
        if self._statistics.in_recognition:
            self._statistics.recognition_closed(reason, self._loop.time())

    @property
    def audio_s(self) -> float:
        """Audio received so far, seconds."""
        return self._recognition.received_samples / SAMPLE_RATE

    @property
    def settled_sample(self) -> int:
        """See `Recognition.settled_sample`."""
        return self._recognition.settled_sample

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
        return self._decoding.backlog_s

    async def progress(self) -> None:
        """Wait for the next result of an engine, for the end, or a moment.

        While who feeds it waits here nothing else of its peer is heard, so that has an end.
        """
        if not self.over:
            self._watchdog.start()
            await self._decoding.progress()

    # Effects out

    def _guarded(self, call: Callable[[], None]) -> None:
        """One input of the recognition and what follows from it.

        A fault in here is ours. It ends this recognition and no other; callers are other people's
        tasks, such as those of the scheduler.
        """
        if self.over:
            return
        self._watchdog.feed()
        try:
            call()
            self._carry_out()
        except Exception:
            _log.exception("recognition_failed")
            listener = self._audience.listener
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
        if not self.over:
            self._alarm.set(self._recognition.deadline())

    def _do(self, effect: Effect) -> None:
        match effect:
            case StartSegment() | Decode() | PauseSegment() | FinishSegment() | AbandonSegment():
                self._decoding.do(effect)
            case Report():
                self._report(effect.event)
            case Process():
                self._text.process(effect)
            case TakeSlot():
                _take_slot(self._access, self._recognition)
            case ReleaseSlot():
                self._access.slot.release()
            case _:
                assert_never(effect)

    def _report(self, event: RecognitionEvent) -> None:
        self._audience.tell(event)
        if isinstance(event, Done):
            self.close(event.outcome)

    def _stalled(self) -> None:
        """Nothing has happened for a long time. Who fed it may wait for its audio no longer."""
        if self._is_finishing or self.backlog_s:
            self._give_up()

    def _give_up(self) -> None:
        _log.error("recognition_stalled", backlog_s=self.backlog_s)
        self._statistics.stalled += 1
        sentence = "the recognition came to a standstill; the server has given it up"
        self._guarded(partial(self._recognition.give_up, sentence))

    def _ring(self) -> None:
        self._guarded(partial(self._recognition.advance, now=self._loop.time()))


class _Text:
    """What the text rules make of hypotheses, at once or off the event loop."""

    def __init__(
        self,
        recognition: Recognition,
        processor: TextProcessor,
        slow_text: SlowText,
        guarded: Callable[[Callable[[], None]], None],
    ) -> None:
        self._recognition = recognition
        self._processor = processor
        self._slow_text = slow_text
        self._guarded = guarded

    def process(self, effect: Process) -> None:
        work = partial(self._processor.process, effect.hypothesis, final=effect.final)
        if not self._processor.is_slow(effect.hypothesis):
            self._processed(effect, work)
            return
        self._slow_text.process(
            work, lambda result: self._guarded(partial(self._processed, effect, result))
        )

    def _processed(self, effect: Process, result: Callable[[], Hypothesis]) -> None:
        try:
            hypothesis = result()
        except Exception as error:
            hypothesis = _substitute(self._processor, effect, error)
        self._recognition.processed(effect.segment, hypothesis, final=effect.final)


def _take_slot(access: Access, recognition: Recognition) -> None:
    refused = access.slot.take()
    if refused is None:
        recognition.slot_taken()
    else:
        recognition.slot_refused(refused)


def _substitute(processor: TextProcessor, effect: Process, error: Exception) -> Hypothesis:
    """What is told where the processor is late or has failed."""
    if isinstance(error, TextTimeout):
        _log.warning("text_late", final=effect.final)
    else:
        _log.error("text_failed", exc_info=error)
    try:
        return processor.substitute(effect.hypothesis, final=effect.final)
    except Exception:
        # Words without marks are better than no words.
        _log.exception("text_substitute_failed")
        return effect.hypothesis
