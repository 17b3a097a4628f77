"""The engine: one model, loaded once, for all threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from decoder.engine import Capabilities, HotWord, Hypothesis, Stream
from decoder.errors import DecodeFailed
from decoder.sherpa.model import Model, read_model
from decoder.sherpa.options import SherpaOptions
from decoder.sherpa.pace import Pace, measure_pace
from decoder.sherpa.recogniser import (
    FOREIGN_ERRORS,
    NativeResult,
    Recogniser,
    load_recogniser,
)
from decoder.sherpa.stream import SherpaStream
from decoder.sherpa.vocabulary import Vocabulary
from decoder.sherpa.words import TokenTimes, assemble, timed

_MAX_BATCH = 16
"""Larger batches decode no more (measured: 8 streams at once 96, 16: 101, 32: 101)."""


class SherpaEngine:
    """One model. Threads may decode disjoint streams at the same time.

    What threads share is immutable, or sherpa-onnx's recogniser, which keeps all that changes in
    its streams; the count of open streams has a lock.
    """

    def __init__(self, options: SherpaOptions) -> None:
        """
        Raises:
            EngineUnavailable: the model cannot be used; the text names file and cure.
        """
        options.check()
        self._options = options
        self._model, self._vocabulary = read_model(options)
        self._recogniser = load_recogniser(self._model)
        self._pace = measure_pace(self._recogniser, self._model)
        self._open_streams = 0
        self._lock = threading.Lock()
        self._warm(self._recogniser)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            name="sherpa-onnx",
            languages=self._model.languages,
            sample_rate=self._model.sample_rate,
            partials=True,
            word_times=self._model.word_times,
            hot_words=False,
            max_batch=_MAX_BATCH,
            releases_gil=True,
        )

    @property
    def model(self) -> Model:
        return self._model

    @property
    def pace(self) -> Pace:
        """How much sound a step and an ending need."""
        return self._pace

    def open(self, hot_words: Sequence[HotWord] = ()) -> SherpaStream:
        if hot_words:
            raise DecodeFailed("this model knows no hot words")
        with self._lock:
            if self._open_streams >= self._options.streams:
                raise DecodeFailed(f"all {self._options.streams} streams of the engine are open")
            self._open_streams += 1
        try:
            return SherpaStream(
                self._recogniser,
                self._pace,
                self._model.sample_rate,
                self._read,
                self._returned,
            )
        except BaseException:
            self._returned()
            raise

    def decode(self, streams: Sequence[Stream]) -> None:
        mine: list[SherpaStream] = []
        for stream in streams:
            assert isinstance(stream, SherpaStream), "a stream of another engine"
            mine.append(stream)
        failed = [stream for stream in mine if not _fed(stream)]
        fed = [stream for stream in mine if stream not in failed]
        for recogniser in {id(stream.recogniser): stream.recogniser for stream in fed}.values():
            batch = [stream for stream in fed if stream.recogniser is recogniser]
            failed += _decode(recogniser, batch)
        if failed:
            raise DecodeFailed(f"sherpa-onnx failed on {len(failed)} of {len(mine)} utterances")

    def _read(self, result: NativeResult, samples: int) -> Hypothesis:
        return read_result(result, samples, self._model, self._vocabulary)

    def _returned(self) -> None:
        with self._lock:
            self._open_streams -= 1

    def _warm(self, recogniser: Recogniser) -> None:
        """Decode a second of noise, alone and in a full batch, so that nobody waits for memory."""
        noise = np.random.default_rng(0).normal(0, 500, self._model.sample_rate).astype(np.int16)
        for count in (1, _MAX_BATCH):
            streams = [
                SherpaStream(
                    recogniser, self._pace, self._model.sample_rate, self._read, lambda: None
                )
                for _ in range(count)
            ]
            for stream in streams:
                stream.accept(noise)
                stream.finish()
            self.decode(streams)
            for stream in streams:
                stream.close()


def read_result(
    result: NativeResult, samples: int, model: Model, vocabulary: Vocabulary
) -> Hypothesis:
    """What a recogniser says, as words inside `samples` of sound."""
    tokens = result.tokens
    seconds = [second * model.time_scale for second in result.timestamps]
    said = TokenTimes(tokens, seconds, result.ys_probs)
    return timed(
        assemble(tokens, vocabulary.style, lower=vocabulary.lower),
        said,
        sample_rate=model.sample_rate,
        delay_ms=model.emission_delay_ms,
        samples=samples,
    )


def _fed(stream: SherpaStream) -> bool:
    try:
        stream.feed()
    except DecodeFailed:
        return False
    return True


def _decode(recogniser: Recogniser, streams: list[SherpaStream]) -> list[SherpaStream]:
    """Decode streams of one recogniser to their rest; those that failed come back."""
    try:
        _step_all(recogniser, streams)
    except FOREIGN_ERRORS:
        # The batch took the states of all its streams along. Alone, each answers for itself.
        return [stream for stream in streams if not _decoded_anew(recogniser, stream)]
    return []


def _decoded_anew(recogniser: Recogniser, stream: SherpaStream) -> bool:
    try:
        stream.restart()
        stream.feed()
        _step_all(recogniser, [stream])
    except (*FOREIGN_ERRORS, DecodeFailed):
        stream.fail()
        return False
    return True


def _step_all(recogniser: Recogniser, streams: list[SherpaStream]) -> None:
    going = streams
    while True:
        # sherpa-onnx ends the process if a stream that is not ready is decoded: it has the last
        # word, and is asked only where a step is due.
        going = [
            stream for stream in going if stream.has_step and recogniser.is_ready(stream.native)
        ]
        if not going:
            break
        recogniser.decode_streams([stream.native for stream in going])
        for stream in going:
            stream.stepped()
    for stream in streams:
        stream.rested()
