"""What the events of a recognition become in SIS: RESULT and EVENT messages, and their order."""

from __future__ import annotations

from rasr.recognition.events import (
    Final,
    HeadSilence,
    LimitReached,
    Partial,
    RecognitionEvent,
    SpeechStarted,
    Warning,
)
from rasr.wire.dialect import Send
from rasr.wire.sis.messages import Event, EventName, Result, StartConfig
from rasr.wire.sis.modes import ModeTraits
from rasr.wire.sis.results import event_ms, segment_of


class Reports:
    """The messages of one recognition, but for its first and its last."""

    def __init__(self, trace_id: str, traits: ModeTraits, config: StartConfig) -> None:
        self._trace_id = trace_id
        self._traits = traits
        self._with_words = config.need_word_info
        self._with_confidence = config.word_confidence
        self._shown_text = ""
        """Of the newest partial, so that one that says nothing new is not sent."""

    def of(self, event: RecognitionEvent) -> list[Send]:
        """The messages of an event, which may be none."""
        match event:
            case Partial():
                return self._partial(event)
            case Final():
                return self._final(event)
            case SpeechStarted() if self._traits.voice_events:
                return [self._event(EventName.VOICE_START, event.onset_sample)]
            case HeadSilence() if self._traits.voice_events:
                return [self._event(EventName.EXCEEDED_SILENCE, event.at_sample)]
            case LimitReached():
                return [self._event(EventName.EXCEEDED_AUDIO, event.at_sample)]
            case Warning():
                return [self._event(EventName.WARNING, event.at_sample, event.code, event.message)]
            case _:
                # The end of speech is told behind its final.
                return []

    def _partial(self, partial: Partial) -> list[Send]:
        if partial.hypothesis.text == self._shown_text:
            return []
        self._shown_text = partial.hypothesis.text
        return [self._result(partial)]

    def _final(self, final: Final) -> list[Send]:
        self._shown_text = ""
        said = bool(final.hypothesis.text)
        messages = []
        # In short modes the one final is sent without text too: no reply looks like loss.
        if said or not self._traits.endpoints:
            messages.append(self._result(final))
        if self._traits.voice_events:
            # The final comes first: clients are known to stop reading at VOICE_END.
            name = EventName.VOICE_END if said else EventName.EXCEEDED_SILENCE
            messages.append(self._event(name, final.end_sample))
        return messages

    def _result(self, event: Partial | Final) -> Send:
        segment = segment_of(
            event, with_words=self._with_words, with_confidence=self._with_confidence
        )
        message = Result(self._trace_id, (segment,))
        return Send(message, replaceable=not segment.is_final, replaces=True)

    def _event(
        self, name: EventName, at_sample: int, warning: str | None = None, text: str | None = None
    ) -> Send:
        return Send(Event(self._trace_id, name, event_ms(at_sample), warning, text))
