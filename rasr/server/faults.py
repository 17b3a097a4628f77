"""What the rooms below refuse or fail at, as SIS tells it: a code of its table and a sentence."""

from __future__ import annotations

from rasr.synthesis.errors import (
    EngineFailed,
    SynthesisError,
    TextRefused,
    TooManySpeak,
    VoiceUnavailable,
)
from rasr.usage.meter import UsageRefused
from rasr.wire.sis.errors import ErrorCode, ProtocolError

_OF_SYNTHESIS: dict[type[SynthesisError], ErrorCode] = {
    TextRefused: ErrorCode.SPEECH_BODY,
    VoiceUnavailable: ErrorCode.VOICE,
    TooManySpeak: ErrorCode.FULL,
    EngineFailed: ErrorCode.SPEECH_FAILED,
}


def fault_of_usage(refused: UsageRefused) -> ProtocolError:
    """Of a project that may not use a service now."""
    return ProtocolError(
        ErrorCode.FROZEN if refused.is_frozen else ErrorCode.QUOTA, refused.sentence
    )


def fault_of_synthesis(error: SynthesisError) -> ProtocolError:
    """Of a text that is not spoken."""
    code = next(code for kind, code in _OF_SYNTHESIS.items() if isinstance(error, kind))
    return ProtocolError(code, str(error))
