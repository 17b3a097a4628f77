"""An engine without a model, whose words are made of the sound itself.

Each 250 ms of sound that is not silent becomes a word, as if of a quick speaker, chosen by a hash
of its samples. So text depends on every sample: sound that is lost, doubled, reordered or cut
elsewhere shows in the text. It serves tests, load measurements and whoever writes a client; it
recognises nothing.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from decoder.engine import Capabilities, HotWord, Hypothesis, Samples, Stream, Word
from decoder.errors import DecodeFailed

SAMPLE_RATE = 16000
_BLOCK_SAMPLES = SAMPLE_RATE // 4
_SILENCE = 64
"""Blocks whose samples are all smaller than this have no word."""
_SYLLABLES = ("ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su", "ta", "ve", "wi", "zo")

FAIL_SAMPLE = 32001
"""With `test_samples`, one sample of this value makes the decoding of its utterance fail."""
EXIT_SAMPLE = 32002
"""With `test_samples`, one sample of this value ends the process that decodes it."""


@dataclass(frozen=True, slots=True)
class FakeOptions:
    streams: int = 256
    """Utterances open at the same time."""
    cost_ms_per_second: float = 0.0
    """CPU that a second of sound costs, in ms, spent in a loop."""
    test_samples: bool = False
    """Obey `FAIL_SAMPLE` and `EXIT_SAMPLE`."""


class FakeEngine:
    """Makes up words. See the module's text."""

    def __init__(self, options: FakeOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._open_streams = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name="fake",
            languages=(),
            sample_rate=SAMPLE_RATE,
            partials=True,
            word_times=True,
            hot_words=False,
            max_batch=16,
            first_step_samples=_BLOCK_SAMPLES,
            step_samples=_BLOCK_SAMPLES,
            lookahead_samples=_BLOCK_SAMPLES,
        )

    def open(self, hot_words: Sequence[HotWord] = ()) -> FakeStream:
        if hot_words:
            raise DecodeFailed("the fake engine knows no hot words")
        with self._lock:
            if self._open_streams >= self._options.streams:
                raise DecodeFailed(
                    f"all {self._options.streams} streams of the fake engine are open"
                )
            self._open_streams += 1
        return FakeStream(self)

    def decode(self, streams: Sequence[Stream]) -> None:
        for stream in streams:
            assert isinstance(stream, FakeStream), "a stream of another engine"
            stream.decode(self._options)

    def returned(self) -> None:
        """A stream was closed."""
        with self._lock:
            self._open_streams -= 1


class FakeStream:
    refused_hot_words: tuple[HotWord, ...] = ()

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self._waiting: list[Samples] = []
        self._waiting_samples = 0
        self._at_sample = 0
        self._words: list[Word] = []
        self._finished = False
        self._closed = False

    def accept(self, samples: Samples) -> None:
        assert not self._closed, "accept on a closed stream"
        assert not self._finished, "accept after finish"
        self._waiting.append(samples.copy())
        self._waiting_samples += len(samples)

    @property
    def ready(self) -> bool:
        least = 1 if self._finished else _BLOCK_SAMPLES
        return self._waiting_samples >= least

    def finish(self, silence: int = 0) -> None:
        assert not self._closed, "finish on a closed stream"
        self._finished = True

    def hypothesis(self) -> Hypothesis:
        assert not self._closed, "hypothesis of a closed stream"
        words = tuple(self._words)
        confidence = sum(word.confidence for word in words) / max(len(words), 1)
        return Hypothesis(words, " ".join(word.text for word in words), confidence)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._waiting.clear()
            self._engine.returned()

    def decode(self, options: FakeOptions) -> None:
        """Turn the blocks that are whole, and after `finish` the rest, into words."""
        sound = np.concatenate(self._waiting)
        if options.test_samples:
            _obey(sound)
        end = len(sound) if self._finished else len(sound) // _BLOCK_SAMPLES * _BLOCK_SAMPLES
        _burn(options.cost_ms_per_second * end / SAMPLE_RATE / 1000)
        for start in range(0, end, _BLOCK_SAMPLES):
            self._add(sound[start : min(start + _BLOCK_SAMPLES, end)])
        self._waiting = [sound[end:]]
        self._waiting_samples = len(sound) - end

    def _add(self, block: Samples) -> None:
        start = self._at_sample
        self._at_sample += len(block)
        if np.abs(block.astype(np.int32)).max() < _SILENCE:
            return
        digest = hashlib.blake2b(block.tobytes(), digest_size=4).digest()
        text = "".join(_SYLLABLES[byte % len(_SYLLABLES)] for byte in digest[:3])
        confidence = 0.5 + digest[3] / 512
        self._words.append(Word(text, start, self._at_sample, confidence))


def _obey(sound: Samples) -> None:
    if (sound == FAIL_SAMPLE).any():
        raise DecodeFailed("the sound asked for a failure")
    if (sound == EXIT_SAMPLE).any():
        os._exit(1)


def _burn(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
