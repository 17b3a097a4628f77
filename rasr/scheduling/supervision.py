"""Keeping a worker running: its death is noticed however it comes, and it is started anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from decoder import Capabilities, DecoderError, EngineUnavailable
from rasr.scheduling.child_process import WorkerDied
from rasr.scheduling.engine_host import Batch, StepResult
from rasr.scheduling.statistics import EngineStatistics
from rasr.scheduling.worker import Worker
from rasr.tasks import EndedUnasked, awaited, was_asked_to_end

_log = structlog.get_logger("rasr.scheduling")

_LOADING_FACTOR = 4
"""A replacement may take so many times what the first start took: others decode meanwhile."""


class WorkerUser(Protocol):
    """Who is told what happens to a worker."""

    def worker_lost(self) -> None:
        """All streams of the worker are lost. It is being started anew."""

    def worker_replaced(self) -> None:
        """The worker takes batches again."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A batch that a worker has been given."""

    results: asyncio.Future[list[StepResult]]
    steps: int
    life: int
    """Which of the worker's lives: the same worker may be lost and replaced meanwhile."""


class SupervisedWorker:
    """Runs batches on a worker, and replaces it when it dies, hangs or fails.

    Faults of our own are treated as the death of the worker: they are logged with their traceback,
    counted, and what it had in hand is decoded anew.
    """

    def __init__(
        self,
        number: int,
        worker: Worker,
        statistics: EngineStatistics,
        *,
        step_timeout_s: float,
        load_timeout_s: float,
        restart_delay_s: float,
        clock: Callable[[], float],
    ) -> None:
        """
        Args:
            number: names it in the log.
            step_timeout_s: a batch that takes longer has hung; so has a replacement that does not
                come up in that time, or in four times that of the first start if that is longer.
            load_timeout_s: the first start takes no longer.
            restart_delay_s: between two attempts to start a replacement.
        """
        self.number = number
        self.worker = worker
        self.up = False
        """True while the worker takes batches."""
        self._statistics = statistics
        self._step_timeout_s = step_timeout_s
        self._load_timeout_s = load_timeout_s
        self._restart_delay_s = restart_delay_s
        self._clock = clock
        self._user: WorkerUser | None = None
        self._life = 0
        self._loading_s = 0.0
        self._lost = asyncio.Event()
        self._runs: set[Run] = set()
        """Batches in hand, of this life."""
        self._hung: set[Run] = set()
        """Those of them that take too long, where the worker could not be killed."""

    async def start(self) -> Capabilities:
        """Start the worker for the first time.

        Raises:
            DecoderError: the engine cannot be had; the text says why.
        """
        begun = self._clock()
        try:
            async with asyncio.timeout(self._load_timeout_s):
                capabilities = await self._start()
        except TimeoutError as error:
            raise EngineUnavailable(
                f"it has not loaded within {self._load_timeout_s:g} s; raise "
                "decoding.load_timeout_s, or choose a smaller model"
            ) from error
        self._loading_s = self._clock() - begun
        return capabilities

    @property
    def decodes(self) -> bool:
        """True while batches come back: it is up, and not each of its slots hangs."""
        return self.up and len(self._hung) < self.worker.slots

    async def keep_up(self, user: WorkerUser) -> None:
        """Start the worker anew each time it is lost. Does not return."""
        self._user = user
        while True:
            await self._lost.wait()
            await self._replace()
            self._lost.clear()
            user.worker_replaced()

    def begin(self, batch: Batch, slot: int) -> Run:
        """Hand a batch over, now. Every failure comes by the future, also that of a dead worker."""
        results: asyncio.Future[list[StepResult]]
        try:
            results = awaited(self.worker.run(batch, slot), name=f"batch-{self.number}")
        except Exception as error:
            results = asyncio.get_running_loop().create_future()
            results.set_exception(error)
        run = Run(results, len(batch.steps), self._life)
        self._runs.add(run)
        return run

    async def finished(self, run: Run) -> list[StepResult] | None:
        """The results of a batch, one for each step in their order; None if the worker is lost."""
        watch = asyncio.get_running_loop().call_later(self._step_timeout_s, self._hangs, run)
        try:
            results = await run.results
            if len(results) != run.steps:
                raise RuntimeError(f"{run.steps} steps came back as {len(results)} results")
        except asyncio.CancelledError:
            if was_asked_to_end():
                raise
            # Of a worker that is lost, or a thread's batch that had not begun when it was stopped.
            self._lose(run.life, WorkerDied("the worker has been stopped"))
            return None
        except Exception as error:
            self._lose(run.life, error)
            return None
        finally:
            watch.cancel()
            self._runs.discard(run)
            self._hung.discard(run)
        # What another life began is of streams that nobody knows any more.
        return results if run.life == self._life and self.up else None

    def give_up(self, error: Exception) -> None:
        """Whatever the worker does, it is not trusted any more: it is replaced."""
        self._lose(self._life, error)

    def stop(self) -> None:
        """Stop the worker, whatever state it is in. Does not wait."""
        self._life += 1
        self.up = False
        self.worker.stop()

    async def _start(self) -> Capabilities:
        life = self._life
        capabilities = await self.worker.start(lambda: self._lose(life, WorkerDied()))
        if life == self._life:
            self.up = True
        return capabilities

    def _hangs(self, run: Run) -> None:
        if run.life == self._life:
            _log.error("worker_hung", worker=self.number, after_s=self._step_timeout_s)
            self._hung.add(run)
            self.worker.kill()

    def _lose(self, life: int, error: Exception) -> None:
        """The worker is lost. Of several who notice it, the first one is heard."""
        if life != self._life:
            return
        self._life += 1
        self.up = False
        # A thread that hangs goes on; its slot serves the replacement.
        for run in self._runs:
            run.results.cancel()
        self._runs.clear()
        self._hung.clear()
        self._lost.set()
        self._statistics.restarts += 1
        if isinstance(error, WorkerDied):
            _log.error("worker_died", worker=self.number)
        else:
            self._statistics.faults += 1
            _log.error("worker_failed", worker=self.number, exc_info=error)
        if self._user is not None:
            self._user.worker_lost()

    async def _replace(self) -> None:
        bound_s = max(self._step_timeout_s, _LOADING_FACTOR * self._loading_s)
        while True:
            try:
                async with asyncio.timeout(bound_s):
                    await self._start()
            except TimeoutError:
                _log.error("worker_not_started", worker=self.number, error=f"hung for {bound_s} s")
            except (DecoderError, OSError) as error:
                _log.error("worker_not_started", worker=self.number, error=str(error))
            except Exception:
                self._statistics.faults += 1
                _log.exception("worker_not_started", worker=self.number)
            else:
                _log.info("worker_replaced", worker=self.number)
                return
            self.worker.stop()
            await asyncio.sleep(self._restart_delay_s)


