"""What the session machine wants done. The driver does it, in this order, and adds no rules."""

from __future__ import annotations

from dataclasses import dataclass

from decoder import HotWord
from decoder.engine import Samples
from rasr.wire.sis.messages import Segment, ServerMessage


@dataclass(frozen=True, slots=True)
class Send:
    message: ServerMessage


@dataclass(frozen=True, slots=True)
class OpenUtterance:
    utterance: int
    """Unique on the connection, ascending."""
    engine: str
    partials: bool
    hot_words: tuple[HotWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Decode:
    """The next sound of an utterance, in order and without gaps."""

    utterance: int
    samples: Samples
    end_sample: int
    """Where it ends on the round's clock, at the engine's rate."""


@dataclass(frozen=True, slots=True)
class FinishUtterance:
    utterance: int
    silence: int = 0
    """Samples at its end that hold no speech."""
    awaited: bool = False
    """The client has sent END and waits for nothing but this final."""


@dataclass(frozen=True, slots=True)
class AbandonUtterance:
    """Its result is no longer wanted, whatever state it is in."""

    utterance: int


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """The round that opens next publishes its results; the house has said that it may."""

    name: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Results of the round, with their words, for the channel."""

    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class RoundOpened:
    trace_id: str
    property: str
    sample_rate: int
    """Of the engine; the clock of `Decode.end_sample`."""


@dataclass(frozen=True, slots=True)
class RoundClosed:
    """The round is over and what it held is given back, its channel among it."""

    trace_id: str
    audio_ms: int
    """Sound received, silence included."""
    speech_ms: int
    """Sound given to the engine."""
    utterances: int
    reason: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket with this code, after everything before it has been sent."""

    code: int
    reason: str


Effect = (
    Send
    | OpenUtterance
    | Decode
    | FinishUtterance
    | AbandonUtterance
    | OpenChannel
    | Publish
    | RoundOpened
    | RoundClosed
    | Close
)
