"""`property`: language, rate and domain in one word, such as `english_16k_common`.

SIS lists some twenty of them and adds more; this server maps language and rate to the model that
it has, so any domain is accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rasr.audio.formats import FORMATS, AudioFormat

FORM = "([a-z]+)_(8|16)k_([a-z0-9]+)"
"""As a regular expression: language, kHz, domain."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property and its parts."""

    name: str
    language: str
    sample_rate: int
    """Hz, 8000 or 16000."""
    domain: str

    @property
    def samples(self) -> AudioFormat:
        """What a client of it streams, and what files are decoded to."""
        return FORMATS[f"pcm{self.sample_rate // 1000}k16bit"]

    @classmethod
    def parse(cls, name: str) -> Property | None:
        """The property that `name` spells, or None where it spells none."""
        found = re.fullmatch(FORM, name)
        if found is None:
            return None
        language, khz, domain = found.groups()
        return cls(name, language, int(khz) * 1000, domain)
