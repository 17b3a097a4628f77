"""What a recognition wants done. The runner does it, in this order, and adds no rules."""

from __future__ import annotations

from dataclasses import dataclass

from decoder import HotWord, Hypothesis
from decoder.engine import Samples
from rasr.recognition.events import RecognitionEvent


@dataclass(frozen=True, slots=True)
class StartSegment:
    """Open a decode task. The recognition learns its results by `hypothesis` and `failed`."""

    segment: int
    """Counts the segments of the recognition, from 1."""
    hot_words: tuple[HotWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Decode:
    """The next audio of a segment, in order and without gaps."""

    segment: int
    samples: Samples
    end_sample: int
    """Where it ends on the clock of the recognition."""


@dataclass(frozen=True, slots=True)
class PauseSegment:
    """Nobody speaks just now: what was given may be all of the segment."""

    segment: int


@dataclass(frozen=True, slots=True)
class FinishSegment:
    """No more audio comes: the final is wanted."""

    segment: int
    silence: int
    """Samples at its end that hold no speech."""
    awaited: bool
    """Somebody waits for this final and sends nothing meanwhile."""


@dataclass(frozen=True, slots=True)
class AbandonSegment:
    """Its result is not wanted any more, whatever state it is in."""

    segment: int


@dataclass(frozen=True, slots=True)
class Process:
    """Text to be normalised and punctuated; the answer is `Recognition.processed`."""

    segment: int
    """`WHOLE` or less for segments that are told as one; each text that is told so has its own."""
    hypothesis: Hypothesis
    final: bool


@dataclass(frozen=True, slots=True)
class TakeSlot:
    """An admission slot is needed before audio is taken: `slot_taken` or `slot_refused`."""


@dataclass(frozen=True, slots=True)
class ReleaseSlot:
    """The admission slot is not needed for now."""


@dataclass(frozen=True, slots=True)
class Report:
    """Tell whoever listens."""

    event: RecognitionEvent


WHOLE = 0
"""Stands in `Process.segment` for the first segments that are told as one, and in their `Final`."""

Effect = (
    StartSegment
    | Decode
    | PauseSegment
    | FinishSegment
    | AbandonSegment
    | Process
    | TakeSlot
    | ReleaseSlot
    | Report
)
