"""One utterance on a decoder that is lent for it.

An utterance's result depends on its own audio alone: the front end is made anew for each one
(80 µs), and audio is handed on in blocks of one size however it came.

The cepstral mean is what tells the model how loud the speaker and how broad the channel is. The
model's own mean fits neither a microphone nor a telephone (on the bundled speech at 8 kHz: 47 %
word error rate with it, 1 % with a mean of the audio itself). So decoding begins with the mean of
the first 0.6 s, for early partials, and once more, from the start, with that of the first 2 s, or
of all if it ends sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pocketsphinx

from decoder.engine import HotWord, Hypothesis, Samples, Word
from decoder.errors import DecodeFailed
from decoder.pocketsphinx.cepstral_mean import CepstralMean
from decoder.pocketsphinx.library import FRAME_SAMPLES, word_of
from decoder.pocketsphinx.wrapper import SphinxDecoder, SpokenPhrase

BLOCK_SAMPLES = 1600
_EARLY_SAMPLES = 6 * BLOCK_SAMPLES
_SETTLED_SAMPLES = 20 * BLOCK_SAMPLES


class PocketSphinxStream:
    """One utterance on a decoder that it gives back when it is closed."""

    def __init__(
        self,
        wrapper: SphinxDecoder,
        mean: CepstralMean,
        refused_hot_words: tuple[HotWord, ...],
        give_back: Callable[[SphinxDecoder], None],
    ) -> None:
        self._wrapper = wrapper
        self._decoder = wrapper.decoder
        self._mean = mean
        self._give_back = give_back
        self.refused_hot_words = refused_hot_words
        self._waiting: list[Samples] = []
        self._waiting_samples = 0
        self._beginning: Samples = np.empty(0, np.int16)
        """All audio until the mean is settled."""
        self._settled = False
        self._watched = False
        """True once somebody asked for a hypothesis: only then is an early one worth its cost."""
        self._running = False
        """True between the decoder's `start_utt` and `end_utt`."""
        self._decoded_samples = 0
        self._finished = False
        self._ended = False
        self._closed = False

    def accept(self, samples: Samples) -> None:
        """Take the next samples, shape (n,), int16, 16 kHz. The array is copied."""
        assert not self._closed, "accept on a closed stream"
        assert not self._finished, "accept after finish"
        self._waiting.append(samples.copy())
        self._waiting_samples += len(samples)

    @property
    def ready(self) -> bool:
        """True if a whole block waits; after `finish`, until the rest was decoded."""
        if self._finished:
            return not self._ended
        return self._waiting_samples >= BLOCK_SAMPLES

    def pause(self) -> None:
        """Nobody speaks just now. Of no use: PocketSphinx decodes as audio comes."""

    def finish(self, silence: int = 0) -> None:
        """No more samples will come. All of them are decoded, `silence` too."""
        assert not self._closed, "finish on a closed stream"
        self._finished = True

    def hypothesis(self) -> Hypothesis:
        """The best words so far. Confidences are 0.0 until the utterance has ended, and always
        without the search of the word lattice (option bestpath)."""
        assert not self._closed, "hypothesis of a closed stream"
        self._watched = True
        words = tuple(self._words())
        # The mean of the words' posteriors: the posterior of a long text as a whole is the product
        # of many numbers below one and says nothing to a person.
        confidence = sum(word.confidence for word in words) / max(len(words), 1)
        return Hypothesis(words, " ".join(word.text for word in words), confidence)

    def close(self) -> None:
        """Give the decoder back to the engine; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._waiting.clear()
        try:
            self._stop()
        finally:
            self._give_back(self._wrapper)

    def decode(self) -> None:
        """Decode the blocks that are whole; after `finish` the rest too."""
        audio = np.concatenate([*self._waiting, np.empty(0, np.int16)])
        end = len(audio) if self._finished else len(audio) // BLOCK_SAMPLES * BLOCK_SAMPLES
        self._waiting = [audio[end:]]
        self._waiting_samples = len(audio) - end
        try:
            if self._settled:
                self._process(audio[:end])
            else:
                self._begin(audio[:end])
            if self._finished:
                self._ended = True
                self._stop()
        except RuntimeError as error:
            raise DecodeFailed("PocketSphinx failed on this utterance") from error

    def _begin(self, audio: Samples) -> None:
        """Decode while the mean is not settled: begin early, begin again when it is."""
        before = len(self._beginning)
        self._beginning = np.concatenate([self._beginning, audio])
        length = len(self._beginning)
        if length >= _SETTLED_SAMPLES or self._finished:
            self._restart(self._beginning[:_SETTLED_SAMPLES])
            self._process(self._beginning)
            self._beginning = np.empty(0, np.int16)
            self._settled = True
        elif self._running:
            self._process(self._beginning[before:])
        elif self._watched and length >= _EARLY_SAMPLES:
            self._restart(self._beginning[:_EARLY_SAMPLES])
            self._process(self._beginning)

    def _restart(self, audio: Samples) -> None:
        """Decode from the start, with the cepstral mean of `audio`."""
        self._stop()
        self._decoder.reinit_feat()
        mean = self._mean.of(audio)
        if mean is not None:
            self._decoder.set_cmn(mean)
        self._decoder.start_utt()
        self._running = True
        self._decoded_samples = 0

    def _process(self, audio: Samples) -> None:
        for start in range(0, len(audio), BLOCK_SAMPLES):
            self._decoder.process_raw(audio[start : start + BLOCK_SAMPLES].tobytes())
        self._decoded_samples += len(audio)

    def _stop(self) -> None:
        if self._running:
            self._running = False
            _end(self._decoder)

    def _words(self) -> Iterator[Word]:
        # Before the first audio the decoder still holds what somebody else said.
        if not self._decoded_samples or self._decoder.hyp() is None:
            return
        for segment in self._decoder.seg():
            name = word_of(segment.word)
            if name is None:
                continue
            start = segment.start_frame * FRAME_SAMPLES
            end = min((segment.end_frame + 1) * FRAME_SAMPLES, self._decoded_samples)
            # Before the end PocketSphinx says 1.0 of every word, which is no posterior.
            known = self._ended and self._wrapper.has_posteriors
            confidence = min(max(segment.prob, 0.0), 1.0) if known else 0.0
            phrase = self._wrapper.phrases.get(name)
            if phrase is None:
                yield Word(name.replace("_", " "), start, end, confidence)
            else:
                yield from _spread(phrase, start, end, confidence)


def _spread(phrase: SpokenPhrase, start: int, end: int, confidence: float) -> Iterator[Word]:
    """The words of a hot phrase; PocketSphinx knows the time of the whole only.

    Each has the share of its phones, which is right to some tens of milliseconds.
    """
    words = phrase.text.split()
    if len(words) != len(phrase.phones):
        # Written with hyphens or the like: one word to whoever asked for it.
        yield Word(phrase.text, start, end, confidence)
        return
    total, before = sum(phrase.phones), 0
    for text, phones in zip(words, phrase.phones, strict=True):
        at = start + (end - start) * before // total
        before += phones
        yield Word(text, at, start + (end - start) * before // total, confidence)


def _end(decoder: pocketsphinx.Decoder) -> None:
    try:
        decoder.end_utt()
    except RuntimeError as error:
        raise DecodeFailed("PocketSphinx cannot end this utterance") from error
