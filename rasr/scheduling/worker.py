"""The far side of a lane: one engine and its open streams, in a thread or a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from decoder import Capabilities, DecodeFailed, Engine, HotWord, Stream
from decoder.registry import EngineSpec, load
from rasr.scheduling.steps import Batch, Step, StepResult


@dataclass(frozen=True, slots=True)
class _Failure:
    sentence: str
    fault: str | None = None


class Worker:
    """Runs batches on one engine.

    Used by one thread at a time where the engine holds the GIL, else by several, each of which
    has other jobs in hand. Here every fault of an engine ends: it costs the utterance that caused
    it and no other.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._streams: dict[int, Stream] = {}

    def run(self, batch: Batch) -> list[StepResult]:
        """One result for each step, in their order."""
        for job in batch.discard:
            self._close(job)
        failures: dict[int, _Failure] = {}
        fed: list[Step] = []
        for step in batch.steps:
            try:
                self._feed(step)
                fed.append(step)
            except Exception as error:
                failures[step.job] = _failure(error)
        self._decode(fed, failures)
        return [self._result(step, failures.get(step.job)) for step in batch.steps]

    def _feed(self, step: Step) -> None:
        if step.opens:
            self._streams[step.job] = self._engine.open(step.hot_words)
        stream = self._streams[step.job]
        stream.accept(step.samples)
        if step.finishes:
            stream.finish(step.silence)

    def _decode(self, steps: Sequence[Step], failures: dict[int, _Failure]) -> None:
        ready = [step for step in steps if self._streams[step.job].ready]
        if not ready:
            return
        try:
            self._engine.decode([self._streams[step.job] for step in ready])
        except Exception as error:
            if len(ready) == 1:
                failures[ready[0].job] = _failure(error)
                return
            # One of them is guilty. Alone, each answers for itself.
            for step in ready:
                self._decode([step], failures)

    def _result(self, step: Step, failure: _Failure | None) -> StepResult:
        refused: tuple[HotWord, ...] = ()
        hypothesis = None
        if failure is None and step.opens and step.hot_words:
            refused = self._streams[step.job].refused_hot_words
        if failure is None and (step.wants_hypothesis or step.finishes):
            try:
                hypothesis = self._streams[step.job].hypothesis()
            except Exception as error:
                failure = _failure(error)
        if failure is not None:
            self._close(step.job)
            return StepResult(step.job, None, failure=failure.sentence, fault=failure.fault)
        if step.finishes:
            self._close(step.job)
        return StepResult(step.job, hypothesis, step.finishes, refused)

    def _close(self, job: int) -> None:
        stream = self._streams.pop(job, None)
        if stream is not None:
            stream.close()


def _failure(error: Exception) -> _Failure:
    if isinstance(error, DecodeFailed):
        return _Failure(str(error))
    # Its text may hold anything, so it is for the log and not for the client.
    return _Failure("the engine failed on this sound", traceback.format_exc(limit=-8))


# A worker process holds one worker. A process pool has no other place to keep state between calls.
_in_this_process: Worker | None = None


def start_in_process(spec: EngineSpec) -> tuple[int, Capabilities]:
    """Load the engine in this worker process; its process id and what the engine can do."""
    global _in_this_process
    # Ctrl-C reaches the whole group of processes; the server alone decides when work ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    engine = load(spec)
    _in_this_process = Worker(engine)
    return os.getpid(), engine.capabilities


def run_in_process(batch: Batch) -> list[StepResult]:
    assert _in_this_process is not None, "start_in_process comes first"
    return _in_this_process.run(batch)


def _die_with_parent() -> None:
    # A pool's queue has its writing end in the child too, so a killed server closes nothing.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
