"""PocketSphinx: the default engine, because its package carries an English model.

A decoder holds the GIL, about 95 MB and takes half a second to load; it decodes one utterance at a
time. So an engine holds a number of decoders, loaded and warmed when it is made, and lends one to
each stream. The engine runs in a worker process (`decoder.registry`).

An utterance's result depends on its own sound alone: the front end is made anew for each one
(80 µs), and sound is handed on in blocks of one size however it came.

The cepstral mean is what tells the model how loud the speaker and how broad the channel is. The
model's own mean fits neither a microphone nor a telephone (on the bundled speech at 8 kHz: 47 %
word error rate with it, 1 % with a mean of the sound itself). So decoding begins with the mean of
the first 0.6 s, for early partials, and once more, from the start, with that of the first 2 s, or
of all if it ends sooner.

Passes: the tree search runs while sound comes; at the end `bestpath` searches the word lattice,
which also gives the posteriors that confidence is made of. `fwdflat`, a second search over all of
the sound, costs up to a second at the end and gains no accuracy. The table and its command are in
`docs/adr/0007-decoder-passes.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from decoder.engine import Capabilities, HotWord, Hypothesis, Samples, Stream, Word
from decoder.errors import DecodeFailed, EngineUnavailable

if TYPE_CHECKING:
    from decoder.cepstral_mean import CepstralMean

_Decoder = Any
"""A `pocketsphinx.Decoder`; the package has no types, and is imported only where it is loaded."""

SAMPLE_RATE = 16000
_FRAME_SAMPLES = 160
"""The front end makes 100 frames a second."""
_BLOCK_SAMPLES = 1600
_EARLY_SAMPLES = 6 * _BLOCK_SAMPLES
_SETTLED_SAMPLES = 20 * _BLOCK_SAMPLES
_FILLER = re.compile(r"<.*>|\[.*\]|\+\+.*\+\+")
"""Silence, sentence marks and noises, which are no words."""
_VARIANT = re.compile(r"\(\d+\)$")
"""Marks the second, third, … pronunciation in the dictionary: `the(2)`."""


@dataclass(frozen=True, slots=True)
class PocketSphinxOptions:
    """Options of the engine; those of PocketSphinx itself keep its names."""

    decoders: int = 2
    """Utterances decoded by turns; 95 MB each."""
    fwdflat: bool = False
    bestpath: bool = True
    maxhmmpf: int = 5000
    """Most states searched in a frame: bounds the cost of noisy speech."""


class PocketSphinxEngine:
    """Warm decoders for as many streams."""

    def __init__(self, options: PocketSphinxOptions) -> None:
        if options.decoders < 1:
            raise EngineUnavailable(f"decoders is {options.decoders}; allowed: 1 or more")
        self._options = options
        self._free = [_load(options) for _ in range(options.decoders)]
        for decoder in self._free:
            _warm(decoder)
        # Imported here, where the package is known to be installed.
        from decoder.cepstral_mean import CepstralMean

        self._mean = CepstralMean(SAMPLE_RATE)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name="pocketsphinx",
            languages=("english",),
            sample_rate=SAMPLE_RATE,
            partials=True,
            word_times=True,
            hot_words=False,
            max_batch=1,
            releases_gil=False,
        )

    def open(self, hot_words: Sequence[HotWord] = ()) -> PocketSphinxStream:
        if hot_words:
            raise DecodeFailed("PocketSphinx knows no hot words")
        if not self._free:
            raise DecodeFailed(f"all {self._options.decoders} decoders are in use")
        return PocketSphinxStream(self._free.pop(), self._mean, self._free)

    def decode(self, streams: Sequence[Stream]) -> None:
        for stream in streams:
            assert isinstance(stream, PocketSphinxStream), "a stream of another engine"
            stream.decode()


class PocketSphinxStream:
    """One utterance on a decoder that it gives back when it is closed."""

    refused_hot_words: tuple[HotWord, ...] = ()

    def __init__(self, decoder: _Decoder, mean: CepstralMean, home: list[_Decoder]) -> None:
        self._decoder = decoder
        self._mean = mean
        self._home = home
        self._waiting: list[Samples] = []
        self._waiting_samples = 0
        self._beginning: Samples = np.empty(0, np.int16)
        """All sound until the mean is settled."""
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
        assert not self._closed, "accept on a closed stream"
        assert not self._finished, "accept after finish"
        self._waiting.append(samples.copy())
        self._waiting_samples += len(samples)

    @property
    def ready(self) -> bool:
        if self._finished:
            return not self._ended
        return self._waiting_samples >= _BLOCK_SAMPLES

    def finish(self) -> None:
        assert not self._closed, "finish on a closed stream"
        self._finished = True

    def hypothesis(self) -> Hypothesis:
        assert not self._closed, "hypothesis of a closed stream"
        self._watched = True
        words = tuple(self._words())
        # The mean of the words' posteriors: the posterior of a long text as a whole is the product
        # of many numbers below one and says nothing to a person.
        confidence = sum(word.confidence for word in words) / max(len(words), 1)
        return Hypothesis(words, " ".join(word.text for word in words), confidence)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._waiting.clear()
        try:
            self._stop()
        finally:
            self._home.append(self._decoder)

    def decode(self) -> None:
        """Decode the blocks that are whole; after `finish` the rest too."""
        sound = np.concatenate([*self._waiting, np.empty(0, np.int16)])
        end = len(sound) if self._finished else len(sound) // _BLOCK_SAMPLES * _BLOCK_SAMPLES
        self._waiting = [sound[end:]]
        self._waiting_samples = len(sound) - end
        try:
            if self._settled:
                self._process(sound[:end])
            else:
                self._begin(sound[:end])
            if self._finished:
                self._ended = True
                self._stop()
        except RuntimeError as error:
            raise DecodeFailed("PocketSphinx failed on this utterance") from error

    def _begin(self, sound: Samples) -> None:
        """Decode while the mean is not settled: begin early, begin again when it is."""
        before = len(self._beginning)
        self._beginning = np.concatenate([self._beginning, sound])
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

    def _restart(self, sound: Samples) -> None:
        """Decode from the start, with the cepstral mean of `sound`."""
        self._stop()
        self._decoder.reinit_feat()
        mean = self._mean.of(sound)
        if mean is not None:
            self._decoder.set_cmn(mean)
        self._decoder.start_utt()
        self._running = True
        self._decoded_samples = 0

    def _process(self, sound: Samples) -> None:
        for start in range(0, len(sound), _BLOCK_SAMPLES):
            self._decoder.process_raw(sound[start : start + _BLOCK_SAMPLES].tobytes())
        self._decoded_samples += len(sound)

    def _stop(self) -> None:
        if self._running:
            self._running = False
            _end(self._decoder)

    def _words(self) -> Iterator[Word]:
        # Before the first sound the decoder still holds what somebody else said.
        if not self._decoded_samples or self._decoder.hyp() is None:
            return
        for segment in self._decoder.seg():
            if _FILLER.fullmatch(segment.word):
                continue
            yield Word(
                _VARIANT.sub("", segment.word).replace("_", " "),
                segment.start_frame * _FRAME_SAMPLES,
                min((segment.end_frame + 1) * _FRAME_SAMPLES, self._decoded_samples),
                # Without a lattice PocketSphinx says 1.0 for every word, which is no posterior.
                min(max(segment.prob, 0.0), 1.0) if self._ended else 0.0,
            )


def _load(options: PocketSphinxOptions) -> _Decoder:
    try:
        import pocketsphinx
    except ImportError as error:
        raise EngineUnavailable(
            "the package pocketsphinx is not installed; pip install pocketsphinx"
        ) from error
    try:
        return pocketsphinx.Decoder(
            loglevel="FATAL",
            samprate=SAMPLE_RATE,
            fwdflat=options.fwdflat,
            bestpath=options.bestpath,
            maxhmmpf=options.maxhmmpf,
        )
    except (RuntimeError, ValueError) as error:
        raise EngineUnavailable(
            f"PocketSphinx does not load its model ({error}); "
            "pip install --force-reinstall pocketsphinx"
        ) from error


def _warm(decoder: _Decoder) -> None:
    """Decode a second of noise, so that the first speaker does not wait for page faults."""
    noise = np.random.default_rng(0).normal(0, 500, SAMPLE_RATE).astype(np.int16)
    decoder.start_utt()
    decoder.process_raw(noise.tobytes())
    decoder.end_utt()


def _end(decoder: _Decoder) -> None:
    try:
        decoder.end_utt()
    except RuntimeError as error:
        raise DecodeFailed("PocketSphinx cannot end this utterance") from error
