"""The engine: one model, which reads whole utterances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from decoder.engine import SAMPLE_RATE, Capabilities, Findings, Hypothesis, Samples
from decoder.errors import DecodeFailed, EngineUnavailable
from decoder.joining import join_words
from decoder.languages import split_languages, unknown_languages
from decoder.offline import Reading, Utterance
from decoder.whisper.guards import goes_in_circles, is_noise
from decoder.whisper.model import PROMPT_TOKENS, WINDOW_S, Decoded, Features, Model, simplifier
from decoder.whisper.options import WhisperOptions
from decoder.whisper.prompt import make_prompt
from decoder.whisper.words import make_words

_LONGEST_S: Final = 20
"""Room for the silence behind within Whisper's window, and for the text of the tersest script
within what its decoder holds."""
_SHORTEST: Final = SAMPLE_RATE // 10
"""Samples; in less there is no word."""
_SIMPLIFIED: Final = "chinese"


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
            punctuation=True,
            case=True,
            digits=True,
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
            hypothesis = self._heard(samples, prompt.tokens)
        except RuntimeError as error:
            raise DecodeFailed("CTranslate2 failed on an utterance") from error
        return Reading(hypothesis, prompt.refused)

    def _heard(self, samples: Samples, prompt: Sequence[int]) -> Hypothesis:
        features = self._model.features(samples)
        hypothesis, circles = self._attempt(samples, features, prompt, self._options.padding_s)
        if circles:
            # It rarely does with all the silence that it knows. A prompt may be what it repeats.
            hypothesis, circles = self._attempt(samples, features, (), WINDOW_S)
        return Hypothesis() if circles else hypothesis

    def _attempt(
        self, samples: Samples, features: Features, prompt: Sequence[int], padding_s: float
    ) -> tuple[Hypothesis, bool]:
        """What is heard with so much silence behind, and whether it goes in circles."""
        encoded = self._model.encode(features, padding_s)
        language = self._candidates[0]
        if len(self._candidates) > 1:
            language = self._model.detect(encoded, self._candidates)
        decoded = self._model.decode(encoded, language, prompt, len(samples) / SAMPLE_RATE)
        if goes_in_circles(decoded.text, self._options):
            return Hypothesis(), True
        if not self._is_speech(decoded):
            return Hypothesis(), False
        pieces = self._model.place(encoded, language, decoded.tokens, features.shape[1])
        simplify = self._simplify if language == _SIMPLIFIED else None
        words = make_words(pieces, len(samples), simplify)
        if not words:
            return Hypothesis(), False
        confidence = sum(word.confidence for word in words) / len(words)
        findings = Findings(language=language) if len(self._candidates) > 1 else None
        text = join_words(word.text for word in words)
        return Hypothesis(words, text, confidence, findings), False

    def _is_speech(self, decoded: Decoded) -> bool:
        return bool(decoded.tokens) and not is_noise(
            decoded.log_probability, decoded.no_speech, self._options
        )
