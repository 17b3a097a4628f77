"""What can go wrong in an engine, as its users see it.

DecoderError
├── EngineUnavailable   its package or model is not there; the text says what installs it
└── DecodeFailed        this utterance cannot be decoded; the engine itself lives on
"""


class DecoderError(Exception):
    """Base of all errors that cross the engine boundary."""


class EngineUnavailable(DecoderError):
    """The engine's package or model is missing. The text names the command that installs it."""


class DecodeFailed(DecoderError):
    """One utterance could not be decoded. Other streams of the engine are not affected."""
