"""What captions are made of: text and the times of its words, in ms.

Live captions get it from the events of a recognition, whose clock begins at its first sample; files
get it from the transcript of a recording, on the clock of that.
"""

from __future__ import annotations

from dataclasses import dataclass

from rasr.recognition.events import Final, Partial, stable_characters, text_span, to_ms


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word and when it was said."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class TimedText:
    """The text of one segment of speech and when it was said."""

    text: str
    start_ms: int
    end_ms: int
    is_final: bool = True
    """False for what is known of a segment while it is spoken."""
    words: tuple[TimedWord, ...] = ()
    """Empty where only the times of the whole text are known."""
    stable: int = 0
    """Where it is not final: so many characters at its start are unlikely to change."""


def timed_text(event: Partial | Final) -> TimedText:
    """The text of `event`, with the times of its words on the clock of the recognition.

    It lasts from its first word to its last, not from pre-roll to post-roll: that is when it can
    be heard.
    """
    start = event.start_sample
    first, last = text_span(event)
    return TimedText(
        text=event.hypothesis.text,
        start_ms=to_ms(first),
        end_ms=to_ms(last),
        is_final=isinstance(event, Final),
        words=tuple(
            TimedWord(word.text, to_ms(start + word.start_sample), to_ms(start + word.end_sample))
            for word in event.hypothesis.words
        ),
        stable=stable_characters(event) if isinstance(event, Partial) else 0,
    )
