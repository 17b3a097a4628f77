"""Sound: from bytes as they arrive to exact mono int16 samples at the engine's rate."""

from rasr.audio.codec import Decoder, encode
from rasr.audio.coded import MOST_BYTES_AT_ONCE, CodedInlet
from rasr.audio.files import AudioFileError, AudioInfo, audio_info, read_audio
from rasr.audio.formats import (
    CODED_FORMATS,
    FORMATS,
    AudioFormat,
    CodedFormat,
    Container,
    Encoding,
    Samples,
)
from rasr.audio.inlet import Inlet, inlet_for
from rasr.audio.resample import Resampler
from rasr.audio.soundcheck import Finding, FindingCode, SoundCheck
from rasr.audio.tape import Tape
from rasr.audio.wav import WavHeader, WavSkipper, contradiction

__all__ = [
    "CODED_FORMATS",
    "FORMATS",
    "MOST_BYTES_AT_ONCE",
    "AudioFileError",
    "AudioFormat",
    "AudioInfo",
    "CodedFormat",
    "CodedInlet",
    "Container",
    "Decoder",
    "Encoding",
    "Finding",
    "FindingCode",
    "Inlet",
    "Resampler",
    "Samples",
    "SoundCheck",
    "Tape",
    "WavHeader",
    "WavSkipper",
    "audio_info",
    "contradiction",
    "encode",
    "inlet_for",
    "read_audio",
]
