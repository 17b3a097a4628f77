"""One recognition: audio and hypotheses in, effects and events out.

It has no loop, no socket and no clock: calls that depend on time are told `now` (seconds of any
monotonic clock), and `deadline` says when `advance` wants to be called. What is to be done is
drained from `effects`. Engines, text rules and admission are asked by effects and answer by calls.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import assert_never

from decoder import HotWord, Hypothesis
from rasr.recognition.config import RecognitionConfig
from rasr.recognition.effects import (
    Decode,
    Effect,
    FinishSegment,
    PauseSegment,
    ReleaseSlot,
    Report,
    StartSegment,
    TakeSlot,
)
from rasr.recognition.events import (
    Failure,
    FailureKind,
    HeadSilence,
    LimitReached,
    Mark,
    Outcome,
    SpeechEnd,
    SpeechEnded,
    SpeechStarted,
    Warning,
    WarningCode,
)
from rasr.recognition.segmenter import (
    Finding,
    Margins,
    SegmentAudio,
    Segmenter,
    SpeechPaused,
)
from rasr.recognition.sequencer import Sequencer
from vad import Classifier

_REFUSED_SHOWN = 5
"""Hot words that one warning names."""


class State(Enum):
    """How far a recognition is."""

    OPEN = auto()
    ENDING = auto()
    """The last finals are awaited."""
    OVER = auto()
    """`Done` has been reported."""


class _Slot(Enum):
    """The admission slot of a recognition that asks for its own."""

    CALLERS = auto()
    """The caller holds it from start to end."""
    FREE = auto()
    ASKED = auto()
    HELD = auto()


class Recognition:
    """One recognition, from its configuration to `Done`."""

    def __init__(
        self,
        config: RecognitionConfig,
        classifier: Classifier,
        margins: Margins,
    ) -> None:
        self.config = config
        self.state = State.OPEN
        self._effects: list[Effect] = []
        self._segmenter = Segmenter(config, classifier, margins)
        self._sequencer = Sequencer(config, self._effects)
        self._hot_words = config.hot_words if config.engine.hot_words else ()
        self._refusals_told = False
        self._slot = _Slot.CALLERS if config.slot_pause_s is None else _Slot.FREE
        self._before_slot: list[Callable[[], None]] = []
        """What was wanted while a slot was asked for."""
        self._undecided: set[int] = set()
        """Segments without a final."""
        self._heard_at = 0.0
        """When audio came last, on the clock of `now`; for the slot."""
        if config.hot_words and not config.engine.of_finals.hot_words:
            self._warn_of_hot_words(_knows_none(config))

    # What is known of it

    @property
    def received_samples(self) -> int:
        """Audio received so far, up to the limit."""
        return self._segmenter.received_samples

    @property
    def settled_sample(self) -> int:
        """All audio before it has been reported, or was silence."""
        awaited = 0 if self.config.segmentation.joined else self._sequencer.awaited_sample
        return self._segmenter.oldest_needed_sample if awaited is None else awaited

    @property
    def speech_samples(self) -> int:
        """Audio given to the engine so far."""
        return self._segmenter.speech_samples

    @property
    def segments(self) -> int:
        """So many segments have begun."""
        return self._segmenter.segments

    @property
    def pending(self) -> bool:
        """True if more of the audio that was given is heard with the next call of `audio`."""
        return self.state is State.OPEN and self._segmenter.pending

    def effects(self) -> list[Effect]:
        """What is to be done since the last call, in order."""
        drained = self._effects[:]
        self._effects.clear()
        return drained

    # What the caller does

    def audio(self, data: bytes, *, now: float) -> None:
        """Take the next bytes of audio, cut anyhow; see `pending`."""
        if self.state is not State.OPEN:
            return
        self._heard_at = now
        if self._slot in (_Slot.CALLERS, _Slot.HELD):
            self._feed(data)
            return
        self._before_slot.append(partial(self._feed, data))
        if self._slot is _Slot.FREE:
            self._slot = _Slot.ASKED
            self._effects.append(TakeSlot())

    def flush(self, mark: str) -> None:
        """End the open segment; `Mark` follows when all that was received has been reported."""
        if self._slot is _Slot.ASKED:
            self._before_slot.append(partial(self.flush, mark))
        elif self.state is State.OPEN:
            self._follow(self._segmenter.flush())
            self._sequencer.put(Mark(mark))
            self._settle()

    def drop(self) -> None:
        """Forget the audio of which no final has been reported."""
        if self.state is State.OPEN:
            self._before_slot.clear()
            self._segmenter.drop()
            self._sequencer.drop()
            self._undecided.clear()
            self._settle()

    def finish(self) -> None:
        """No more audio comes. What was received is recognised, then `Done` is reported."""
        if self._slot is _Slot.ASKED:
            self._before_slot.append(self.finish)
        elif self.state is State.OPEN:
            self._follow(self._segmenter.finish())
            if self.state is State.OPEN:
                self._conclude()

    def cancel(self) -> None:
        """Give up everything that has not been reported, and report `Done`."""
        if self.state is not State.OVER:
            self._segmenter.stop()
            self._undecided.clear()
            self._sequencer.cut_short()
            self._settle()

    # What the engine does

    def hypothesis(self, segment: int, hypothesis: Hypothesis, *, final: bool) -> None:
        """Take what the engine makes of a segment now. Unknown numbers were given up."""
        if final:
            self._undecided.discard(segment)
        self._sequencer.hypothesis(segment, hypothesis, final=final)
        self._settle()

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        """The engine has no way to say or spell these. It is reported once."""
        if self._refusals_told or self.state is State.OVER:
            return
        self._refusals_told = True
        self._warn_of_hot_words(_cannot_write(words, self.config.engine.of_finals.name))

    def failed(self, segment: int, message: str) -> None:
        """The engine gave up on a segment: what else was recognised is still reported."""
        self._undecided.discard(segment)
        if not self._sequencer.give_up(segment):
            return
        if self._segmenter.open_segment == segment:
            self._segmenter.stop()
        self._end_with(Failure(FailureKind.ENGINE, message))

    def give_up(self, message: str) -> None:
        """Nobody answers any more: report the failure, what is known, and the end."""
        if self.state is State.OVER:
            return
        self._segmenter.stop()
        self._undecided.clear()
        self._end_with(Failure(FailureKind.ENGINE, message))
        self._sequencer.force()
        self._settle()

    # What the text rules and admission answer

    def processed(self, segment: int, hypothesis: Hypothesis, *, final: bool) -> None:
        """Take processed text, the answer to `Process`."""
        if self.state is not State.OVER:
            self._sequencer.processed(segment, hypothesis, final=final)
            self._settle()

    def slot_taken(self) -> None:
        """The answer to `TakeSlot`: audio may be recognised."""
        self._slot = _Slot.HELD
        waiting, self._before_slot = self._before_slot, []
        for call in waiting:
            if self.state is State.OPEN:
                call()

    def slot_refused(self, message: str) -> None:
        """The answer to `TakeSlot`: there is none, as the message says."""
        self._slot = _Slot.FREE
        self._before_slot.clear()
        if self.state is State.OPEN:
            self._segmenter.stop()
            self._end_with(Failure(FailureKind.FULL, message))

    # Time

    def deadline(self) -> float | None:
        """When `advance` is to be called, on the clock of `now`; None for never."""
        pause = self.config.slot_pause_s
        if pause is None or self._slot is not _Slot.HELD or self._undecided:
            return None
        return self._heard_at + pause

    def advance(self, *, now: float) -> None:
        """Let time pass. It does nothing before `deadline`."""
        if (deadline := self.deadline()) is not None and now >= deadline:
            self._slot = _Slot.FREE
            self._effects.append(ReleaseSlot())

    def _feed(self, data: bytes) -> None:
        self._follow(self._segmenter.feed(data))
        if self._segmenter.fault is not None and self.state is State.OPEN:
            self.finish()

    def _follow(self, findings: list[Finding]) -> None:
        for finding in findings:
            match finding:
                case SegmentAudio():
                    self._sequencer.heard(finding.segment, finding.end_sample)
                    self._effects.append(
                        Decode(finding.segment, finding.samples, finding.end_sample)
                    )
                case SpeechStarted():
                    self._undecided.add(finding.segment)
                    self._sequencer.expect(finding.segment, finding.start_sample)
                    self._effects.append(Report(finding))
                    self._effects.append(StartSegment(finding.segment, self._hot_words))
                case SpeechPaused():
                    self._effects.append(PauseSegment(finding.segment))
                case SpeechEnded():
                    silence = max(0, finding.end_sample - finding.speech_end_sample)
                    awaited = finding.reason in (SpeechEnd.END, SpeechEnd.FLUSH)
                    self._effects.append(FinishSegment(finding.segment, silence, awaited))
                    self._effects.append(Report(finding))
                case HeadSilence() | Warning():
                    self._effects.append(Report(finding))
                case LimitReached() if self.config.limit_is_failure:
                    self._end_with(Failure(FailureKind.LIMIT, _too_long(self.config)))
                case LimitReached():
                    self._sequencer.put(finding)
                case _:
                    assert_never(finding)

    def _conclude(self) -> None:
        if (fault := self._segmenter.fault) is not None:
            self._end_with(Failure(FailureKind.AUDIO, fault))
        else:
            self.state = State.ENDING
            self._sequencer.conclude(Outcome.FINISHED)
            self._settle()

    def _end_with(self, failure: Failure) -> None:
        """Report the failure, then what was recognised, then the end."""
        was_open = self.state is State.OPEN
        self.state = State.ENDING
        if was_open:
            self._follow(self._segmenter.finish())
        self._effects.append(Report(failure))
        if was_open:
            self._sequencer.conclude(Outcome.FAILED)
        else:
            self._sequencer.fail()
        self._settle()

    def _settle(self) -> None:
        """Notice that the end has been reported."""
        if self._sequencer.over:
            self.state = State.OVER

    def _warn_of_hot_words(self, message: str) -> None:
        if self.config.warnings:
            self._effects.append(
                Report(Warning(WarningCode.HOT_WORDS, message, self.received_samples))
            )


def _too_long(config: RecognitionConfig) -> str:
    return f"more than {config.max_audio_s} s of audio came"


def _knows_none(config: RecognitionConfig) -> str:
    what = "no effect on finals" if config.engine.hot_words else "no effect"
    return (
        f"the {len(config.hot_words)} hot words have {what}: the engine "
        f"{config.engine.of_finals.name!r} knows none"
    )


def _cannot_write(words: tuple[HotWord, ...], engine: str) -> str:
    shown = ", ".join(repr(word.text[:20]) for word in words[:_REFUSED_SHOWN])
    more = f" and {len(words) - _REFUSED_SHOWN} more" if len(words) > _REFUSED_SHOWN else ""
    return (
        f"these hot words have no effect: {shown}{more}; the model of {engine!r} cannot write them"
    )
