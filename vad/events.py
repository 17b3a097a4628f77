"""The events that the endpointer reports.

Every position is a whole number of samples since the start of the stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EndpointReason(StrEnum):
    """Why an utterance is over."""

    SILENCE = "silence"
    """`vad_tail` of silence followed the speech."""
    MAX_LENGTH = "max_length"
    """It grew to the longest allowed and was cut at a quiet place."""
    FLUSH = "flush"
    """The caller asked for the end of the utterance; the stream goes on."""
    END = "end"
    """The stream ended."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """An utterance is open."""

    start_sample: int
    """Its first sample, pre-roll included; never before the end of the utterance before it."""
    onset_sample: int
    """Where the speech itself was first noticed; `start_sample` after a forced break."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The open utterance is closed; it is the audio from `start_sample` up to `end_sample`."""

    start_sample: int
    end_sample: int
    """First sample after it, post-roll included."""
    speech_end_sample: int
    """First sample after the last speech in it; from here endpoint latency is counted."""
    at_sample: int
    """How much audio had been heard when this was decided."""
    reason: EndpointReason


@dataclass(frozen=True, slots=True)
class HeadSilence:
    """`vad_head` has passed with no speech. What that means depends on the mode."""

    at_sample: int
    """How much audio had been heard."""


Event = SpeechStarted | Endpoint | HeadSilence
