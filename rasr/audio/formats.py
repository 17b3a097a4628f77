"""The audio formats that may be declared: what the bytes of a stream are.

This module owns the declarations and nothing else: `raw`, `compressed` and `files` decode,
`rasr.wire.sis` validates what a client declares. The names, rates and encodings of `FORMATS` are
table 3.3 of the SIS real-time protocol, all of them mono; those of `COMPRESSED_FORMATS` are ours.
`FILE_FORMATS` are those of one-sentence recognition over HTTP, and three of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Hz of all audio between the audio decoder and the engines, and of all positions in it."""

Samples = NDArray[np.int16]
"""Mono audio, shape (n,), dtype int16, C-contiguous. The rate is said where one is returned."""

_RATES = range(8_000, 48_000 + 1)
"""Hz. Below is no telephone, above is nothing that speech needs."""
_CHANNELS = range(1, 20 + 1)


class AudioFormatError(ValueError):
    """A format that is not supported. The text is a sentence for whoever declared it."""


class Encoding(StrEnum):
    """How one sample is written as bytes."""

    PCM_S16LE = "pcm_s16le"
    """Signed 16 bit, little-endian."""
    PCM_U8 = "pcm_u8"
    """Unsigned 8 bit: silence is 128."""
    PCM_S24LE = "pcm_s24le"
    """Signed 24 bit in three bytes, little-endian."""
    PCM_S32LE = "pcm_s32le"
    """Signed 32 bit, little-endian."""
    PCM_F32LE = "pcm_f32le"
    """32-bit floating point, little-endian; full scale is from -1 to 1."""
    ULAW = "ulaw"
    """G.711 µ-law, 8 bit."""
    ALAW = "alaw"
    """G.711 A-law, 8 bit, even bits inverted as on the wire."""

    @property
    def bytes_per_sample(self) -> int:
        """The bytes of one sample of one channel."""
        match self:
            case Encoding.PCM_U8 | Encoding.ULAW | Encoding.ALAW:
                return 1
            case Encoding.PCM_S16LE:
                return 2
            case Encoding.PCM_S24LE:
                return 3
            case Encoding.PCM_S32LE | Encoding.PCM_F32LE:
                return 4
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Raw audio: samples of one encoding, those of several channels interleaved.

    Raises:
        AudioFormatError: a field is out of range.
    """

    encoding: Encoding
    sample_rate: int
    """Hz, 8000 to 48000."""
    channels: int = 1
    """1 to 20."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        for field, value, allowed, unit in (
            ("sample_rate", self.sample_rate, _RATES, " (Hz)"),
            ("channels", self.channels, _CHANNELS, ""),
        ):
            if value not in allowed:
                raise AudioFormatError(
                    f"'{field}' is invalid: it is {value}; allowed: a whole number "
                    f"from {allowed[0]} to {allowed[-1]}{unit}"
                )

    @property
    def name(self) -> str:
        """The format in the way in which SIS writes its own: "pcm16k16bit", "float48k32bit2ch"."""
        match self.encoding:
            case Encoding.ULAW | Encoding.ALAW:
                kind = self.encoding.value
            case Encoding.PCM_F32LE:
                kind = "float"
            case _:
                kind = "pcm"
        channels = f"{self.channels}ch" if self.channels > 1 else ""
        bits = 8 * self.encoding.bytes_per_sample
        return f"{kind}{self.sample_rate / 1000:g}k{bits}bit{channels}"

    @property
    def bytes_per_frame(self) -> int:
        """The bytes of one sample of every channel."""
        return self.channels * self.encoding.bytes_per_sample

    @property
    def bytes_per_second(self) -> int:
        """The bytes of one second of audio."""
        return self.sample_rate * self.bytes_per_frame


FORMATS: Mapping[str, AudioFormat] = MappingProxyType(
    {
        item.name: item
        for item in (
            AudioFormat(Encoding.PCM_S16LE, 16_000),
            AudioFormat(Encoding.PCM_S16LE, 8_000),
            AudioFormat(Encoding.ULAW, 16_000),
            AudioFormat(Encoding.ULAW, 8_000),
            AudioFormat(Encoding.ALAW, 16_000),
            AudioFormat(Encoding.ALAW, 8_000),
        )
    }
)
"""Every raw format that a SIS client may declare, by its name."""


class Container(StrEnum):
    """Compressed audio as files and browsers have it; each word is a value of `audio_format`."""

    OGG_OPUS = "ogg-opus"
    """Opus in Ogg (RFC 7845)."""
    WEBM_OPUS = "webm-opus"
    """Opus in WebM or Matroska, as the MediaRecorder of browsers makes it."""
    MP3 = "mp3"
    """MPEG audio layer III."""
    AAC = "aac"
    """AAC in ADTS frames."""


@dataclass(frozen=True, slots=True)
class CompressedFormat:
    """Compressed audio; its rate and its channels are in the bytes. SIS itself has none."""

    container: Container

    @property
    def name(self) -> str:
        """The value of `audio_format` that declares it."""
        return self.container.value


COMPRESSED_FORMATS: Mapping[str, CompressedFormat] = MappingProxyType(
    {container.value: CompressedFormat(container) for container in Container}
)
"""The formats that are decoded by PyAV, by name."""


class FileFormat(StrEnum):
    """A kind of file with audio that says itself how it is coded; a value of `audio_format`."""

    AUTO = "auto"
    """Any of the others, by its content."""
    WAV = "wav"
    """PCM, A-law, µ-law, ADPCM or floating point, as the header says."""
    MP3 = "mp3"
    AAC = "aac"
    """AAC in ADTS frames."""
    M4A = "m4a"
    """MPEG-4 and 3GP, with AAC, ALAC or AMR in them."""
    AMR = "amr"
    AMR_WB = "amrwb"
    WMA = "wma"
    """Windows Media Audio in ASF."""
    FLAC = "flac"
    OGG = "ogg"
    """Opus, Speex, Vorbis or FLAC in Ogg."""
    WEBM = "webm"
    """Opus or Vorbis in WebM or Matroska."""
    VOX = "vox8k4bit"
    """Dialogic ADPCM at 8 kHz, without any header: only who sends it can know."""


FILE_FORMATS: Mapping[str, FileFormat] = MappingProxyType(
    {item.value: item for item in FileFormat}
    | {
        "amr-wb": FileFormat.AMR_WB,
        # As flash transcription has it.
        "opus": FileFormat.OGG,
        # As streams are declared.
        Container.OGG_OPUS.value: FileFormat.OGG,
        "ogg-speex": FileFormat.OGG,
        Container.WEBM_OPUS.value: FileFormat.WEBM,
    }
)
"""The formats of whole files, by all the names that declare them."""
