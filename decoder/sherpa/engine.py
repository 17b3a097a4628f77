"""The engine: one model, loaded once, for all threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from decoder.engine import Capabilities, HotWord, Stream, Writing
from decoder.errors import DecodeFailed
from decoder.open_streams import OpenStreams
from decoder.sherpa.chunking import Chunking
from decoder.sherpa.hot_words import spell
from decoder.sherpa.model import Model
from decoder.sherpa.options import SherpaOptions
from decoder.sherpa.preflight import examine, load_recognisers
from decoder.sherpa.recogniser import FOREIGN_ERRORS, Recogniser
from decoder.sherpa.stream import SherpaStream
from decoder.sherpa.transcript import Transcript, WordMaker

_MAX_BATCH = 16
"""Larger batches decode no more (measured: 8 streams at once 96, 16: 101, 32: 101)."""


class SherpaEngine:
    """One model. Threads may decode disjoint streams at the same time.

    What threads share is immutable, or sherpa-onnx's recogniser, which keeps all that changes in
    its streams; the count of open streams has a lock.
    """

    def __init__(self, options: SherpaOptions) -> None:
        """Examine the model in a child process, load it and warm it.

        Raises:
            EngineUnavailable: the model cannot be used; the text names file and cure.
        """
        options.check()
        self._options = options
        findings = examine(options)
        self._findings = findings
        self._model = findings.model
        self._chunking = findings.chunking
        self._maker = WordMaker(findings.vocabulary)
        self._recognisers = load_recognisers(options, findings)
        self._open_streams = OpenStreams(options.streams)
        for recogniser in self._loaded():
            self._warm(recogniser)

    @property
    def capabilities(self) -> Capabilities:
        """What the loaded model can do; threads may share it."""
        return Capabilities(
            name="sherpa-onnx",
            languages=self._model.languages,
            sample_rate=self._model.sample_rate,
            partials=True,
            word_times=self._model.word_times,
            hot_words=self._recognisers.biased is not None,
            max_batch=_MAX_BATCH,
            first_step_samples=self._chunking.window,
            step_samples=self._chunking.shift,
            # A step begins with each `shift` and looks at a window: a word that ends where a step
            # begins is decoded with the window after it.
            lookahead_samples=self._chunking.window,
            writing=Writing(
                punctuation=self._options.writes_marks,
                case=self._options.writes_marks and not self._findings.vocabulary.lower,
                digits=self._findings.vocabulary.digits,
            ),
        )

    @property
    def model(self) -> Model:
        """The model that is loaded."""
        return self._model

    @property
    def chunking(self) -> Chunking:
        """How much audio a step and an ending need."""
        return self._chunking

    def open(self, hot_words: Sequence[HotWord] = ()) -> SherpaStream:
        """Start an utterance.

        Raises:
            DecodeFailed: as many streams as the options allow are open, hot words are off, or
                sherpa-onnx fails.
        """
        if hot_words and self._recognisers.biased is None:
            raise DecodeFailed("hot words are off; set the option hot_words to true")
        self._open_streams.take()
        try:
            return self._stream(hot_words)
        except BaseException:
            self._open_streams.give_back()
            raise

    def _stream(self, hot_words: Sequence[HotWord]) -> SherpaStream:
        """A stream of the fast recogniser, unless there are hot words that it can spell."""
        recogniser, phrases = self._recognisers.fast, None
        refused: tuple[HotWord, ...] = ()
        if hot_words and self._recognisers.biased is not None:
            spelled = spell(hot_words, self._findings.hot_words, self._options.hot_word_boost)
            refused = spelled.refused
            if spelled.phrases:
                recogniser, phrases = self._recognisers.biased, spelled.phrases
        return SherpaStream(
            recogniser,
            self._chunking,
            self._model.sample_rate,
            self._transcript(),
            self._open_streams.give_back,
            phrases,
            refused,
        )

    def decode(self, streams: Sequence[Stream]) -> None:
        """Decode streams in one batch, until none of them is ready.

        A batch that fails is decoded again, each stream alone: one does not harm the others.

        Raises:
            DecodeFailed: at least one stream failed; the others are decoded.
        """
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

    def _transcript(self) -> Transcript:
        return Transcript(
            self._maker,
            sample_rate=self._model.sample_rate,
            time_scale=self._model.time_scale,
            delay_ms=self._model.emission_delay_ms or 0,
        )

    def _loaded(self) -> Iterator[Recogniser]:
        yield self._recognisers.fast
        if self._recognisers.biased is not None:
            yield self._recognisers.biased

    def _warm(self, recogniser: Recogniser) -> None:
        """Decode a second of noise, alone and in a full batch, so that nobody waits for memory."""
        noise = np.random.default_rng(0).normal(0, 500, self._model.sample_rate).astype(np.int16)
        for count in (1, _MAX_BATCH):
            streams = [
                SherpaStream(
                    recogniser,
                    self._chunking,
                    self._model.sample_rate,
                    self._transcript(),
                    lambda: None,
                )
                for _ in range(count)
            ]
            for stream in streams:
                stream.accept(noise)
                stream.finish()
            self.decode(streams)
            for stream in streams:
                stream.close()


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
    while going:
        _step_while_ready(recogniser, going)
        going = [stream for stream in going if stream.go_on()]
    for stream in streams:
        stream.rested()


def _step_while_ready(recogniser: Recogniser, streams: list[SherpaStream]) -> None:
    going = streams
    while True:
        # sherpa-onnx ends the process if a stream that is not ready is decoded: it has the last
        # word, and is asked only where a step is due.
        going = [
            stream for stream in going if stream.has_step and recogniser.is_ready(stream.native)
        ]
        if not going:
            return
        recogniser.decode_streams([stream.native for stream in going])
        for stream in going:
            stream.stepped()
