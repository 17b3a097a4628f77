"""Calibrations of an engine that has been started, on its own workers, watched as any batch is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from decoder import Capabilities
from decoder.engine import Samples
from rasr.scheduling.calibration import Plan, calibrate
from rasr.scheduling.child_process import WorkerDied
from rasr.scheduling.costs import StepCosts
from rasr.scheduling.idle_calibration import IdleMoments
from rasr.scheduling.overload import StepPolicies
from rasr.scheduling.processor_time import processor_seconds
from rasr.scheduling.supervision import SupervisedRunner, SupervisedWorker
from rasr.scheduling.worker import ProcessWorker

_MOST_S = 6.0
"""Of a whole calibration that somebody waits for: on a machine that does nothing else it takes 1 to
4 s, and beside others it leaves out repeats."""
_MOST_SHORT_S = 1.0
"""Of a short one, unless a batch of one and the shortest utterance take longer than that."""
_MOST_IDLE_STEP_S = 0.1
"""Of one in an idle moment: somebody who begins to speak waits for one step at the most, and finds
a delay of a tenth of a second unnoticeable."""
_STREAMS_LEFT = 2
"""In an idle moment one stream in so many is taken, so that whoever comes finds the others."""


class Calibrator:
    """Measures one engine."""

    def __init__(
        self,
        workers: Sequence[SupervisedWorker],
        capabilities: Capabilities,
        policies: StepPolicies,
        streams_per_worker: int,
        finals_only: bool,
    ) -> None:
        """
        Args:
            workers: all of the engine.
            streams_per_worker: utterances that a worker can have open at a time.
            finals_only: nobody wants partials of it.
        """
        self._workers = workers
        self._capabilities = capabilities
        self._policies = policies
        self._streams_per_worker = streams_per_worker
        self._finals_only = finals_only

    async def at_once(self, speech: Samples, *, short: bool) -> StepCosts:
        """What steps cost, while nothing else is decoded.

        Args:
            speech: shape (n,), int16, at 16 kHz.
            short: measure what can be measured in a second, without repeats.

        Raises:
            WorkerDied: a worker died, or hung.
        """
        plan = self._plan(speech)
        if short:
            plan = replace(plan, most_s=_MOST_SHORT_S, repeats=False)
        costs = await calibrate(self._runners, plan)
        assert costs is not None, "nobody stops it before it has the least"
        return costs

    async def in_idle_moment(
        self, speech: Callable[[], Awaitable[Samples]], moments: IdleMoments
    ) -> StepCosts | None:
        """What steps cost, as far as it could be measured before somebody came."""
        streams = self._streams_per_worker // _STREAMS_LEFT
        all_up = all(worker.up for worker in self._workers)
        if not all_up or streams < self._workers[0].worker.slots:
            return None
        plan = replace(
            self._plan(await speech()),
            streams=streams,
            most_s=None,
            most_step_s=_MOST_IDLE_STEP_S,
            goes_on=lambda: not moments.somebody_speaks,
        )
        try:
            return await calibrate(self._runners, plan)
        except WorkerDied:
            # It is being replaced, and an idle moment will come again.
            return None

    @property
    def _runners(self) -> list[SupervisedRunner]:
        return [SupervisedRunner(worker) for worker in self._workers]

    def _plan(self, speech: Samples) -> Plan:
        return Plan(
            self._policies.policy(partials=True),
            self._capabilities.max_batch,
            self._streams_per_worker,
            speech,
            spared=self._policies.spared,
            finals_only=self._finals_only,
            most_s=_MOST_S,
            processor_s=self._processor_seconds,
        )

    def _processor_seconds(self) -> float | None:
        workers = [one.worker for one in self._workers]
        pids = [one.pid for one in workers if isinstance(one, ProcessWorker)]
        return processor_seconds([pid for pid in pids if pid is not None])
