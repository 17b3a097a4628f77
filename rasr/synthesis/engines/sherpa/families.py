"""The families of voices that sherpa-onnx 2.0.1 has a factory for, and what is known of each.

Sources: `offline-tts-*-model.cc` and `offline-tts-*-impl.h` of its C++ code, and what the library
does with graphs of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from rasr.synthesis.engines.shaping import Speeds


class Family(StrEnum):
    """A family of voices; the value is what a person calls it."""

    VITS = "VITS"
    PIPER = "Piper VITS"
    MATCHA = "Matcha"
    KOKORO = "Kokoro"
    KITTEN = "KittenTTS"
    ZIPVOICE = "ZipVoice"
    POCKET = "Pocket TTS"
    SUPERTONIC = "Supertonic"


class FrontEnd(Enum):
    """Who makes tokens of words."""

    LIBRARY = auto()
    """sherpa-onnx, by the lexicon of the folder or letter by letter; it is given the words."""
    PHONES = auto()
    """The tokens are letters of the IPA, which are ours to make: espeak-ng is not in it."""
    LEXICON = auto()
    """We, by the lexicons of the folder: the library would leave out words that they lack."""


_AS_TOLD = Speeds((0.5, 1.0, 2.0), (0.5, 1.0, 2.0))


@dataclass(frozen=True, slots=True)
class Traits:
    """How a family sounds."""

    level: float = 1.0
    """Factor to full loudness."""
    speeds: Speeds = _AS_TOLD
    """What comes of speeds that it is told; where nobody has measured, what it is told."""
    has_steps: bool = False
    """Its sound comes of noise in steps, more of which take longer and sound better."""


TRAITS: Mapping[Family, Traits] = {
    Family.VITS: Traits(),
    # The loudest sentences reach two thirds of full scale.
    Family.PIPER: Traits(1.2, Speeds((0.5, 0.7, 1.0, 1.4, 2.0), (0.589, 0.779, 1.0, 1.255, 1.55))),
    Family.MATCHA: Traits(),
    Family.KOKORO: Traits(0.9, Speeds((0.5, 0.7, 1.0, 1.4, 2.0), (0.465, 0.672, 1.0, 1.46, 1.85))),
    Family.KITTEN: Traits(),
    Family.ZIPVOICE: Traits(has_steps=True),
    Family.POCKET: Traits(speeds=Speeds((1.0,), (1.0,)), has_steps=True),
    Family.SUPERTONIC: Traits(has_steps=True),
}
