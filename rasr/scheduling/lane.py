"""A lane: one engine and what runs batches on it, a worker process or some threads."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Protocol, TypeVar

from decoder import Capabilities, Engine, EngineUnavailable
from decoder.registry import EngineSpec
from rasr.scheduling.steps import Batch, StepResult
from rasr.scheduling.worker import Worker, run_in_process, start_in_process

_A = TypeVar("_A")
_R = TypeVar("_R")


class Lane(Protocol):
    """Where batches run. `start` comes first; after a failed `run`, `start` begins anew."""

    @property
    def calls(self) -> int:
        """Batches that may be run at the same time."""

    async def start(self) -> Capabilities:
        """Load what is needed and warm it up.

        Raises:
            DecoderError: the engine cannot be had; the text says why.
        """

    def run(self, batch: Batch, call: int) -> Awaitable[list[StepResult]]:
        """Run one batch; no other batch in hand has a job of this one, or is of this call.

        Args:
            call: which of the `calls`, from 0. The state of a stream is best at hand for the call
                that decoded it last.

        Raises:
            BrokenExecutor: the worker died. All its streams are lost.
        """

    def kill(self) -> None:
        """End a batch that does not come back, if that can be done: `run` then raises."""

    def stop(self) -> None:
        """Give everything back. Does not wait."""


class ProcessLane:
    """A worker process with an engine of its own, for engines that hold the GIL.

    An executor with one worker gives what is wanted of a process: calls in order, results,
    exceptions, and a broken state when it dies.
    """

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._executor: Executor | None = None
        self._pid: int | None = None

    @property
    def calls(self) -> int:
        return 1

    @property
    def pid(self) -> int | None:
        """Of the worker process, once it runs."""
        return self._pid

    async def start(self) -> Capabilities:
        self.stop()
        # spawn: the server has threads, and a fork would copy their locks as they stand.
        self._executor = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        try:
            self._pid, capabilities = await self._call(start_in_process, self._spec)
        except BrokenExecutor as error:
            raise EngineUnavailable(
                "a worker process died while it loaded the engine; is there enough memory? "
                '(a script that starts a server needs `if __name__ == "__main__":`)'
            ) from error
        return capabilities

    def run(self, batch: Batch, call: int) -> Awaitable[list[StepResult]]:
        return self._call(run_in_process, batch)

    def kill(self) -> None:
        if self._pid is not None:
            try:
                os.kill(self._pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self) -> None:
        self._pid = None
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    def _call(self, function: Callable[[_A], _R], argument: _A) -> Awaitable[_R]:
        return asyncio.get_running_loop().run_in_executor(self._executor, function, argument)


class ThreadLane:
    """Threads of this process that share one engine, for engines that release the GIL.

    A call is a thread: memory that one thread takes and another gives back costs both.
    """

    def __init__(self, load: Callable[[], Engine], threads: int) -> None:
        self._load = load
        self._threads = threads
        self._executors: list[Executor] = []
        self._worker: Worker | None = None

    @property
    def calls(self) -> int:
        return self._threads

    async def start(self) -> Capabilities:
        self.stop()
        self._executors = [
            ThreadPoolExecutor(1, thread_name_prefix=f"decode-{call}")
            for call in range(self._threads)
        ]
        engine = await asyncio.get_running_loop().run_in_executor(self._executors[0], self._load)
        self._worker = Worker(engine)
        return engine.capabilities

    def run(self, batch: Batch, call: int) -> Awaitable[list[StepResult]]:
        assert self._worker is not None, "start comes first"
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._executors[call], self._worker.run, batch)

    def kill(self) -> None:
        """A thread cannot be killed; the batch is waited for."""

    def stop(self) -> None:
        self._worker = None
        for executor in self._executors:
            executor.shutdown(wait=False, cancel_futures=True)
        self._executors.clear()
