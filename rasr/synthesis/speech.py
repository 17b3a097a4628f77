"""What travels between the reading of a text and its sound: words, pieces, sounds. They pickle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rasr.audio.formats import Samples
from rasr.audio.resample import Resampler
from rasr.synthesis.manner import Manner
from rasr.synthesis.voice import Voice


@dataclass(frozen=True, slots=True)
class Word:
    """A written word and how it is said."""

    text: str
    """As it is written, without the marks around it."""
    said: tuple[str, ...]
    """Its parts as they are said: words of letters, single Chinese characters."""
    pinyin: tuple[str, ...] = ()
    """For Mandarin: the syllable of each part, "ni3"; "" for a part that is no character."""
    mark: str = ""
    """The mark behind it: one of ",", ";", ":", ".", "?", "!", or none."""

    @property
    def syllables(self) -> tuple[str, ...]:
        """The pinyin of each part; "" for every part of a word without any."""
        return self.pinyin or ("",) * len(self.said)


@dataclass(frozen=True, slots=True)
class Piece:
    """What is said in one go: a sentence, or a part of a long one."""

    words: tuple[Word, ...]
    language: str
    voice: Voice
    manner: Manner
    pause_s: float = 0.0
    """Silence behind it."""


@dataclass(frozen=True, slots=True)
class Phone:
    """A sound of a word, by its letter of the IPA; times in seconds from the start of the sound."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SaidWord:
    """A written word and when it is said; times in seconds from the start of the sound."""

    text: str
    start_s: float
    end_s: float
    phones: tuple[Phone, ...] = ()
    mark: str = ""
    """As of `Word`."""

    def later(self, seconds: float) -> SaidWord:
        """The same, so much later."""
        phones = tuple(
            Phone(one.name, one.start_s + seconds, one.end_s + seconds) for one in self.phones
        )
        return replace(
            self, start_s=self.start_s + seconds, end_s=self.end_s + seconds, phones=phones
        )


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """What came of a piece."""

    samples: Samples
    """Shape (n,), int16, at `rate`."""
    rate: int
    words: tuple[SaidWord, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate

    def at_rate(self, rate: int) -> Samples:
        """The samples at another rate: a voice that a text itself names may have one of its own."""
        if rate == self.rate:
            return self.samples
        resampler = Resampler(self.rate, rate)
        return np.concatenate([resampler.feed(self.samples), resampler.flush()])


def shared_by_weight(
    words: Sequence[Word], weights: Sequence[float], start_s: float, end_s: float
) -> tuple[SaidWord, ...]:
    """Words whose times are not known, one after the other, each with its share of the time."""
    total = sum(weights) or 1.0
    said, at = [], start_s
    for word, weight in zip(words, weights, strict=True):
        until = at + (end_s - start_s) * weight / total
        said.append(SaidWord(word.text, at, until, mark=word.mark))
        at = until
    return tuple(said)
