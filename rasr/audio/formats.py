"""The sound formats that a client may declare, by name.

Owns the names and nothing else: decoding is in `codec` and `coded`, validation of a START in
`rasr.wire.sis`. Names, rates and codings of `FORMATS` are table 3.3 of the SIS real-time protocol,
all of them mono; those of `COMPRESSED_FORMATS` are ours.
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
"""Mono sound, shape (n,), dtype int16, C-contiguous. The rate is said where one is returned."""


class Encoding(StrEnum):
    """How one sample is written as bytes."""

    PCM_S16LE = "pcm_s16le"
    """Signed 16 bit, little-endian."""
    ULAW = "ulaw"
    """G.711 µ-law, 8 bit."""
    ALAW = "alaw"
    """G.711 A-law, 8 bit, even bits inverted as on the wire."""

    @property
    def bytes_per_sample(self) -> int:
        match self:
            case Encoding.PCM_S16LE:
                return 2
            case Encoding.ULAW | Encoding.ALAW:
                return 1
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """One value of `audio_format`."""

    name: str
    sample_rate: int
    """Hz."""
    encoding: Encoding

    @property
    def bytes_per_sample(self) -> int:
        return self.encoding.bytes_per_sample


FORMATS: Mapping[str, AudioFormat] = MappingProxyType(
    {
        item.name: item
        for item in (
            AudioFormat("pcm16k16bit", 16000, Encoding.PCM_S16LE),
            AudioFormat("pcm8k16bit", 8000, Encoding.PCM_S16LE),
            AudioFormat("ulaw16k8bit", 16000, Encoding.ULAW),
            AudioFormat("ulaw8k8bit", 8000, Encoding.ULAW),
            AudioFormat("alaw16k8bit", 16000, Encoding.ALAW),
            AudioFormat("alaw8k8bit", 8000, Encoding.ALAW),
        )
    }
)
"""Every format that the websocket paths take, by its SIS name."""


class Container(StrEnum):
    """Compressed sound as files and browsers have it; each word is a value of `audio_format`."""

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
    """A value of `audio_format` that SIS does not have; rate and channels are in the sound."""

    container: Container

    @property
    def name(self) -> str:
        return self.container.value


COMPRESSED_FORMATS: Mapping[str, CompressedFormat] = MappingProxyType(
    {container.value: CompressedFormat(container) for container in Container}
)
"""The formats that are decoded by PyAV, by name."""
