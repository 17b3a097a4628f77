"""The far side of a worker that speaks: it reads texts and says pieces, one question at a time.

Questions and answers pickle. Here every fault of an engine ends: it costs the text that caused it
and no other.
"""

from __future__ import annotations

import os
import pickle
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, assert_never

import numpy as np

from rasr.scheduling.child_process import answer_questions
from rasr.synthesis.engine import Engine
from rasr.synthesis.engines.espeak import EspeakEngine
from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.errors import EngineFailed, SynthesisError, VoiceUnavailable
from rasr.synthesis.finishing import finished
from rasr.synthesis.manner import Manner
from rasr.synthesis.reading.portions import portions
from rasr.synthesis.reading.reader import Held, Reader
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Piece, Sound, Word
from rasr.synthesis.voice import EngineName, Voice

_MEASURED = {
    "english": "The train to the coast leaves at noon, and the journey takes about an hour.",
    "chinese": "去海边的火车中午出发，路上大约要一个小时。",
}
"""What a voice says to be measured, by its first language; any other says the English one."""


@dataclass(frozen=True, slots=True)
class Read:
    """A question; the answer is a `Begun`: the first portion of a text is read."""

    request: Request


@dataclass(frozen=True, slots=True)
class Begun:
    """A text whose first portion was read."""

    pieces: tuple[Piece, ...]
    held: Held
    rest: tuple[bytes, ...]
    """The other portions, for `ReadOn`. As bytes: the event loop does not take them apart, only to
    put them together again."""
    voices: tuple[Voice, ...]
    """All that speak in it."""


@dataclass(frozen=True, slots=True)
class ReadOn:
    """A question; the answer is the pieces of the next portion, and what is held then."""

    portion: bytes
    held: Held


@dataclass(frozen=True, slots=True)
class Say:
    """A question; the answer is a `Sound`."""

    piece: Piece


@dataclass(frozen=True, slots=True)
class Measure:
    """A question; the answer is the processor time of a second of sound, in seconds."""

    voice: Voice


@dataclass(frozen=True, slots=True)
class Fault:
    """The engine failed in a way that it should not."""

    where: str
    """For the log: the kind of error and the lines of code, without any text."""


@dataclass(frozen=True, slots=True)
class Warm:
    """A question; the answer is None once all is loaded that texts of the voice take."""

    voice: Voice


Question = Read | ReadOn | Say | Measure | Warm


class SpeechHost:
    """Answers questions. It loads a reader with the first text, and an engine with its first
    piece."""

    def __init__(self, voices: Sequence[Voice]) -> None:
        """
        Args:
            voices: those that SSML may name.
        """
        self._voices = {voice.name: voice for voice in voices}
        self._reader: Reader | None = None
        self._library: EspeakLibrary | None = None
        self._engines: dict[tuple[EngineName, str], Engine] = {}

    def answer(self, question: Question) -> Any:
        """What was asked for, or the `SynthesisError` or `Fault` in its place.

        Raises:
            MemoryError: the host must not be used again.
        """
        try:
            match question:
                case Read(request):
                    return self._begin(request)
                case ReadOn(portion, held):
                    return self._loaded_reader().read(pickle.loads(portion), held)
                case Say(piece):
                    return self._say(piece)
                case Measure(voice):
                    return self._measure(voice)
                case Warm(voice):
                    return self._warm(voice)
        except SynthesisError as error:
            return error
        except MemoryError:
            raise
        except Exception as error:
            lines = traceback.extract_tb(error.__traceback__)[-4:]
            places = " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in lines[::-1])
            return Fault(f"{type(error).__name__} at {places}")

    def _begin(self, request: Request) -> Begun:
        first, *rest = portions(request, self._find)
        voices = {passage.voice for portion in (first, *rest) for passage in portion.passages}
        pieces, held = self._loaded_reader().read(first, Held())
        return Begun(pieces, held, tuple(map(pickle.dumps, rest)), tuple(voices))

    def _loaded_reader(self) -> Reader:
        if self._reader is None:
            self._reader = Reader()
        return self._reader

    def _pieces(self, request: Request) -> tuple[Piece, ...]:
        return self._loaded_reader().pieces(request, self._find)

    def _say(self, piece: Piece) -> Sound:
        if not piece.words:
            return finished(Sound(np.zeros(0, np.int16), piece.voice.rate), piece)
        return finished(self._engine(piece.voice).say(piece), piece)

    def _measure(self, voice: Voice) -> float:
        text = _MEASURED.get(voice.languages[0], _MEASURED["english"])
        pieces = self._pieces(Request(text, voice, Manner()))
        # The first time loads, and finds its memory.
        self._say(pieces[0])
        before = time.process_time()
        seconds = sum(self._say(piece).seconds for piece in pieces)
        if seconds == 0:
            raise EngineFailed(f"the voice {voice.name} says nothing")
        return (time.process_time() - before) / seconds

    def _warm(self, voice: Voice) -> None:
        for language in voice.languages:
            if language in _MEASURED:
                request = Request(_MEASURED[language], voice, Manner(), language)
                self._say(self._pieces(request)[0])

    def _find(self, name: str) -> Voice:
        found = self._voices.get(name)
        if found is None:
            raise VoiceUnavailable(f"there is no voice {name!r} here; `rasr voices` shows which")
        return found

    def _engine(self, voice: Voice) -> Engine:
        key = voice.engine, voice.folder
        if key not in self._engines:
            if self._library is None:
                self._library = EspeakLibrary()
            self._engines[key] = self._load(voice, self._library)
        return self._engines[key]

    def _load(self, voice: Voice, library: EspeakLibrary) -> Engine:
        """
        Args:
            library: one for the whole process; it knows the phonemes for all engines.
        """
        match voice.engine:
            case EngineName.ESPEAK:
                return EspeakEngine(library)
            case EngineName.SHERPA:
                from rasr.synthesis.engines.sherpa import SherpaVoiceEngine

                def words(text: str) -> list[Word]:
                    pieces = self._pieces(Request(text, voice, Manner()))
                    return [word for piece in pieces for word in piece.words]

                return SherpaVoiceEngine(voice, library, words)
            case EngineName.KOKORO:
                from rasr.synthesis.engines.kokoro import KokoroEngine

                return KokoroEngine(Path(voice.folder), library)
            case _:
                assert_never(voice.engine)


def host_in_process(connection: Connection, voices: Sequence[Voice], niceness: int) -> None:
    """The work of a process that speaks; a nice one goes last where processors are short."""
    os.nice(niceness)

    def load_host() -> tuple[None, Callable[[Question], Any]]:
        return None, SpeechHost(voices).answer

    answer_questions(connection, load_host)
