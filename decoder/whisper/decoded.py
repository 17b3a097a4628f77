"""What the decoder makes of an utterance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the decoder makes of an utterance."""

    tokens: tuple[int, ...]
    text: str
    log_probability: float
    """Mean of the tokens' natural logarithms."""
    no_speech: float
    """Probability that nobody speaks, 0 to 1."""
