"""From the results of a recognition to the segments of SIS, in milliseconds."""

from __future__ import annotations

from rasr.audio import SAMPLE_RATE
from rasr.recognition.events import Final, Partial, stable_characters, text_span, to_ms
from rasr.wire.sis.messages import Segment, WordInfo


def segment_of(
    event: Partial | Final, *, with_words: bool, with_confidence: bool = False
) -> Segment:
    """A partial or final as SIS shows it, which lasts from its first word to its last."""
    hypothesis, start = event.hypothesis, event.start_sample
    first, last = text_span(event)
    found = hypothesis.findings
    return Segment(
        text=hypothesis.text,
        start_time=to_ms(first),
        end_time=to_ms(last),
        is_final=isinstance(event, Final),
        score=hypothesis.confidence,
        word_info=tuple(
            WordInfo(
                word.text,
                to_ms(start + word.start_sample),
                to_ms(start + word.end_sample),
                word.times_guessed,
                # 0.0 is what engines without any say.
                (word.confidence or None) if with_confidence else None,
            )
            for word in hypothesis.words
        )
        if with_words
        else None,
        language=found.language if found else "",
        emotion=found.emotion if found else "",
        event=found.event if found else "",
        stable=stable_characters(event) if isinstance(event, Partial) else None,
    )


def event_ms(sample: int) -> int:
    """The timestamp of an event: whole milliseconds that have passed at a position."""
    return sample * 1000 // SAMPLE_RATE
