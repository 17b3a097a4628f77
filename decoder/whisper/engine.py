"""The engine: one model, which reads whole utterances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from decoder.engine import AS_PEOPLE_DO, SAMPLE_RATE, Capabilities, Findings, Hypothesis, Samples
from decoder.errors import DecodeFailed, EngineUnavailable
from decoder.joining import join_words
from decoder.languages import split_languages, unknown_languages
from decoder.loudness import without_silence
from decoder.offline import Reading, Utterance
from decoder.whisper.decoded import Decoded
from decoder.whisper.guards import echoes, goes_in_circles, is_speech
from decoder.whisper.model import PROMPT_TOKENS, WINDOW_S, Features, Model, simplifier
from decoder.whisper.options import WhisperOptions
from decoder.whisper.prompt import make_prompt
from decoder.whisper.words import make_words

_LONGEST_S: Final = 20
"""Room for the silence behind within Whisper's window, and for the text of the tersest script
within what its decoder holds."""
_SHORTEST: Final = SAMPLE_RATE // 10
"""Samples; in less there is no word."""
_SIMPLIFIED: Final = "chinese"


@dataclass(frozen=True, slots=True)
class _Said:
    """One reading, with what placing its words needs."""

    encoded: Any
    language: str
    decoded: Decoded


class WhisperEngine:
    """One model. Threads may read at the same time."""

    def __init__(self, options: WhisperOptions) -> None:
        """Load the model and warm it.

        Raises:
            EngineUnavailable: an option is out of range, the model cannot be loaded, or it does not
                know a language that the options name.
        """
        options.check()
        self._options = options
        self._model = Model(options)
        self._told = split_languages(options.languages)
        strange = unknown_languages(self._told, self._model.languages, options.model)
        if strange:
            raise EngineUnavailable(strange)
        self._candidates = self._told or tuple(sorted(self._model.languages))
        self._simplify = simplifier() if options.simplified else None
        noise = np.random.default_rng(0).normal(0, 500, SAMPLE_RATE).astype(np.int16)
        self.read([Utterance(noise)])

    @property
    def capabilities(self) -> Capabilities:
        """What the loaded model can do."""
        return Capabilities(
            name="whisper",
            languages=self._told,
            sample_rate=SAMPLE_RATE,
            partials=False,
            word_times=True,
            hot_words=True,
            max_batch=1,
            detects_language=len(self._candidates) > 1,
            writing=AS_PEOPLE_DO,
            longest_samples=_LONGEST_S * SAMPLE_RATE,
        )

    def read(self, utterances: Sequence[Utterance]) -> list[Reading]:
        """Read utterances, one after the other; as `OfflineEngine.read`.

        Raises:
            DecodeFailed: one is longer than Whisper's window, or CTranslate2 fails.
        """
        return [self._read(utterance) for utterance in utterances]

    def _read(self, utterance: Utterance) -> Reading:
        samples = utterance.samples
        if len(samples) > WINDOW_S * SAMPLE_RATE:
            raise DecodeFailed(
                f"an utterance of {len(samples) / SAMPLE_RATE:.1f} s; Whisper reads at most "
                f"{WINDOW_S} s at once, and {_LONGEST_S} s well"
            )
        prompt = make_prompt(
            utterance.hot_words, utterance.context, self._model.spell, PROMPT_TOKENS
        )
        if len(samples) < _SHORTEST:
            return Reading(Hypothesis(), prompt.refused)
        try:
            told = " ".join([*(word.text for word in utterance.hot_words), utterance.context])
            hypothesis = self._heard(samples, prompt.tokens, told)
        except RuntimeError as error:
            raise DecodeFailed("CTranslate2 failed on an utterance") from error
        return Reading(hypothesis, prompt.refused)

    def _heard(self, samples: Samples, prompt: Sequence[int], told: str) -> Hypothesis:
        features, seconds = self._model.features(samples), len(samples) / SAMPLE_RATE
        said = self._decode(features, self._options.padding_s, prompt, seconds)
        if goes_in_circles(said.decoded.text, self._options):
            # It rarely does with all the silence that it knows. A prompt may be what it repeats.
            said = self._decode(features, WINDOW_S, (), seconds)
        elif echoes(said.decoded.text, told):
            plain = self._decode(features, self._options.padding_s, (), seconds)
            said = said if is_speech(plain.decoded, self._options) else plain
        if not is_speech(said.decoded, self._options):
            return Hypothesis()
        pieces = self._model.place(said.encoded, said.language, said.decoded.tokens, features)
        simplify = self._simplify if said.language == _SIMPLIFIED else None
        words = tuple(without_silence(make_words(pieces, len(samples), simplify), samples))
        if not words:
            return Hypothesis()
        confidence = sum(word.confidence for word in words) / len(words)
        findings = Findings(language=said.language) if len(self._candidates) > 1 else None
        text = join_words(word.text for word in words)
        return Hypothesis(words, text, confidence, findings)

    def _decode(
        self, features: Features, padding_s: float, prompt: Sequence[int], seconds: float
    ) -> _Said:
        encoded = self._model.encode(features, padding_s)
        language = self._candidates[0]
        if len(self._candidates) > 1:
            language = self._model.detect(encoded, self._candidates)
        return _Said(encoded, language, self._model.decode(encoded, language, prompt, seconds))
