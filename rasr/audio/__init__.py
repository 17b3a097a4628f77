"""Sound: from bytes as they arrive to exact mono int16 samples at the engine's rate."""

from rasr.audio.codec import Decoder, encode
from rasr.audio.formats import FORMATS, AudioFormat, Encoding, Samples
from rasr.audio.inlet import Inlet
from rasr.audio.resample import Resampler
from rasr.audio.tape import Tape
from rasr.audio.wav import WavHeader, WavSkipper, contradiction

__all__ = [
    "FORMATS",
    "AudioFormat",
    "Decoder",
    "Encoding",
    "Inlet",
    "Resampler",
    "Samples",
    "Tape",
    "WavHeader",
    "WavSkipper",
    "contradiction",
    "encode",
]
