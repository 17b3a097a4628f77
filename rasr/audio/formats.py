"""The sound formats that a client may declare, under their SIS names.

Owns the names and nothing else: decoding is in `codec`, validation of a START in `rasr.protocol`.
Names, rates and codings are table 3.3 of the SIS real-time protocol; all of them are mono.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

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
