"""The scheduler of one engine: which audio is decoded next, and where.

Audio that is due first is decoded first, over all recognitions of one priority. Each worker has a
number of streams; an utterance keeps its worker (its state lives there) until its final, and waits
while no worker has a stream free (`rasr.scheduling.streams`). The slots of the workers take what is
ready (`rasr.scheduling.serving`). A worker that dies is started anew, and its utterances are
replayed from their kept audio on whatever worker has room.

It runs on the event loop alone; the workers bring their results back to it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from decoder import Capabilities, EngineUnavailable, HotWord
from decoder.engine import Samples
from rasr.scheduling.calibrator import Calibrator
from rasr.scheduling.child_process import WorkerDied
from rasr.scheduling.costs import StepCosts
from rasr.scheduling.idle_calibration import IdleCalibration, IdleMoments
from rasr.scheduling.overload import StepPolicies
from rasr.scheduling.serving import Shared, SlotServer
from rasr.scheduling.statistics import EngineStatistics
from rasr.scheduling.streams import StreamPool, WaitingQueue
from rasr.scheduling.supervision import SupervisedWorker, keep_serving
from rasr.scheduling.task import DecodeListener, DecodeTask, End, Piece, Priority
from rasr.scheduling.worker import Worker
from rasr.scheduling.yielding import RecordingSlots
from rasr.tasks import awaited, given_up, watched

if TYPE_CHECKING:
    # Worker processes import this package, and need no settings.
    from rasr.settings import DecodingSettings


class DecodeHandle:
    """One utterance, from the side of its owner."""

    def __init__(self, task: DecodeTask, pool: StreamPool) -> None:
        self._task = task
        self._pool = pool

    def accept(self, samples: Samples, *, due: float) -> None:
        """More audio has come. It is kept until the final: the array must not be changed later.

        Args:
            samples: shape (n,), int16, at 16 kHz.
            due: when it would have been spoken to its end, or now if that is later, on the clock of
                the scheduler in seconds.
        """
        task = self._task
        if len(samples) and not task.is_over:
            task.accept(Piece(samples, due))
            self._pool.accepted(task, len(samples), due)

    def pause(self) -> None:
        """Nobody speaks since the last audio. An engine that reads anew reads now."""
        if not self._task.is_over:
            self._pool.pausing(self._task)

    def finish(self, *, due: float, silence: int = 0, awaited: bool = False) -> None:
        """No more audio comes: the final is wanted.

        Args:
            due: when the end is due, as with `accept`.
            silence: so many samples at the end hold no speech.
            awaited: nothing else is wanted of the recognition; somebody waits for this alone.
        """
        if not self._task.is_over:
            self._task.end = End(due, silence, awaited)
            self._pool.finishing(self._task)

    def abandon(self) -> None:
        """The result is not wanted any more. Nothing is told after this."""
        self._pool.abandon(self._task)

    @property
    def busy_s(self) -> float:
        """Time that workers have spent on it, its share where several were decoded at once."""
        return self._task.busy_s

    @property
    def backlog_samples(self) -> int:
        """Samples that are not decoded yet."""
        return self._task.backlog_samples


class Scheduler:
    """Decodes utterances of many recognitions on the workers of one engine."""

    def __init__(
        self,
        workers: Sequence[Worker],
        settings: DecodingSettings,
        *,
        streams_per_worker: int,
        finals_only: bool = False,
        restart_delay_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            workers: of the same engine.
            settings: how long steps are, how often partials come, how long a worker may be silent.
            streams_per_worker: utterances that a worker can have open at a time.
            finals_only: nobody will want partials of it.
            restart_delay_s: between two attempts to replace a worker that does not come up.
            clock: on which audio is due, in seconds.
        """
        self.statistics = EngineStatistics(finals_only=finals_only)
        self.finals_only = finals_only
        """Nobody wants partials of it."""
        self._settings = settings
        self._streams_per_worker = streams_per_worker
        self._restart_delay_s = restart_delay_s
        self._clock = clock
        self._workers = [
            SupervisedWorker(
                number,
                worker,
                self.statistics,
                step_timeout_s=settings.step_timeout_s,
                load_timeout_s=settings.load_timeout_s,
                restart_delay_s=restart_delay_s,
                clock=clock,
            )
            for number, worker in enumerate(workers)
        ]
        self._serving: list[asyncio.Task[None]] = []
        self._capabilities: Capabilities | None = None
        self._pool: StreamPool | None = None
        self._calibrator: Calibrator | None = None

    # Life

    async def start(self) -> None:
        """Start all workers; returns when they are warm.

        Raises:
            DecoderError: the engine cannot be had; the text says why.
        """
        starts = [
            awaited(worker.start(), name=f"start-{worker.number}") for worker in self._workers
        ]
        try:
            self._capabilities = (await asyncio.gather(*starts))[0]
        except BaseException:
            await given_up(*starts)
            self._stop_workers()
            raise
        policies = StepPolicies(
            self._capabilities,
            step_ms=self._settings.step_ms,
            partial_ms=self._settings.partial_ms,
        )
        self._pool = StreamPool(
            policies,
            self.statistics,
            self._clock,
            streams_per_worker=self._streams_per_worker,
            queue=WaitingQueue(streams=self.streams, slots=self.slots),
        )
        self._calibrator = Calibrator(
            self._workers, self._capabilities, policies, self._streams_per_worker, self.finals_only
        )
        shared = Shared(
            self._capabilities,
            policies,
            self.statistics,
            self._pool,
            RecordingSlots(self.slots, self._pool.has_live),
            self._clock,
        )
        for worker in self._workers:
            server = SlotServer(worker, shared)
            self._pool.servers.append(server)
            self._serve(f"worker-{worker.number}", partial(worker.keep_up, server))
            for slot in range(worker.worker.slots):
                self._serve(
                    f"slot-{worker.number}.{slot}",
                    partial(server.serve, slot),
                    failed=partial(server.serving_failed, slot),
                )

    def _serve(
        self,
        name: str,
        serve: Callable[[], Awaitable[None]],
        failed: Callable[[Exception], None] = lambda error: None,
    ) -> None:
        self._serving.append(
            watched(
                keep_serving(
                    name, serve, self.statistics, failed=failed, delay_s=self._restart_delay_s
                ),
                name=name,
                forever=True,
            )
        )

    async def calibrate(self, speech: Samples, *, short: bool) -> StepCosts:
        """Measure what steps cost, for the statistics; meanwhile nothing else is decoded.

        Args:
            speech: shape (n,), int16, at 16 kHz.
            short: measure what can be measured in a second, without repeats.

        Raises:
            EngineUnavailable: a worker died or hung.
        """
        bound_s = self._settings.load_timeout_s
        try:
            async with asyncio.timeout(bound_s):
                costs = await self._known_calibrator.at_once(speech, short=short)
        except TimeoutError as error:
            raise EngineUnavailable(
                f"its speed has not been measured within {bound_s:g} s; raise "
                "decoding.load_timeout_s, or set capacity.max_load = 0 to do without"
            ) from error
        except WorkerDied as error:
            raise EngineUnavailable(
                "a worker died while its speed was measured; is there enough memory?"
            ) from error
        self.statistics.calibrated(costs)
        return costs

    def keep_calibrated(
        self,
        speech: Callable[[], Awaitable[Samples]],
        told: Callable[[StepCosts], Awaitable[None]],
        moments: IdleMoments,
    ) -> None:
        """From now on, until it is stopped, measure again in idle moments what is not sure yet.

        Args:
            speech: as of `calibrate`.
            told: is told costs that are lower, or surer, than those before: after a calibration,
                and now and then.
            moments: in which no engine of the machine decodes.
        """
        measure = partial(self._known_calibrator.in_idle_moment, speech, moments)
        idle = IdleCalibration(self.statistics, moments, measure, told, clock=self._clock)
        self._serve("calibration", idle.run)

    async def stop(self) -> None:
        """Stop all workers, whatever state they are in. Utterances still open are lost."""
        await given_up(*self._serving)
        self._serving.clear()
        self._stop_workers()

    def _stop_workers(self) -> None:
        for worker in self._workers:
            worker.stop()

    # What is known of the engine

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do. It is known once `start` has returned."""
        assert self._capabilities is not None, "start comes first"
        return self._capabilities

    @property
    def workers(self) -> list[Worker]:
        """The workers, whether they are up or not."""
        return [worker.worker for worker in self._workers]

    @property
    def workers_up(self) -> int:
        """Workers that decode now. With none nothing is decoded until one is replaced."""
        return sum(worker.decodes for worker in self._workers)

    @property
    def streams(self) -> int:
        """Utterances that can be decoded at the same time."""
        return len(self._workers) * self._streams_per_worker

    @property
    def streams_in_use(self) -> int:
        """Utterances that have a stream now."""
        return 0 if self._pool is None else self._pool.in_use

    @property
    def slots(self) -> int:
        """Batches that can be decoded at the same time."""
        return sum(worker.worker.slots for worker in self._workers)

    @property
    def overload_level(self) -> int:
        """The level of `rasr.scheduling.overload`: 0 while all is well, up to `TOP_LEVEL`."""
        return 0 if self._pool is None else self._pool.policies.level

    def oldest_ready_s(self) -> float:
        """How long the live step that waits longest has been ready; 0 where none waits."""
        return 0.0 if self._pool is None else self._pool.oldest_ready_s()

    # For those who want something decoded

    def open(
        self,
        listener: DecodeListener,
        *,
        owner: Hashable,
        partials: bool,
        hot_words: tuple[HotWord, ...] = (),
        priority: Priority = Priority.LIVE,
    ) -> DecodeHandle:
        """A new utterance. It takes a stream when its first audio is there.

        Args:
            listener: who is told the results.
            owner: whose utterance it is; one owner gets at most one stream for each slot.
            partials: results are wanted before the final. An engine without partials is not asked.
            hot_words: words to be preferred.
            priority: who is served first.
        """
        pool = self._known_pool
        policy = pool.policies.policy(partials=partials and self.capabilities.partials)
        task = DecodeTask(pool.new_stream(), listener, owner, policy, hot_words, priority)
        self.statistics.open_tasks += 1
        return DecodeHandle(task, pool)

    @property
    def _known_pool(self) -> StreamPool:
        assert self._pool is not None, "start comes first"
        return self._pool

    @property
    def _known_calibrator(self) -> Calibrator:
        assert self._calibrator is not None, "start comes first"
        return self._calibrator
