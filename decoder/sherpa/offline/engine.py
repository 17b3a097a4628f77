"""The engine: one offline model, loaded once, for all threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
import soxr

from decoder.engine import SAMPLE_RATE, Capabilities, HotWord, Hypothesis, Samples
from decoder.errors import DecodeFailed
from decoder.offline import Reading, Utterance
from decoder.sherpa.hot_words import spell
from decoder.sherpa.offline.families import HotWords
from decoder.sherpa.offline.model import OfflineModel
from decoder.sherpa.offline.options import SherpaOfflineOptions
from decoder.sherpa.offline.preflight import (
    LEAST_SAMPLES,
    SCALE,
    examine_offline,
    load_offline_recognisers,
    noise,
)
from decoder.sherpa.offline.reading import hypothesis_of
from decoder.sherpa.offline.recogniser import (
    OfflineNativeStream,
    OfflineRecogniser,
    fits_prompt,
    instruct,
)
from decoder.sherpa.recogniser import FOREIGN_ERRORS
from decoder.sherpa.transcript import WordMaker


class SherpaOfflineEngine:
    """One model. Threads may read different utterances at the same time.

    An utterance is read alone: an int8 model takes the scale of its numbers from all that it is
    given, so that a reading would depend on the utterances beside it, and most families read them
    one after the other anyway. What threads share is immutable, or sherpa-onnx's recogniser, which
    keeps all that changes in its streams; where it does not, threads wait for each other.
    """

    def __init__(self, options: SherpaOfflineOptions) -> None:
        """Examine the model in a child process, load it and warm it.

        Raises:
            EngineUnavailable: the model cannot be used; the text names file and cure.
        """
        options.check()
        self._options = options
        findings = examine_offline(options)
        self._model = findings.model
        self._plan = findings.hot_words
        self._maker = None if findings.vocabulary is None else WordMaker(findings.vocabulary)
        self._recognisers = load_offline_recognisers(options, findings)
        self._turn = threading.Lock() if self._model.traits.keeps_state else nullcontext()
        for recogniser in self._recognisers.all():
            self._decoded(recogniser, noise(1.0))

    @property
    def capabilities(self) -> Capabilities:
        """What the loaded model can do; threads may share it."""
        model = self._model
        longest = model.traits.longest_s
        return Capabilities(
            name="sherpa-onnx-offline",
            languages=model.languages,
            sample_rate=SAMPLE_RATE,
            partials=False,
            word_times=model.word_times,
            hot_words=self._by_prompt or self._recognisers.biased is not None,
            max_batch=1,
            detects_language=model.detects_language,
            writing=model.writing,
            longest_samples=None if longest is None else longest * SAMPLE_RATE,
        )

    @property
    def model(self) -> OfflineModel:
        """The model that is loaded."""
        return self._model

    def read(self, utterances: Sequence[Utterance]) -> list[Reading]:
        """Read an utterance; as `OfflineEngine.read`.

        sherpa-onnx answers some faults with an empty result and a line to stderr: such a reading
        has no words.

        Raises:
            DecodeFailed: it cannot be read, or has hot words and they are off.
        """
        assert len(utterances) <= 1, "more utterances than max_batch"
        return [self._read(utterance) for utterance in utterances]

    def _read(self, utterance: Utterance) -> Reading:
        if utterance.hot_words and not self.capabilities.hot_words:
            raise DecodeFailed("hot words are off; set the option hot_words to true")
        recogniser, phrases = self._recognisers.fast, None
        words: tuple[str, ...] = ()
        refused: tuple[HotWord, ...] = ()
        if utterance.hot_words and self._recognisers.biased is not None:
            boost = self._options.hot_word_boost
            spelled = spell(utterance.hot_words, self._plan, boost)
            refused = spelled.refused
            if spelled.phrases:
                recogniser, phrases = self._recognisers.biased, spelled.phrases
        elif utterance.hot_words:
            words = tuple(one.text for one in utterance.hot_words if fits_prompt(one.text))
            refused = tuple(one for one in utterance.hot_words if not fits_prompt(one.text))
        if not len(utterance.samples):
            return Reading(Hypothesis(), refused)
        hypothesis = self._decoded(recogniser, utterance.samples, phrases, words)
        return Reading(hypothesis, refused)

    @property
    def _by_prompt(self) -> bool:
        return self._options.hot_words and self._model.traits.hot_words is HotWords.PROMPT

    def _decoded(
        self,
        recogniser: OfflineRecogniser,
        samples: Samples,
        phrases: str | None = None,
        words: Sequence[str] = (),
    ) -> Hypothesis:
        try:
            stream = self._stream(recogniser, phrases)
            instruct(stream, self._model, words)
            stream.accept_waveform(self._model.sample_rate, self._waveform(samples))
            with self._turn:
                recogniser.decode_stream(stream)
            return hypothesis_of(stream.result, self._maker, samples)
        except FOREIGN_ERRORS as error:
            raise DecodeFailed("sherpa-onnx failed on this utterance") from error

    @staticmethod
    def _stream(recogniser: OfflineRecogniser, phrases: str | None) -> OfflineNativeStream:
        if phrases is None:
            return recogniser.create_stream()
        return recogniser.create_stream(phrases)

    def _waveform(self, samples: Samples) -> list[float]:
        """From -1 to 1, at the model's rate, and no shorter than it must be."""
        audio = samples * SCALE
        if len(audio) < LEAST_SAMPLES:
            audio = np.pad(audio, (0, LEAST_SAMPLES - len(audio)))
        if self._model.sample_rate != SAMPLE_RATE:
            audio = soxr.resample(audio, SAMPLE_RATE, self._model.sample_rate)
        # A list: sherpa-onnx takes six times as long to read an array.
        waveform: list[float] = audio.tolist()
        return waveform
