"""Speech engines behind one interface: samples in, a hypothesis out.

Each engine lives in a file of its own and imports its library there, so that an engine which is
not installed costs nothing and is missed only by who asks for it.
"""

import os

from decoder.engine import Capabilities, Engine, HotWord, Hypothesis, Stream, Word
from decoder.errors import DecodeFailed, DecoderError, EngineUnavailable

# onnxruntime (1.32) gives each user an id and sends Microsoft what it is used for. Nothing leaves
# this machine, so it is told not to, before any engine is imported; workers inherit it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

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
