"""Sound: from bytes as they arrive to exact mono int16 samples at the engine's rate."""

from rasr.audio.buffer import AudioBuffer
from rasr.audio.codec import SampleDecoder, encode
from rasr.audio.compressed import MOST_BYTES_AT_ONCE, CompressedDecoder
from rasr.audio.decoder import RawDecoder, audio_decoder
from rasr.audio.files import AudioFileError, AudioInfo, audio_info, read_audio
from rasr.audio.formats import (
    COMPRESSED_FORMATS,
    FORMATS,
    SAMPLE_RATE,
    AudioFormat,
    CompressedFormat,
    Container,
    Encoding,
    Samples,
)
from rasr.audio.resample import Resampler
from rasr.audio.soundcheck import Finding, FindingCode, SoundCheck
from rasr.audio.wav import WavHeader, WavSkipper, contradiction

__all__ = [
    "COMPRESSED_FORMATS",
    "FORMATS",
    "MOST_BYTES_AT_ONCE",
    "SAMPLE_RATE",
    "AudioBuffer",
    "AudioFileError",
    "AudioFormat",
    "AudioInfo",
    "CompressedDecoder",
    "CompressedFormat",
    "Container",
    "Encoding",
    "Finding",
    "FindingCode",
    "RawDecoder",
    "Resampler",
    "SampleDecoder",
    "Samples",
    "SoundCheck",
    "WavHeader",
    "WavSkipper",
    "audio_decoder",
    "audio_info",
    "contradiction",
    "encode",
    "read_audio",
]
