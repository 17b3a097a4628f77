"""Sound: from bytes as they arrive to exact mono int16 samples at the engine's rate."""

from rasr.audio.codec import Decoder, encode
from rasr.audio.files import AudioFileError, AudioInfo, audio_info, read_audio
from rasr.audio.formats import FORMATS, AudioFormat, Encoding, Samples
from rasr.audio.inlet import Inlet
from rasr.audio.resample import Resampler
from rasr.audio.soundcheck import Finding, FindingCode, SoundCheck
from rasr.audio.tape import Tape
from rasr.audio.wav import WavHeader, WavSkipper, contradiction

__all__ = [
    "FORMATS",
    "AudioFileError",
    "AudioFormat",
    "AudioInfo",
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
    "read_audio",
]
