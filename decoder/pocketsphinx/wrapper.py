"""One decoder of PocketSphinx, with the words that it prefers at the moment.

PocketSphinx cannot forget a single word, and all that a decoder does shares its dictionary and its
language model. So hot words are entries of their own, apart from the words that they sound like:
they are added to the dictionary under a name made of their phones, which no other word has, and to
a second copy of the language model, in a search of its own beside the plain one. An utterance
without hot words is decoded by the plain search as if there had never been any. Once the dictionary
holds `MOST_ALIASES` such entries, it is read from its file again before the next ones are added.

A search with hot words takes 0.13 s and 35 MB to make (measured); a decoder keeps its last one,
which serves the following utterances of the same session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pocketsphinx

from decoder.engine import HotWord
from decoder.pocketsphinx.library import SAMPLE_RATE, OwnWords, load_decoder
from decoder.pocketsphinx.options import PocketSphinxOptions
from decoder.pocketsphinx.pronunciation import Pronouncer

MOST_ALIASES = 10_000
"""So many entries of hot words may be left over from earlier searches. Each takes 1.1 KB in the
dictionary and in what is made of it; to read the dictionary again takes 0.4 s (measured)."""
_PLAIN = "_default"
"""PocketSphinx's name for the search that it makes when it loads."""
_HOT = "hot"


@dataclass(frozen=True, slots=True)
class SpokenPhrase:
    """What a hot word is in the hypothesis."""

    text: str
    """As it was written by whoever asked for it."""
    phones: tuple[int, ...]
    """How many phones each of its words has, in this pronunciation."""


@dataclass(slots=True)
class _HotWords:
    asked: tuple[HotWord, ...] = ()
    phrases: dict[str, SpokenPhrase] = field(default_factory=dict)
    refused: tuple[HotWord, ...] = ()


class SphinxDecoder:
    """A warm decoder. Used by one stream at a time.

    Raises:
        EngineUnavailable: PocketSphinx does not load its model.
    """

    def __init__(self, options: PocketSphinxOptions) -> None:
        self._weight = options.hot_word_weight
        self.decoder = load_decoder(
            fwdflat=options.fwdflat, bestpath=options.bestpath, maxhmmpf=options.maxhmmpf
        )
        self.has_posteriors = options.bestpath
        """Whether words of an utterance that has ended have posterior probabilities: they come from
        the word lattice. Without its search PocketSphinx says 1.0 of every word."""
        self._pronouncer = Pronouncer(self.decoder.lookup_word)
        self._hot = _HotWords()
        """Of the search that is kept, used or not."""
        self._aliases = OwnWords(self.decoder)
        """The entries of hot words in the dictionary."""
        self._warm()

    def prefers(self, hot_words: Sequence[HotWord]) -> bool:
        """True if `tune` has nothing to make for them."""
        return not hot_words or tuple(hot_words) == self._hot.asked

    def tune(self, hot_words: Sequence[HotWord]) -> tuple[HotWord, ...]:
        """Prefer these words from the next utterance on; those that nobody can say come back.

        Raises:
            RuntimeError: PocketSphinx fails.
        """
        if not hot_words:
            self.decoder.activate_search(_PLAIN)
            return ()
        if not self.prefers(hot_words):
            self._make_search(tuple(hot_words))
        self.decoder.activate_search(_HOT if self._hot.phrases else _PLAIN)
        return self._hot.refused

    @property
    def phrases(self) -> Mapping[str, SpokenPhrase]:
        """The hot words by the names that they have in a hypothesis."""
        return self._hot.phrases

    def _make_search(self, asked: tuple[HotWord, ...]) -> None:
        decoder = self.decoder
        decoder.activate_search(_PLAIN)
        if self._hot.phrases:
            decoder.remove_search(_HOT)
        self._hot = _HotWords(asked)
        if len(self._aliases) >= MOST_ALIASES:
            self._aliases.forget()
        model = pocketsphinx.NGramModel(decoder.config, decoder.logmath, decoder.config["lm"])
        refused = []
        for hot_word in asked:
            ways = self._pronouncer.say(hot_word.text)
            if not ways:
                refused.append(hot_word)
            for way in ways:
                alias = self._aliases.name(way)
                if alias not in self._hot.phrases:
                    model.add_word(alias, self._weight * hot_word.boost / len(ways))
                    self._hot.phrases[alias] = SpokenPhrase(
                        hot_word.text, tuple(len(phones) for phones in way)
                    )
        self._hot.refused = tuple(refused)
        if self._hot.phrases:
            decoder.add_lm(_HOT, model)

    def _warm(self) -> None:
        """Decode a second of noise, so that the first speaker does not wait for page faults."""
        noise = np.random.default_rng(0).normal(0, 500, SAMPLE_RATE).astype(np.int16)
        self.decoder.start_utt()
        self.decoder.process_raw(noise.tobytes())
        self.decoder.end_utt()
