"""espeak-ng's library, called by ctypes: text in, samples and events out; or text in, IPA out.

Library and data are those of the package `espeakng-loader`. The library has one state for the whole
process: one `EspeakLibrary`, one thread.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import espeakng_loader
import numpy as np

from rasr.audio.formats import Samples
from rasr.synthesis.errors import VoiceUnavailable

_SYNCHRONOUS = 2
"""No audio card, and the call returns when all is said."""
_PHONEME_EVENTS = 1 | 2
"""In IPA."""
_DO_NOT_EXIT = 0x8000
_IN_CHARACTERS = 1
_UTF8 = 1
_IPA = 0x02
_RATE, _PITCH, _RANGE = 1, 3, 4
_SEED = 1


class EventKind(IntEnum):
    """Those of `espeak_EVENT_TYPE` that are used."""

    WORD = 1
    CLAUSE_END = 5
    PHONEME = 7


@dataclass(frozen=True, slots=True)
class Event:
    """Something begins."""

    kind: EventKind
    position: int
    """In the text, in characters."""
    sample: int
    phoneme: str = ""
    """IPA; empty for a pause."""


class _Identity(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h."""

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


class EspeakLibrary:
    """The library, started."""

    def __init__(self) -> None:
        """
        Raises:
            VoiceUnavailable: the package is damaged.
        """
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_TextToPhonemes.argtypes = [
            ctypes.POINTER(ctypes.c_char_p),
            ctypes.c_int,
            ctypes.c_int,
        ]
        data = str(espeakng_loader.get_data_path()).encode()
        self.rate: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, data, _PHONEME_EVENTS | _DO_NOT_EXIT
        )
        if self.rate <= 0:
            raise VoiceUnavailable("espeak-ng does not start: install espeakng-loader anew")
        self._parts: list[Samples] = []
        self._events: list[Event] = []
        # The library keeps the address alone.
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(
        self, text: str, voice: str, words_per_minute: int, pitch: int, pitch_range: int = 50
    ) -> tuple[Samples, list[Event]]:
        """The samples of a text, at `rate`, and the events in them.

        Args:
            voice: language and variant as espeak-ng names them: "cmn+f2".
            pitch: 0 to 99; 50 is the voice's own.
            pitch_range: 0, which is monotonous, to 99; 50 is the voice's own.

        Raises:
            VoiceUnavailable: espeak-ng knows no such voice.
        """
        self._set_voice(voice)
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        self._library.espeak_SetParameter(_RANGE, pitch_range, 0)
        # Else the same text would be other samples each time.
        self._library.espeak_ng_SetRandSeed(_SEED)
        self._parts, self._events = [], []
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, _IN_CHARACTERS, 0, _UTF8, None, None)
        samples = np.concatenate(self._parts) if self._parts else np.zeros(0, np.int16)
        return samples, self._events

    def phonemes(self, text: str, voice: str) -> str:
        """The IPA of a text without marks, with stress; words have spaces between them.

        Raises:
            VoiceUnavailable: espeak-ng knows no such voice.
        """
        self._set_voice(voice)
        rest = ctypes.c_char_p(text.encode())
        found: list[str] = []
        while rest.value is not None:
            clause = self._library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA)
            found.append((clause or b"").decode(errors="ignore"))
        return " ".join(one.strip() for one in found if one.strip())

    def _set_voice(self, voice: str) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise VoiceUnavailable(f"espeak-ng has no voice {voice!r}")

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while (event := events[index]).type != 0:
            index += 1
            if event.type not in EventKind.__members__.values():
                continue
            kind = EventKind(event.type)
            # The field has eight bytes; a character at its end may be cut.
            name = event.id.string.decode(errors="ignore") if kind is EventKind.PHONEME else ""
            self._events.append(Event(kind, event.text_position - 1, event.sample, name))
        return 0
