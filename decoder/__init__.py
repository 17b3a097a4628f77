"""Speech engines behind one interface: samples in, a hypothesis out.

Each engine lives in a file of its own and imports its library there, so that an engine which is
not installed costs nothing and is missed only by who asks for it.
"""

from decoder.engine import Capabilities, Engine, HotWord, Hypothesis, Stream, Word
from decoder.errors import DecodeFailed, DecoderError, EngineUnavailable

__all__ = [
    "Capabilities",
    "DecodeFailed",
    "DecoderError",
    "Engine",
    "EngineUnavailable",
    "HotWord",
    "Hypothesis",
    "Stream",
    "Word",
]