class SupervisedRunner:
    """Runs batches on a supervised worker for somebody who waits for nothing else: a calibration.

    A batch that hangs, or a worker that dies in it, is noticed as with any other.
    """

    def __init__(self, worker: SupervisedWorker) -> None:
        self._worker = worker

    @property
    def slots(self) -> int:
        """Batches that may be run at the same time."""
        return self._worker.worker.slots

    async def run(self, batch: Batch, slot: int) -> list[StepResult]:
        """Run one batch.

        Raises:
            WorkerDied: the worker was lost.
        """
        results = await self._worker.finished(self._worker.begin(batch, slot))
        if results is None:
            raise WorkerDied
        return results


async def keep_serving(
    name: str,
    serve: Callable[[], Awaitable[None]],
    statistics: EngineStatistics,
    *,
    failed: Callable[[Exception], None],
    delay_s: float,
) -> None:
    """Run `serve`, which does not return, again and again, until this is cancelled.

    However it ends, that is a fault of ours. It is logged and counted, `failed` settles what it
    leaves behind, and serving goes on.
    """
    while True:
        error = await _unasked_end(serve)
        statistics.faults += 1
        _log.error("serving_failed", task=name, exc_info=error)
        try:
            failed(error)
        except Exception:
            statistics.faults += 1
            _log.exception("serving_failed", task=name)
        await asyncio.sleep(delay_s)


async def _unasked_end(serve: Callable[[], Awaitable[None]]) -> Exception:
    """Run `serve` to its end; why it has ended."""
    try:
        await serve()
    except asyncio.CancelledError as error:
        if was_asked_to_end():
            raise
        unasked = EndedUnasked("cancelled by what it waited for")
        unasked.__cause__ = error
        return unasked
    except Exception as error:
        return error
    return EndedUnasked("it has returned")
