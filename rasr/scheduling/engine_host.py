"""The far side of a worker: one engine and its open streams, in a thread or a process of its own.

`Step`, `Batch` and `StepResult` travel between the scheduler and an engine host: plain values that
pickle.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from decoder import Capabilities, DecodeFailed, Engine, HotWord, Hypothesis, Stream
from decoder.engine import Samples
from decoder.registry import EngineSpec, load
from rasr.scheduling.child_process import answer_questions


@dataclass(frozen=True, slots=True)
class Step:
    """The next piece of work on one utterance."""

    stream: int
    samples: Samples
    opens: bool
    """True for the first step: the host opens a stream."""
    finishes: bool
    """True for the last step: the hypothesis that comes back is final."""
    wants_hypothesis: bool
    hot_words: tuple[HotWord, ...] = ()
    silence: int = 0
    """Of the last step: samples at the end of the utterance that hold no speech."""
    pauses: bool = False
    """Nobody speaks behind the samples, as far as is known."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a host does in one go."""

    steps: tuple[Step, ...]
    discard: tuple[int, ...] = ()
    """Streams that are no longer wanted."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """What came of one step."""

    stream: int
    hypothesis: Hypothesis | None
    """None where none was wanted, or where the step failed."""
    final: bool = False
    refused_hot_words: tuple[HotWord, ...] = ()
    """Those that the engine cannot prefer; told once for each stream."""
    failure: str | None = None
    """A sentence for the client; the stream is closed then."""
    fault: str | None = None
    """For the log, where the engine failed in a way that it should not: a traceback."""

    @property
    def last(self) -> bool:
        """True if the host has closed the stream."""
        return self.final or self.failure is not None


@dataclass(frozen=True, slots=True)
class _Failure:
    sentence: str
    fault: str | None = None


@dataclass(slots=True)
class _Open:
    """One open stream."""

    stream: Stream
    asks: bool
    """It has hot words of which none has been refused yet: an engine that reads whole utterances
    looks at them when it reads first."""
    told: Hypothesis | None = None
    """Of an engine that reads anew: what was told last."""


class EngineHost:
    """Runs batches on one engine.

    It is used by one thread at a time where the engine holds the GIL, else by several, each of
    which has other streams in hand. Here every fault of an engine ends: it costs the utterance that
    caused it and no other. Want of memory alone is not the utterance's: what an engine does after
    it nobody knows, and whoever runs the host has to begin anew.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._streams: dict[int, _Open] = {}
        self._rereads = engine.capabilities.rereads

    def run(self, batch: Batch) -> list[StepResult]:
        """One result for each step, in their order.

        Raises:
            MemoryError: the host must not be used again.
        """
        for stream in batch.discard:
            self._close(stream)
        failures: dict[int, _Failure] = {}
        fed: list[Step] = []
        for step in batch.steps:
            try:
                self._feed(step)
                fed.append(step)
            except MemoryError:
                raise
            except Exception as error:
                failures[step.stream] = _failure(error)
        self._decode(fed, failures)
        return [self._result(step, failures.get(step.stream)) for step in batch.steps]

    def _feed(self, step: Step) -> None:
        if step.opens:
            stream = self._engine.open(step.hot_words)
            self._streams[step.stream] = _Open(stream, asks=bool(step.hot_words))
        stream = self._streams[step.stream].stream
        stream.accept(step.samples)
        if step.pauses:
            stream.pause()
        if step.finishes:
            stream.finish(step.silence)

    def _decode(self, steps: Sequence[Step], failures: dict[int, _Failure]) -> None:
        ready = [step for step in steps if self._streams[step.stream].stream.ready]
        if not ready:
            return
        try:
            self._engine.decode([self._streams[step.stream].stream for step in ready])
        except MemoryError:
            raise
        except Exception as error:
            if len(ready) == 1:
                failures[ready[0].stream] = _failure(error)
                return
            # One of them is guilty. Alone, each answers for itself.
            for step in ready:
                self._decode([step], failures)

    def _result(self, step: Step, failure: _Failure | None) -> StepResult:
        refused: tuple[HotWord, ...] = ()
        hypothesis = None
        if failure is None and (opened := self._streams[step.stream]).asks:
            refused = opened.stream.refused_hot_words
            opened.asks = not refused
        if failure is None and (step.wants_hypothesis or step.finishes):
            try:
                hypothesis = self._news(step)
            except MemoryError:
                raise
            except Exception as error:
                failure = _failure(error)
        if failure is not None:
            self._close(step.stream)
            return StepResult(step.stream, None, failure=failure.sentence, fault=failure.fault)
        if step.finishes:
            self._close(step.stream)
        return StepResult(step.stream, hypothesis, step.finishes, refused)

    def _news(self, step: Step) -> Hypothesis | None:
        """What is to be told after a step; None where the utterance was not read anew."""
        opened = self._streams[step.stream]
        hypothesis = opened.stream.hypothesis()
        if self._rereads and not step.finishes:
            if opened.told is hypothesis:
                return None
            opened.told = hypothesis
        return hypothesis

    def _close(self, number: int) -> None:
        opened = self._streams.pop(number, None)
        if opened is not None:
            opened.stream.close()


def _failure(error: Exception) -> _Failure:
    if isinstance(error, DecodeFailed):
        return _Failure(str(error))
    # Its text may hold anything, so it is for the log and not for the client.
    return _Failure("the engine failed on this sound", traceback.format_exc(limit=-8))


def host_in_process(connection: Connection, spec: EngineSpec) -> None:
    """The work of a worker process: load an engine, then answer each batch with its results.

    First comes what the engine can do, or the error that says why it cannot be had.
    """

    def load_host() -> tuple[Capabilities, Callable[[Batch], list[StepResult]]]:
        engine = load(spec)
        return engine.capabilities, EngineHost(engine).run

    answer_questions(connection, load_host)
