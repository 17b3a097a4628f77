"""espeak-ng: a sentence, a voice, and back come samples and times of the words.

The library has one state for the whole process: one `Espeak`, one thread. The phase of a voice's
flutter goes on from sentence to sentence, so the same sentences give the same samples only in the
same order from the start of a process.

Times are espeak-ng's own events (speak_lib.h, `espeak_EVENT`): where each word begins, and in
Mandarin each character, except that a few words of its dictionary come as one. Those are shared
out evenly between their characters.

The voices of training are others than those of the evaluation. Left out of both: whispering,
croaking and robot variants, and those that set the length of their vowels to nothing
(`stressLength 0 1 2`: Andrea, anika, antonio, pedro). Variants like no other one: Marco,
kaukovalta, shelby, zac.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

from bench.training import sentences
from rasr.synthesis.engines.espeak_library import EspeakLibrary, Event, EventKind
from rasr.synthesis.errors import VoiceUnavailable

Samples = NDArray[np.int16]

_TRAINING_VOICES = """
f1 f3 f4 f5 m1 m2 m4 m5 m6 m8 klatt klatt2 klatt3 klatt5 Alicia Andy Annie Denis Diogo Gene Hugo
Jacky Lee Mario Michael adam aunty belinda boris caleb david edward grandma gustave ian iven iven2
iven4 john max michel miguel norbert pablo paul quincy rob sandro steph steph2 travis victor
"""
_HELD_OUT_VOICES = """
f2 m3 m7 klatt4 Alex Henrique Mike benjamin ed iven3 linda marcelo robert steph3
"""
TRAINING_VOICES = tuple(_TRAINING_VOICES.split())
HELD_OUT_VOICES = tuple(_HELD_OUT_VOICES.split())
_LANGUAGES = ("cmn",)
"""Mandarin, which reads Latin letters with the English voice of the same variant."""


class EspeakError(RuntimeError):
    """The voice cannot be had, or did not say what it was given."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks, and how."""

    name: str
    """Language and variant as espeak-ng names them: "cmn+f2"."""
    words_per_minute: int = 175
    pitch: int = 50
    """0 to 100; 50 is the voice's own."""
    pitch_range: int = 50
    """0 to 100; 0 is monotonous."""

    def in_language(self, language: str) -> Voice:
        """Return the same speaker, saying something in another language."""
        return replace(self, name=f"{language}+{self.name.partition('+')[2]}")


def draw_voice(random: Random, *, held_out: bool) -> Voice:
    """Draw a voice of training or of the evaluation, with a tempo and a pitch of its own."""
    variant = random.choice(HELD_OUT_VOICES if held_out else TRAINING_VOICES)
    return Voice(
        name=f"{draw_language(random)}+{variant}",
        words_per_minute=random.randint(140, 205),
        pitch=random.randint(35, 65),
        pitch_range=random.randint(35, 65),
    )


def draw_language(random: Random) -> str:
    """Draw the language that a sentence is said in.

    There is one, and it is drawn nevertheless: without it a seed would draw other utterances.
    """
    return random.choice(_LANGUAGES)


@dataclass(frozen=True, slots=True)
class Unit:
    """A Chinese character or an English word and where it is said."""

    text: str
    start_s: float
    end_s: float

    def later(self, seconds: float) -> Unit:
        """Return it so much later."""
        return Unit(self.text, self.start_s + seconds, self.end_s + seconds)


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone from here on, by espeak-ng's name for it without stress; "" is silence."""

    name: str
    start_s: float

    def later(self, seconds: float) -> Phone:
        """Return it so much later."""
        return Phone(self.name, self.start_s + seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """What the voice said."""

    samples: Samples
    """Shape (n,), int16, at `rate`."""
    rate: int
    units: tuple[Unit, ...]
    phones: tuple[Phone, ...]


class Espeak:
    """The library, started."""

    def __init__(self) -> None:
        self._library = EspeakLibrary()
        self.rate = self._library.rate
        self._events: list[Event] = []

    def say(self, text: str, voice: Voice) -> Utterance:
        """Say one sentence; commas are pauses.

        Raises:
            EspeakError: there is no such voice, or the events do not fit the text.
        """
        try:
            samples, self._events = self._library.say(
                text, voice.name, voice.words_per_minute, voice.pitch, voice.pitch_range
            )
        except VoiceUnavailable as error:
            raise EspeakError(str(error)) from error
        units = self._units(text, samples.size)
        return Utterance(samples, self.rate, units, tuple(self._phones()))

    def _phones(self) -> Iterator[Phone]:
        for event in self._events:
            if event.kind is EventKind.PHONEME and not event.phoneme.startswith("("):
                yield Phone(event.phoneme.strip("ˈˌ"), event.sample / self.rate)
            elif event.kind is EventKind.CLAUSE_END:
                yield Phone("", event.sample / self.rate)

    def _units(self, text: str, size: int) -> tuple[Unit, ...]:
        """Where each unit of `text` is said, from the events of the words."""
        starts: list[tuple[int, int, int]] = []
        for event in self._events:
            kind, sample, phoneme = event.kind, event.sample, event.phoneme
            if kind is EventKind.WORD:
                starts.append((event.position, sample, sample))
            elif kind is EventKind.PHONEME and starts and phoneme and not phoneme.startswith("("):
                # A word lasts until the silence or the word after its last sound.
                starts[-1] = (*starts[-1][:2], -1)
            elif starts and starts[-1][2] == -1:
                starts[-1] = (*starts[-1][:2], sample)
        found: list[Unit] = []
        ends = [*(position for position, _, _ in starts[1:]), len(text)]
        nexts = [*(sample for _, sample, _ in starts[1:]), size]
        for (position, start, quiet), stop, after in zip(starts, ends, nexts, strict=True):
            said = sentences.units(text[position:stop])
            end = min(quiet, after) if quiet > start else after
            edges = np.linspace(start, end, len(said) + 1) / self.rate
            found += [
                Unit(unit, float(left), float(right))
                for unit, (left, right) in zip(said, pairwise(edges), strict=True)
            ]
        if [unit.text for unit in found] != sentences.units(text):
            raise EspeakError(f"{text!r} was said as {[unit.text for unit in found]}")
        return tuple(found)
