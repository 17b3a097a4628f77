"""Audio: bytes of any format, as they arrive → mono int16 samples at 16 kHz."""

from rasr.audio.audio_check import AudioCheck, Finding, FindingCode
from rasr.audio.buffer import AudioBuffer
from rasr.audio.containers.wav import WavHeader
from rasr.audio.decoder import AudioDecoder, audio_decoder
from rasr.audio.files import AudioFileError, AudioInfo, audio_info, read_audio
from rasr.audio.formats import (
    COMPRESSED_FORMATS,
    FILE_FORMATS,
    FORMATS,
    SAMPLE_RATE,
    AudioFormat,
    AudioFormatError,
    CompressedFormat,
    Container,
    Encoding,
    FileFormat,
    Samples,
)
from rasr.audio.raw import encode
from rasr.audio.resample import Resampler

__all__ = [
    "COMPRESSED_FORMATS",
    "FILE_FORMATS",
    "FORMATS",
    "SAMPLE_RATE",
    "AudioBuffer",
    "AudioCheck",
    "AudioDecoder",
    "AudioFileError",
    "AudioFormat",
    "AudioFormatError",
    "AudioInfo",
    "CompressedFormat",
    "Container",
    "Encoding",
    "FileFormat",
    "Finding",
    "FindingCode",
    "Resampler",
    "Samples",
    "WavHeader",
    "audio_decoder",
    "audio_info",
    "encode",
    "read_audio",
]
