"""espeak-ng and the reader, loaded once: the library has one state for the whole process."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rasr.synthesis.engines.espeak import EspeakEngine, espeak_voices
from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.finishing import finished
from rasr.synthesis.manner import Manner
from rasr.synthesis.reading.reader import Reader
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import Sound
from rasr.synthesis.voice import Voice

Say = Callable[..., Sound]
"""text, manner, voice → the sound of its first piece."""

VOICES = espeak_voices()


def voice(name: str) -> Voice:
    return next(one for one in VOICES if one.name == name)


@pytest.fixture(scope="session")
def library() -> EspeakLibrary:
    return EspeakLibrary()


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="session")
def say(library: EspeakLibrary, reader: Reader) -> Say:
    engine = EspeakEngine(library)

    def said(
        text: str, manner: Manner | None = None, name: str = "espeak-female", language: str = ""
    ) -> Sound:
        request = Request(text, voice(name), manner or Manner(), language)
        piece = reader.pieces(request, voice)[0]
        return finished(engine.say(piece), piece)

    return said
