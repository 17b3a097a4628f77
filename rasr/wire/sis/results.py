"""From the results of a recognition to the segments of SIS, in milliseconds."""

from __future__ import annotations

from rasr.audio import SAMPLE_RATE
from rasr.recognition.events import Final, Partial, to_ms
from rasr.wire.sis.messages import Segment, WordInfo


def segment_of(event: Partial | Final, *, with_words: bool) -> Segment:
    """A partial or final as SIS shows it.

    It lasts from its first word to its last, which is what captions need; where there is no word,
    as long as the audio that was decoded.
    """
    hypothesis, start = event.hypothesis, event.start_sample
    words = hypothesis.words
    return Segment(
        text=hypothesis.text,
        start_time=to_ms(start + words[0].start_sample if words else start),
        end_time=to_ms(start + words[-1].end_sample if words else event.end_sample),
        is_final=isinstance(event, Final),
        score=hypothesis.confidence,
        word_info=tuple(
            WordInfo(word.text, to_ms(start + word.start_sample), to_ms(start + word.end_sample))
            for word in words
        )
        if with_words
        else None,
    )


def event_ms(sample: int) -> int:
    """The timestamp of an event: whole milliseconds that have passed at a position."""
    return sample * 1000 // SAMPLE_RATE
