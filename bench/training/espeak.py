"""espeak-ng, called by ctypes: a sentence, a voice, and back come samples and times of the words.

The library and its data are those of the package `espeakng-loader`. It has one state for the whole
process: one `Espeak`, one thread. The phase of a voice's flutter goes on from sentence to sentence,
so the same sentences give the same samples only in the same order from the start of a process.

Times are espeak-ng's own events (speak_lib.h, `espeak_EVENT`): where each word begins, and in
Mandarin each character, except that a few words of its dictionary come as one. Those are shared
out evenly between their characters.

The voices of training are others than those of the evaluation. Left out of both: whispering,
croaking and robot variants, and those that set the length of their vowels to nothing
(`stressLength 0 1 2`: Andrea, anika, antonio, pedro). Variants like no other one: Marco,
kaukovalta, shelby, zac.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from bench.training import sentences

Samples = NDArray[np.int16]

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: no audio card, and the call returns when all is said
_PHONEME_EVENTS = 1 | 2  # in IPA: a pause is then an empty name
_DO_NOT_EXIT = 0x8000
_POSITION_IN_CHARACTERS = 1
_CHARACTERS_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_LIST_END, _WORD, _CLAUSE_END, _PHONEME = 0, 1, 5, 7


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


class _Identity(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    """`espeak_EVENT`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """The library, started."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        self.rate: int = self._library.espeak_Initialize(
            _SYNCHRONOUS,
            0,
            espeakng_loader.get_data_path().encode(),
            _PHONEME_EVENTS | _DO_NOT_EXIT,
        )
        if self.rate <= 0:
            raise EspeakError("espeak-ng does not start: its data folder is missing or of no use")
        self._parts: list[Samples] = []
        self._marks: list[tuple[int, int, int, bytes]] = []
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, voice: Voice) -> Utterance:
        """Say one sentence; commas are pauses.

        Raises:
            EspeakError: there is no such voice, or the events do not fit the text.
        """
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise EspeakError(f"espeak-ng has no voice {voice.name!r}")
        self._library.espeak_SetParameter(_RATE, voice.words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
        self._library.espeak_SetParameter(_RANGE, voice.pitch_range, 0)
        self._parts.clear()
        self._marks.clear()
        self._library.espeak_ng_SetRandSeed(1)
        data = text.encode()
        self._library.espeak_Synth(
            data, len(data) + 1, 0, _POSITION_IN_CHARACTERS, 0, _CHARACTERS_UTF8, None, None
        )
        samples = np.concatenate(self._parts) if self._parts else np.zeros(0, np.int16)
        units = self._units(text, samples.size)
        return Utterance(samples, self.rate, units, tuple(self._phones()))

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while (event := events[index]).type != _LIST_END:
            if event.type in (_WORD, _CLAUSE_END, _PHONEME):
                phoneme = event.id.string if event.type == _PHONEME else b""
                self._marks.append((event.type, event.text_position - 1, event.sample, phoneme))
            index += 1
        return 0

    def _phones(self) -> Iterator[Phone]:
        for kind, _, sample, name in self._marks:
            if kind == _PHONEME and not name.startswith(b"("):
                # The field has eight bytes; a character at its end may be cut.
                yield Phone(name.decode(errors="ignore").strip("ˈˌ"), sample / self.rate)
            elif kind == _CLAUSE_END:
                yield Phone("", sample / self.rate)

    def _units(self, text: str, size: int) -> tuple[Unit, ...]:
        """Where each unit of `text` is said, from the events of the words."""
        starts: list[tuple[int, int, int]] = []
        for kind, position, sample, phoneme in self._marks:
            if kind == _WORD:
                starts.append((position, sample, sample))
            elif kind == _PHONEME and starts and phoneme and not phoneme.startswith(b"("):
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
