"""Speech synthesis: texts to sound, by engines in worker processes of their own."""

from rasr.synthesis.errors import (
    EngineFailed,
    SynthesisError,
    TextRefused,
    TooManySpeak,
    VoiceUnavailable,
)
from rasr.synthesis.manner import Manner, manner_on_scale
from rasr.synthesis.pool import PoolLimits, SpeechPool
from rasr.synthesis.reading.pieces import Lengths
from rasr.synthesis.reading.reader import Request
from rasr.synthesis.speech import Phone, SaidWord, Sound
from rasr.synthesis.voice import Age, EngineName, Gender, Voice, WordTimes

__all__ = [
    "Age",
    "EngineFailed",
    "EngineName",
    "Gender",
    "Lengths",
    "Manner",
    "Phone",
    "PoolLimits",
    "Request",
    "SaidWord",
    "Sound",
    "SpeechPool",
    "SynthesisError",
    "TextRefused",
    "TooManySpeak",
    "Voice",
    "VoiceUnavailable",
    "WordTimes",
    "manner_on_scale",
]
