"""The voices of a folder behind the interface of an engine, all by one model of sherpa-onnx."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from decoder.errors import EngineUnavailable
from rasr.synthesis.engines.espeak_library import EspeakLibrary
from rasr.synthesis.engines.phonetics import estimated
from rasr.synthesis.engines.shaping import shaped
from rasr.synthesis.engines.sherpa.families import TRAITS
from rasr.synthesis.engines.sherpa.library import LoadedVoices
from rasr.synthesis.engines.sherpa.model import read_voice_model
from rasr.synthesis.engines.sherpa.prompt import TEXT
from rasr.synthesis.engines.sherpa.trial import try_voices
from rasr.synthesis.engines.sherpa.words import words_for
from rasr.synthesis.errors import SynthesisError, TextRefused, VoiceUnavailable
from rasr.synthesis.speech import Piece, Sound, Word
from rasr.synthesis.voice import Voice

ReadWords = Callable[[str], Sequence[Word]]
"""A text to the words in it."""


class SherpaVoiceEngine:
    """All voices of a folder behind `rasr.synthesis.engine.Engine`."""

    def __init__(self, voice: Voice, library: EspeakLibrary, read: ReadWords) -> None:
        """
        Args:
            voice: one of them; it says in which folder they are, what they speak, and whether the
                folder was tried.
            read: reads what is said in a recording that is imitated.

        Raises:
            VoiceUnavailable: it holds no voices that can be served; the text says why.
        """
        look = read_voice_model if voice.tried else try_voices
        try:
            self._model = look(Path(voice.folder), voice.languages)
        except EngineUnavailable as error:
            raise VoiceUnavailable(str(error)) from error
        self._traits = TRAITS[self._model.family]
        self._words = words_for(self._model, library)
        self._voices = LoadedVoices(self._model)
        self._prompted = self._read_prompt(read)

    def say(self, piece: Piece) -> Sound:
        """As `Engine.say`; the times of words are estimated."""
        speaker = int(piece.voice.variant)
        if speaker >= len(self._model.speakers):
            raise VoiceUnavailable(
                f"the voice {piece.voice.name} is speaker {speaker} of {self._model.folder}, which "
                f"has {len(self._model.speakers)}"
            )
        rate = self._model.rate
        samples = shaped(
            lambda speed: self._made(piece, speaker, speed),
            self._traits.speeds,
            piece.manner,
            rate,
            self._traits.level,
        )
        if not samples.size:
            raise TextRefused(f"the voice {piece.voice.name} knows none of the words of a sentence")
        return Sound(samples, rate, estimated(piece.words, len(samples) / rate))

    def _made(self, piece: Piece, speaker: int, speed: float) -> NDArray[np.float32]:
        steps = piece.voice.steps
        parts = [
            self._voices.say(told, speaker, speed, steps=steps, prompted=self._prompted)
            for told in self._words.told(piece.words)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _read_prompt(self, read: ReadWords) -> tuple[str, ...]:
        """The tokens of what is said in the recording; none where that is not asked for."""
        prompt = self._model.prompt
        if prompt is None or not prompt.text:
            return ()
        file = self._model.folder / TEXT
        try:
            words = read(prompt.text)
        except SynthesisError as error:
            raise VoiceUnavailable(f"{file} cannot be read: {error}") from error
        tokens = tuple(token for told in self._words.told(words) for token in told.tokens)
        if not tokens:
            raise VoiceUnavailable(f"the voice knows none of the words of {file}")
        return tokens
