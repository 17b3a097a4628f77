"""A worker: one engine and what runs batches on it, a process or some threads."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Protocol

from decoder import Capabilities, DecoderError, Engine, EngineUnavailable
from decoder.registry import EngineSpec
from rasr.scheduling.engine_host import Batch, EngineHost, StepResult, host_in_process


class WorkerDied(Exception):
    """The process of a worker has ended. All its streams are lost."""


class Worker(Protocol):
    """Where batches run. `start` comes first; after a failed `run`, `start` begins anew."""

    @property
    def slots(self) -> int:
        """Batches that may be run at the same time."""

    async def start(self, died: Callable[[], None]) -> Capabilities:
        """Load what is needed and warm it up.

        Args:
            died: called on the event loop if the worker dies of itself, whether it is idle or not.

        Raises:
            DecoderError: the engine cannot be had; the text says why.
        """

    def run(self, batch: Batch, slot: int) -> Awaitable[list[StepResult]]:
        """Run one batch; no other batch in hand has a stream of this one, or is of this slot.

        Args:
            slot: which of the `slots`, from 0. The state of a stream is best at hand for the slot
                that decoded it last.

        Raises:
            WorkerDied: all its streams are lost.
        """

    def kill(self) -> None:
        """End a batch that does not come back, if that can be done: `run` then raises."""

    def stop(self) -> None:
        """Give everything back, whatever state the worker is in. Does not wait."""


class ProcessWorker:
    """A process with an engine of its own, for engines that hold the GIL.

    A thread of the server hands batches over and waits for the results; another one waits for the
    end of the process. Neither waits for ever, because a process is always ended by killing it:
    it has nothing to clean up, and one that is stopped or that hangs would do nothing else.
    """

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._thread: Executor | None = None

    @property
    def slots(self) -> int:
        """One batch at a time."""
        return 1

    @property
    def pid(self) -> int | None:
        """The id of the process; None before `start` and after `stop`."""
        return None if self._process is None else self._process.pid

    async def start(self, died: Callable[[], None]) -> Capabilities:
        """Start the process; returns when it has loaded the engine.

        Raises:
            DecoderError: the engine cannot be had; the text says why.
        """
        self.stop()
        loop = asyncio.get_running_loop()
        # spawn: the server has threads, and a fork would copy their locks as they stand.
        context = multiprocessing.get_context("spawn")
        near_end, far_end = context.Pipe()
        process = context.Process(
            target=host_in_process, args=(far_end, self._spec), name="worker", daemon=True
        )
        process.start()
        # Else the connection would not end with the process.
        far_end.close()
        self._process, self._connection = process, near_end
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="worker")
        try:
            capabilities = await loop.run_in_executor(self._thread, _hello, near_end)
        except WorkerDied as error:
            raise EngineUnavailable(
                "a worker process died while it loaded the engine; is there enough memory? "
                '(a script that starts a server needs `if __name__ == "__main__":`)'
            ) from error

        def tell() -> None:
            if self._process is process:
                died()

        threading.Thread(
            target=_wait_for_the_end, args=(process, loop, tell), name="worker-end", daemon=True
        ).start()
        return capabilities

    def run(self, batch: Batch, slot: int) -> Awaitable[list[StepResult]]:
        """Run one batch in the process.

        Raises:
            WorkerDied: the process has ended.
        """
        if self._connection is None:
            raise WorkerDied("the worker has been stopped")
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._thread, _exchange, self._connection, batch)

    def kill(self) -> None:
        """Kill the process, if there is one."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """Kill the process, and let the threads end that waited for it."""
        self.kill()
        if self._thread is not None and self._connection is not None:
            # In the thread that may be using it: it is free once the process is gone.
            self._thread.submit(self._connection.close)
            self._thread.shutdown(wait=False)
        self._process = self._connection = self._thread = None


def _hello(connection: Connection) -> Capabilities:
    """What the process says once it has loaded the engine."""
    try:
        answer: Capabilities | DecoderError = connection.recv()
    except (EOFError, OSError) as error:
        raise WorkerDied from error
    if isinstance(answer, DecoderError):
        raise answer
    return answer


def _exchange(connection: Connection, batch: Batch) -> list[StepResult]:
    try:
        connection.send(batch)
        results: list[StepResult] = connection.recv()
    except (EOFError, OSError) as error:
        raise WorkerDied from error
    return results


def _wait_for_the_end(
    process: BaseProcess, loop: asyncio.AbstractEventLoop, tell: Callable[[], None]
) -> None:
    process.join()
    try:
        loop.call_soon_threadsafe(tell)
    except RuntimeError:
        pass  # The loop is closed, and nobody is left to be told.


class ThreadWorker:
    """Threads of this process that share one engine, for engines that release the GIL.

    A slot is a thread: memory that one thread takes and another gives back costs both.
    """

    def __init__(self, load: Callable[[], Engine], threads: int) -> None:
        self._load = load
        self._threads = threads
        self._executors: list[Executor] = []
        self._host: EngineHost | None = None

    @property
    def slots(self) -> int:
        """As many batches at a time as there are threads."""
        return self._threads

    async def start(self, died: Callable[[], None]) -> Capabilities:
        """Load the engine in one of the threads. Threads do not die, so `died` is never called.

        Raises:
            DecoderError: the engine cannot be had; the text says why.
        """
        self.stop()
        self._executors = [
            ThreadPoolExecutor(1, thread_name_prefix=f"decode-{slot}")
            for slot in range(self._threads)
        ]
        engine = await asyncio.get_running_loop().run_in_executor(self._executors[0], self._load)
        self._host = EngineHost(engine)
        return engine.capabilities

    def run(self, batch: Batch, slot: int) -> Awaitable[list[StepResult]]:
        """Run one batch in the thread of this slot.

        Raises:
            WorkerDied: the worker has been stopped.
        """
        if self._host is None:
            raise WorkerDied("the worker has been stopped")
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._executors[slot], self._host.run, batch)

    def kill(self) -> None:
        """A thread cannot be killed; the batch is waited for."""

    def stop(self) -> None:
        """Forget the engine. A batch in hand is decoded to its end, and its result is lost."""
        self._host = None
        for executor in self._executors:
            executor.shutdown(wait=False, cancel_futures=True)
        self._executors.clear()
