"""The Moonshine engine: a folder with two graphs and the tokens, behind `OfflineEngine`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np

from decoder.engine import AS_PEOPLE_DO, SAMPLE_RATE, Capabilities, Hypothesis
from decoder.errors import EngineUnavailable
from decoder.joining import join_words
from decoder.languages import split_languages
from decoder.loudness import spread_words
from decoder.model_folder import require_folder
from decoder.moonshine.graphs import LEAST_SAMPLES, Graphs
from decoder.moonshine.guards import is_believed
from decoder.moonshine.hot_words import HotWordLists
from decoder.moonshine.options import MoonshineOptions
from decoder.moonshine.search import (
    Text,
    beam_search,
    greedy,
    most_tokens,
    reconsidered,
    settled,
)
from decoder.moonshine.vocabulary import read_vocabulary
from decoder.offline import Reading, Utterance

FILES: Final = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")
"""What a model's folder holds."""
_LONGEST_S: Final = 15
"""Of pieces of 10 to 20 s the words are right most often (sentences of several speakers without
pauses between them: 8 to 12 words of 193 wrong), and what a reading costs grows faster than its
length."""
_WARM_SAMPLES: Final = SAMPLE_RATE


class MoonshineEngine:
    """One loaded model. `read` may be called by several threads at once.

    Raises:
        EngineUnavailable: an option is out of its range, or the model cannot be loaded.
    """

    def __init__(self, options: MoonshineOptions) -> None:
        options.check()
        self._options = options
        folder = Path(options.model)
        require_folder(folder)
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise EngineUnavailable(f"{folder} lacks {', '.join(missing)}; pull the model again")
        encoder, decoder, tokens = (folder / name for name in FILES)
        self._vocabulary = read_vocabulary(tokens)
        self._graphs = Graphs(encoder, decoder)
        if self._graphs.tokens not in (None, len(self._vocabulary)):
            raise EngineUnavailable(
                f"{tokens} holds {len(self._vocabulary)} tokens and {decoder.name} knows "
                f"{self._graphs.tokens}: they are of different models; pull the model again"
            )
        self._hot_words = HotWordLists(self._vocabulary, options.hot_word_boost)
        self._capabilities = Capabilities(
            name="moonshine",
            languages=split_languages(options.languages),
            sample_rate=SAMPLE_RATE,
            partials=False,
            word_times=False,
            hot_words=True,
            max_batch=1,
            writing=AS_PEOPLE_DO,
            longest_samples=_LONGEST_S * SAMPLE_RATE,
        )
        self.read([Utterance(np.zeros(_WARM_SAMPLES, np.int16))])

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do."""
        return self._capabilities

    def read(self, utterances: Sequence[Utterance]) -> list[Reading]:
        """A reading of each utterance; as `OfflineEngine.read`."""
        return [self._read(utterance) for utterance in utterances]

    def _read(self, utterance: Utterance) -> Reading:
        samples, hot_words = utterance.samples, self._hot_words.get(utterance.hot_words)
        refused = () if hot_words is None else hot_words.refused
        if len(samples) < LEAST_SAMPLES:
            return Reading(Hypothesis(), refused)
        heard = self._graphs.encode(samples)
        most = most_tokens(len(samples), SAMPLE_RATE)
        draft = utterance.draft if isinstance(utterance.draft, tuple) else ()
        if hot_words is not None and utterance.is_whole:
            text = beam_search(self._graphs, heard, most, hot_words, self._options.beam)
        elif utterance.is_whole:
            text = settled(self._graphs, heard, most, draft)
            text = reconsidered(self._graphs, heard, most, text, self._options.beam)
        else:
            text = greedy(self._graphs, heard, most, draft, hot_words, self._vocabulary.stops)
        return Reading(self._hypothesis(text, utterance), refused, tuple(text.tokens))

    def _hypothesis(self, text: Text, utterance: Utterance) -> Hypothesis:
        spoken = [
            one
            for token, one in zip(text.tokens, text.log_probabilities, strict=True)
            if self._vocabulary.is_spoken[token]
        ]
        if not text.ended or not is_believed(spoken):
            return Hypothesis()
        spelt = self._vocabulary.words(text.tokens)
        words = [word for word, _ in spelt]
        confidences = [
            math.exp(fmean(text.log_probabilities[place] for place in places))
            for _, places in spelt
        ]
        return Hypothesis(
            tuple(spread_words(words, confidences, utterance.samples)),
            join_words(words),
            fmean(confidences),
        )
