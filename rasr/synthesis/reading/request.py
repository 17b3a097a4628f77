"""What somebody wants to hear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from rasr.synthesis.manner import Manner
from rasr.synthesis.reading.pieces import Lengths
from rasr.synthesis.voice import Voice

FindVoice = Callable[[str], Voice]
"""The voice of a name. Raises `VoiceUnavailable`."""


@dataclass(frozen=True, slots=True)
class Request:
    """A text and how it is to be said. It pickles."""

    text: str
    voice: Voice
    manner: Manner
    language: str = ""
    """The language of the voice that Chinese characters are read in; "" for its first such one."""
    lengths: Lengths = field(default_factory=Lengths)
