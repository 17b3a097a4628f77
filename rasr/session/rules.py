"""What a session is told about the house it runs in: its limits and what it may ask for.

Both are values handed in, so that a whole conversation can be played in a test without a server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from decoder import Hypothesis
from rasr.wire.sis.errors import ProtocolError
from rasr.wire.sis.properties import Property
from vad import Classifier


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Limits and habits of all sessions of a server."""

    idle_s: float = 20.0
    """No message for this long ends the connection (SIS: 20 s). Pings do not count."""
    connection_s: float = 5 * 3600.0
    """A connection lives at most this long (SIS: 5 h)."""
    max_message_bytes: int = 1 << 20
    """Longest binary message. SIS says 64 KiB, but its own samples send whole files."""
    strict_audio_limit: bool = False
    """Past the mode's limit: True for ERROR SIS.0309 and END, False for EVENT EXCEEDED_AUDIO."""
    warnings: bool = True
    """Send EVENT WARNING unless START says otherwise."""
    pre_roll_ms: int = 300
    post_roll_ms: int = 300
    short_tail_ms: int = 500
    """Pause at which sound without endpoints of its own (short mode) is handed on in pieces."""
    short_max_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine that serves a property."""

    name: str
    sample_rate: int
    hot_words: bool
    lookahead_samples: int = 0
    """Sound after a word without which the engine cannot tell it."""


TextStep = Callable[[Hypothesis, bool], Hypothesis]
"""After the decoder: (hypothesis, is it final) → hypothesis with digits and punctuation."""


@dataclass(frozen=True, slots=True)
class Services:
    """What a session may ask of the house."""

    engine_for: Callable[[Property], EngineChoice | None]
    languages: tuple[str, ...]
    """That `engine_for` knows, for the answer when it knows none."""
    make_classifier: Callable[[], Classifier]
    make_text: Callable[[str, bool, bool], TextStep]
    """(language, digit_norm, add_punc) → the step for one round."""
    vocabulary: Callable[[str], Sequence[str] | None]
    """The hot words of a vocabulary by its id; None where there is none of that id."""
    admit: Callable[[str], str | None]
    """Take a seat for a round of the engine of this name: None, or the sentence that refuses it."""
    channel_refusal: Callable[[str], ProtocolError | None]
    """Why a round may not publish its captions to this channel; None where it may."""
    new_trace_id: Callable[[], str]
