"""What a round says, in the order of the sound.

Everything that follows from sound leaves a round through one queue: utterances, and between and
behind them *afterwords* (the event at the audio limit, the closing messages). A final that is ready
early waits there for the ones before it.

Pure: hypotheses come in, `Send` effects are appended to a list that the machine owns.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import assert_never

from decoder import Hypothesis
from rasr.session.effects import AbandonUtterance, Close, Effect, Send
from rasr.session.results import joined, placed, segment
from rasr.session.rules import TextStep
from rasr.wire.sis.errors import ProtocolError
from rasr.wire.sis.messages import (
    Ended,
    EndReason,
    Error,
    Event,
    EventName,
    Result,
    StartConfig,
    Started,
)
from rasr.wire.sis.modes import ModeTraits


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a round ends: what is said last, and whether the socket is closed."""

    reason: EndReason | None
    """Of END; None where FATAL_ERROR stands in its place."""
    fault: ProtocolError | None = None
    close: Close | None = None

    @property
    def name(self) -> str:
        """For the log."""
        return self.fault.code if self.fault else str(self.reason)


@dataclass(slots=True)
class Utterance:
    number: int
    start_sample: int
    end_sample: int
    """So far; the end once it is finished."""
    partial: Hypothesis | None = None
    final: Hypothesis | None = None


@dataclass(frozen=True, slots=True)
class _LimitReached:
    """Afterword: everything up to the audio limit has been told."""

    at_sample: int


_Item = Utterance | _LimitReached | Outcome


@dataclass(slots=True)
class _Told:
    """What the client has been told, so that it is told once."""

    partial_text: str = ""
    short_final: bool = False


@dataclass(slots=True)
class _Short:
    """Short mode's pieces: utterances whose texts make one sentence, on the clock of the first."""

    pieces: list[Hypothesis] = field(default_factory=list)
    start_sample: int = 0
    end_sample: int = 0


