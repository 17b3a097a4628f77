"""A worker: one engine and what runs batches on it, a process or some threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Protocol

from decoder import Capabilities, Engine, EngineUnavailable
from decoder.registry import EngineSpec
from rasr.scheduling.child_process import ChildProcess, WorkerDied
from rasr.scheduling.engine_host import Batch, EngineHost, StepResult, host_in_process


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
    """A process with an engine of its own, for engines that hold the GIL."""

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._process = ChildProcess("worker")

    @property
    def slots(self) -> int:
        """One batch at a time."""
        return 1

    @property
    def pid(self) -> int | None:
        """The id of the process; None before `start` and after `stop`."""
        return self._process.pid

    async def start(self, died: Callable[[], None]) -> Capabilities:
        """Start the process; returns when it has loaded the engine.

        Raises:
            DecoderError: the engine cannot be had; the text says why.
        """
        try:
            capabilities: Capabilities = await self._process.start(
                host_in_process, self._spec, died=died
            )
        except WorkerDied as error:
            raise EngineUnavailable(
                "a worker process died while it loaded the engine; is there enough memory? "
                '(a script that starts a server needs `if __name__ == "__main__":`)'
            ) from error
        return capabilities

    def run(self, batch: Batch, slot: int) -> Awaitable[list[StepResult]]:
        """Run one batch in the process.

        Raises:
            WorkerDied: the process has ended.
        """
        return self._process.ask(batch)

    def kill(self) -> None:
        """Kill the process, if there is one."""
        self._process.kill()

    def stop(self) -> None:
        """Kill the process, and let the threads end that waited for it."""
        self._process.stop()


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
