"""An engine without a model, whose words are made of the audio itself.

Each 250 ms of audio that is not silent becomes a word, as if of a quick speaker, chosen by a hash
of its samples. So text depends on every sample: audio that is lost, doubled, reordered or cut
elsewhere shows in the text. It serves tests, load measurements and whoever writes a client; it
recognises nothing.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from decoder.engine import Capabilities, Findings, HotWord, Hypothesis, Samples, Stream, Word
from decoder.errors import DecodeFailed, EngineUnavailable
from decoder.languages import split_languages
from decoder.open_streams import OpenStreams

SAMPLE_RATES = (8000, 16000)
_BLOCKS_PER_SECOND = 4
_SILENCE = 64
"""Blocks whose samples are all smaller than this have no word."""
_SYLLABLES = ("ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve", "wi", "zo")

FAIL_SAMPLE = 32001
"""With `test_samples`, one sample of this value makes the decoding of its utterance fail."""
EXIT_SAMPLE = 32002
"""With `test_samples`, one sample of this value ends the process that decodes it."""
MEMORY_SAMPLE = 32003
"""With `test_samples`, one sample of this value is decoded as where there is no memory left."""


@dataclass(frozen=True, slots=True)
class FakeOptions:
    """Options of the engine."""

    streams: int = 256
    """Utterances open at the same time."""
    cost_ms_per_second: float = 0.0
    """CPU that a second of audio costs, in ms, spent in a loop."""
    test_samples: bool = False
    """Obey `FAIL_SAMPLE`, `EXIT_SAMPLE` and `MEMORY_SAMPLE`."""
    sample_rate: int = 16000
    """Hz that the engine works at. At 8000 it is adapted to 16 kHz by `decoder.registry.load`, as
    any engine of that rate, so that no sample of its audio has the value that a client sent."""
    prefix: str = ""
    """Each word begins with it, so that two such engines can be told apart."""
    word_times: bool = True
    """Without them it says that the times of its words are guessed, which they are not."""
    hot_words: bool = False
    """Know hot words: where an utterance has some, each of its words is one of them."""
    languages: str = ""
    """That it says it knows, as SIS properties begin, separated by commas; empty: it says nothing.
    """
    detected: str = ""
    """The language that it says it has found out, whatever it hears; empty: it finds none out."""


class FakeEngine:
    """An engine that makes up words, as the module's text says.

    Raises:
        EngineUnavailable: an option is out of its range.
    """

    def __init__(self, options: FakeOptions) -> None:
        if options.sample_rate not in SAMPLE_RATES:
            allowed = " or ".join(map(str, SAMPLE_RATES))
            raise EngineUnavailable(f"sample_rate is {options.sample_rate}; allowed: {allowed}")
        self._options = options
        self._block_samples = options.sample_rate // _BLOCKS_PER_SECOND
        self._open_streams = OpenStreams(options.streams)

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do."""
        return Capabilities(
            name="fake",
            languages=split_languages(self._options.languages),
            sample_rate=self._options.sample_rate,
            partials=True,
            word_times=self._options.word_times,
            hot_words=self._options.hot_words,
            max_batch=16,
            first_step_samples=self._block_samples,
            step_samples=self._block_samples,
            lookahead_samples=self._block_samples,
            detects_language=bool(self._options.detected),
        )

    def open(self, hot_words: Sequence[HotWord] = ()) -> FakeStream:
        """Start an utterance; as `Engine.open`."""
        if hot_words and not self._options.hot_words:
            raise DecodeFailed("the fake engine knows no hot words")
        self._open_streams.take()
        words = tuple(word.text for word in hot_words)
        return FakeStream(self._open_streams, self._block_samples, self._options, words)

    def decode(self, streams: Sequence[Stream]) -> None:
        """Work on streams of this engine; as `Engine.decode`."""
        for stream in streams:
            assert isinstance(stream, FakeStream), "a stream of another engine"
            stream.decode()


class FakeStream:
    """One utterance; its methods are those of `Stream`."""

    refused_hot_words: tuple[HotWord, ...] = ()

    def __init__(
        self,
        open_streams: OpenStreams,
        block_samples: int,
        options: FakeOptions,
        hot_words: tuple[str, ...],
    ) -> None:
        self._open_streams = open_streams
        self._hot_words = hot_words
        self._block_samples = block_samples
        self._options = options
        self._waiting: list[Samples] = []
        self._waiting_samples = 0
        self._at_sample = 0
        self._words: list[Word] = []
        self._finished = False
        self._closed = False

    def accept(self, samples: Samples) -> None:
        """Take the next samples."""
        assert not self._closed, "accept on a closed stream"
        assert not self._finished, "accept after finish"
        self._waiting.append(samples.copy())
        self._waiting_samples += len(samples)

    @property
    def ready(self) -> bool:
        """Whether a block is whole, or after `finish` any sample waits."""
        least = 1 if self._finished else self._block_samples
        return self._waiting_samples >= least

    def pause(self) -> None:
        """Nobody speaks just now. Of no use: it decodes as audio comes."""

    def finish(self, silence: int = 0) -> None:
        """No more samples will come; silence is of no account here."""
        assert not self._closed, "finish on a closed stream"
        self._finished = True

    def hypothesis(self) -> Hypothesis:
        """The words of the blocks decoded so far."""
        assert not self._closed, "hypothesis of a closed stream"
        words = tuple(self._words)
        confidence = sum(word.confidence for word in words) / max(len(words), 1)
        detected = self._options.detected
        findings = Findings(language=detected) if detected else None
        return Hypothesis(words, " ".join(word.text for word in words), confidence, findings)

    def close(self) -> None:
        """Give the stream back to the engine."""
        if not self._closed:
            self._closed = True
            self._waiting.clear()
            self._open_streams.give_back()

    def decode(self) -> None:
        """Turn the blocks that are whole, and after `finish` the rest, into words."""
        options = self._options
        audio, size = np.concatenate(self._waiting), self._block_samples
        if options.test_samples:
            _obey(audio)
        end = len(audio) if self._finished else len(audio) // size * size
        _burn(options.cost_ms_per_second * end / options.sample_rate / 1000)
        for start in range(0, end, size):
            self._add(audio[start : min(start + size, end)])
        self._waiting = [audio[end:]]
        self._waiting_samples = len(audio) - end

    def _add(self, block: Samples) -> None:
        start = self._at_sample
        self._at_sample += len(block)
        if np.abs(block.astype(np.int32)).max() < _SILENCE:
            return
        digest = hashlib.blake2b(block.tobytes(), digest_size=4).digest()
        text = "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[:3])
        if self._hot_words:
            text = self._hot_words[int.from_bytes(digest[:3]) % len(self._hot_words)]
        confidence = 0.5 + digest[3] / 512
        text, guessed = self._options.prefix + text, not self._options.word_times
        self._words.append(Word(text, start, self._at_sample, confidence, guessed))


def _obey(audio: Samples) -> None:
    if (audio == FAIL_SAMPLE).any():
        raise DecodeFailed("the audio asked for a failure")
    if (audio == EXIT_SAMPLE).any():
        os._exit(1)
    if (audio == MEMORY_SAMPLE).any():
        raise MemoryError


def _burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