class Teller:
    """Of one round. What is put in comes out by `tell`, as far as it can be told."""

    def __init__(
        self,
        *,
        trace_id: str,
        traits: ModeTraits,
        config: StartConfig,
        text: TextStep,
        sample_rate: int,
        effects: list[Effect],
    ) -> None:
        self._trace_id = trace_id
        self._traits = traits
        self._config = config
        self._text = text
        self._sample_rate = sample_rate
        self._effects = effects
        self._queue: deque[_Item] = deque()
        self._told = _Told()
        self._short = _Short()

    # What is to be told

    def expect(self, utterance: Utterance) -> None:
        """Its results come behind those of all before it."""
        self._queue.append(utterance)

    def reach_limit(self, at_sample: int) -> None:
        """Once all before it is told, the client learns that later sound is ignored."""
        self._queue.append(_LimitReached(at_sample))

    def conclude(self, outcome: Outcome) -> None:
        """Once all before it is told, the round is over."""
        self._queue.append(outcome)

    def cut_short(self, outcome: Outcome) -> None:
        """The round is over, whatever has not been told."""
        self.drop()
        self._told.short_final = True
        self._queue.append(outcome)

    def blame(self, fault: ProtocolError) -> bool:
        """A fault of an utterance in a round that is about to end; False if it is not."""
        if not self._queue or not isinstance(last := self._queue[-1], Outcome):
            return False
        # What ends the round already says why, or it ends with this.
        if last.fault is None:
            self._queue[-1] = replace(last, reason=EndReason.ERROR, fault=fault)
        return True

    def find(self, number: int) -> Utterance | None:
        """The utterance of this number, if its final has not come."""
        for item in self._queue:
            if isinstance(item, Utterance) and item.number == number and item.final is None:
                return item
        return None

    def drop(self) -> None:
        """Forget all that has not been told; the engine need not go on with it."""
        for item in self._queue:
            if isinstance(item, Utterance) and item.final is None:
                self._effects.append(AbandonUtterance(item.number))
        self._queue.clear()

    # Telling it

    def tell(self) -> Outcome | None:
        """Say what can be said now. What the round ends with comes back when its turn has come."""
        while self._queue:
            item = self._queue[0]
            match item:
                case Utterance():
                    if item.final is None:
                        self._tell_partial(item)
                        return None
                    self._queue.popleft()
                    self._tell_final(item, item.final)
                case _LimitReached():
                    self._queue.popleft()
                    self._tell_short_final()
                    self.event(EventName.EXCEEDED_AUDIO, item.at_sample)
                case Outcome():
                    self._queue.clear()
                    self._tell_outcome(item)
                    return item
                case _:
                    assert_never(item)
        return None

    def _tell_partial(self, utterance: Utterance) -> None:
        if utterance.partial is None or not self._config.interim_results:
            return
        if self._traits.endpoints:
            raw, start = utterance.partial, utterance.start_sample
        else:
            start = self._short.start_sample if self._short.pieces else utterance.start_sample
            piece = placed(utterance.partial, utterance.start_sample - start)
            raw = joined([*self._short.pieces, piece])
        shown = self._text(raw, False)
        # A partial that says nothing new costs the client a repaint and tells it nothing.
        if not shown.text or shown.text == self._told.partial_text:
            return
        self._told.partial_text = shown.text
        self._result(shown, start, utterance.end_sample, is_final=False)

    def _tell_final(self, utterance: Utterance, final: Hypothesis) -> None:
        if not self._traits.endpoints:
            if not self._short.pieces:
                self._short.start_sample = utterance.start_sample
            self._short.end_sample = utterance.end_sample
            since = utterance.start_sample - self._short.start_sample
            self._short.pieces.append(placed(final, since))
            return
        self._told.partial_text = ""
        if final.text:
            self._result(
                self._text(final, True),
                utterance.start_sample,
                utterance.end_sample,
                is_final=True,
            )
        if self._traits.voice_events:
            # The final comes first: clients are known to stop reading at VOICE_END.
            name = EventName.VOICE_END if final.text else EventName.EXCEEDED_SILENCE
            self.event(name, utterance.end_sample)

    def _tell_short_final(self) -> None:
        """Short mode's one final. It is sent without any text too: no reply looks like loss."""
        if self._traits.endpoints or self._told.short_final:
            return
        self._told.short_final = True
        short = self._short
        whole = joined(short.pieces) if short.pieces else Hypothesis()
        self._result(self._text(whole, True), short.start_sample, short.end_sample, is_final=True)

    def _tell_outcome(self, outcome: Outcome) -> None:
        self._tell_short_final()
        if outcome.fault is not None:
            self.send(
                Error(
                    self._trace_id,
                    outcome.fault.code,
                    outcome.fault.message,
                    fatal=outcome.reason is None,
                )
            )
        if outcome.reason is not None:
            self.send(Ended(self._trace_id, outcome.reason))

    # Messages

    def _result(
        self, hypothesis: Hypothesis, start_sample: int, end_sample: int, *, is_final: bool
    ) -> None:
        told = segment(
            hypothesis,
            start_sample=start_sample,
            end_sample=end_sample,
            sample_rate=self._sample_rate,
            is_final=is_final,
            with_words=self._config.need_word_info,
        )
        self.send(Result(self._trace_id, (told,)))

    def event(self, name: EventName, at_sample: int) -> None:
        """Say it at once, before what waits."""
        self.send(Event(self._trace_id, name, at_sample * 1000 // self._sample_rate))

    def warn(self, code: str, sentence: str, at_sample: int) -> None:
        """Say it at once, before what waits."""
        at_ms = at_sample * 1000 // self._sample_rate
        self.send(Event(self._trace_id, EventName.WARNING, at_ms, code, sentence))

    def send(self, message: Started | Result | Event | Error | Ended) -> None:
        self._effects.append(Send(message))
