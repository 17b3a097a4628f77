"""What a recognition reports, in no dialect's words.

Positions are whole samples since the first one of the recognition, at `rasr.audio.SAMPLE_RATE`.
`SpeechStarted`, `SpeechEnded`, `HeadSilence`, `Warning` and `Failure` come at once; the others come
in the order of the audio: a final that is ready early waits for those before it, and what follows
it waits too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from decoder import Hypothesis
from decoder.joining import join_words
from rasr.audio import SAMPLE_RATE


class SpeechEnd(StrEnum):
    """Why a segment is over."""

    SILENCE = "silence"
    """`Segmentation.tail_ms` of silence followed the speech."""
    MAX_LENGTH = "max_length"
    """It grew to the longest allowed and was cut at a quiet place."""
    FLUSH = "flush"
    """The caller asked for it, and the recognition goes on."""
    END = "end"
    """The recognition ends."""
    DROPPED = "dropped"
    """The caller dropped what was not decided yet; no final comes."""


class WarningCode(StrEnum):
    """What a `Warning` is about, besides the codes of `rasr.audio.FindingCode`."""

    WAV_HEADER = "wav_header"
    """A WAV header contradicts the declared format."""
    HOT_WORDS = "hot_words"
    """Hot words have no effect."""


class FailureKind(StrEnum):
    """What went wrong."""

    ENGINE = "engine"
    """The engine gave up on a segment."""
    AUDIO = "audio"
    """The bytes are not the audio that they were declared to be."""
    LIMIT = "limit"
    """More audio came than the recognition may have."""
    FULL = "full"
    """No admission slot was free when audio came."""


class Outcome(StrEnum):
    """How a recognition ended."""

    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech began; it opens a segment."""

    segment: int
    start_sample: int
    """First sample that is decoded, pre-roll included."""
    onset_sample: int
    """Where the speech itself was first noticed."""


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """A segment is over; its final may still be awaited."""

    segment: int
    end_sample: int
    """First sample after the segment, post-roll included."""
    speech_end_sample: int
    """First sample after the last speech in it."""
    reason: SpeechEnd


@dataclass(frozen=True, slots=True)
class Partial:
    """The text of a segment so far. The next one replaces it whole."""

    segment: int
    start_sample: int
    """Where the clock of the hypothesis' words begins."""
    end_sample: int
    """Audio given to the engine so far."""
    hypothesis: Hypothesis
    stable_words: int
    """So many words at the start of the hypothesis are unlikely to change. Never fewer than in the
    partials before it of the same segment; joined segments count as one."""


@dataclass(frozen=True, slots=True)
class Final:
    """The text of a segment, which does not change any more. It may be empty.

    With `Segmentation.sentences` a segment has one for each of its sentences, one after the other.
    """

    segment: int
    start_sample: int
    """Where the clock of the hypothesis' words begins: the start of the segment."""
    end_sample: int
    """End of the segment, or of the last word where another sentence follows."""
    hypothesis: Hypothesis


@dataclass(frozen=True, slots=True)
class HeadSilence:
    """No speech began within `Segmentation.head_ms`."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class LimitReached:
    """`RecognitionConfig.max_audio_s` of audio were received; more of it is ignored."""

    at_sample: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Everything received before the flush with this mark has been reported."""

    mark: str


@dataclass(frozen=True, slots=True)
class Warning:
    """Something is very likely wrong with what was sent."""

    code: str
    message: str
    """A sentence for a person."""
    at_sample: int


@dataclass(frozen=True, slots=True)
class Failure:
    """The recognition ends because of it. What was recognised is still reported, then `Done`."""

    kind: FailureKind
    message: str
    """A sentence for a person."""


@dataclass(frozen=True, slots=True)
class Done:
    """The last event."""

    outcome: Outcome


RecognitionEvent = (
    SpeechStarted
    | SpeechEnded
    | Partial
    | Final
    | HeadSilence
    | LimitReached
    | Mark
    | Warning
    | Failure
    | Done
)


def text_span(event: Partial | Final) -> tuple[int, int]:
    """Where the text of an event begins and ends: with its first and its last word.

    Where there is no word, with the audio of the event. The times of the single words are on the
    clock of `start_sample`; these two are on that of the recognition.
    """
    start, words = event.start_sample, event.hypothesis.words
    if not words:
        return start, event.end_sample
    return start + words[0].start_sample, start + words[-1].end_sample


def stable_characters(partial: Partial) -> int:
    """How many characters at the start of the text of a partial its stable words are.

    0 where the text does not begin with its words, so that nothing is called stable by mistake.
    """
    hypothesis = partial.hypothesis
    settled = join_words(word.text for word in hypothesis.words[: partial.stable_words])
    return len(settled) if hypothesis.text.startswith(settled) else 0


def to_ms(sample: int) -> int:
    """Whole milliseconds at a position, rounded to the nearest."""
    return (sample * 1000 + SAMPLE_RATE // 2) // SAMPLE_RATE
