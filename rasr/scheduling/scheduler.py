"""The scheduler of one engine: which sound is decoded next, and where.

Sound that is due first is decoded first, over all sessions. Each lane has a number of streams; an
utterance keeps its lane (its state lives there) until its final, and waits, in order of its sound,
while no lane has a stream free. A lane that dies is started anew and its utterances are replayed
from their kept sound on whatever lane has room.

A lane makes one or more calls at once. Each takes a batch of its own from the streams of the lane
that are ready (`rasr.scheduling.batching`), at once and without waiting for more: a lone speaker
has the lowest latency, and under load batches form by themselves. While a call is under way the
results of the one before it are told, so that a lane does not wait for its listeners.

Runs on the event loop alone; the lanes bring their results back to it.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import structlog

from decoder import Capabilities, DecoderError, HotWord
from decoder.engine import Samples
from rasr.scheduling.batching import choose
from rasr.scheduling.calibration import calibrate
from rasr.scheduling.costs import StepCosts
from rasr.scheduling.counters import SchedulerCounters
from rasr.scheduling.job import Job, Sink
from rasr.scheduling.ladder import TOP_RUNG
from rasr.scheduling.lane import Lane
from rasr.scheduling.load import EngineLoad
from rasr.scheduling.pacing import Pacing
from rasr.scheduling.steps import Batch, StepResult
from rasr.scheduling.ticket import Ticket

_log = structlog.get_logger("rasr.scheduling")
_by_due = attrgetter("due")


@dataclass(frozen=True, slots=True)
class SchedulerRules:
    streams_per_lane: int
    step_ms: int = 400
    """Most sound that one step takes: longer is a little cheaper, and makes others wait longer."""
    partial_ms: int = 200
    """Sound between two partials of an utterance."""
    step_timeout_s: float = 60.0
    """A step that takes longer is taken for hung and its worker is killed."""
    most_tries: int = 3
    """A worker that dies this often on the same utterance is the utterance's fault."""
    restart_delay_s: float = 1.0
    """Between two attempts to start a lane that does not come up."""


@dataclass(slots=True, eq=False)
class _LaneState:
    number: int
    lane: Lane
    jobs: dict[int, Job] = field(default_factory=dict)
    ready: dict[int, Job] = field(default_factory=dict)
    """Those of `jobs` that wait for a call."""
    discard: list[int] = field(default_factory=list)
    idle_calls: int = 0
    up: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Scheduler:
    """Decodes utterances of many sessions on the lanes of one engine."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        rules: SchedulerRules,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            clock: on which sound is due, in seconds.
        """
        self._clock = clock
        self._lanes = [_LaneState(number, lane) for number, lane in enumerate(lanes)]
        self._rules = rules
        self._numbers = itertools.count(1)
        self._waiting: list[Job] = []
        """Jobs with work that have no lane."""
        self._lane_of: dict[int, _LaneState] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._capabilities: Capabilities | None = None
        self._pacing: Pacing | None = None
        self.counters = SchedulerCounters()
        self.load = EngineLoad()

    # Life

    async def start(self) -> None:
        """Start all lanes; returns when they are warm.

        Raises:
            DecoderError: the engine cannot be had; the text says why.
        """
        try:
            async with asyncio.TaskGroup() as group:
                starts = [group.create_task(state.lane.start()) for state in self._lanes]
        except* DecoderError as errors:
            self._stop_lanes()
            raise errors.exceptions[0] from None
        self._capabilities = starts[0].result()
        self._pacing = Pacing(
            self._capabilities, step_ms=self._rules.step_ms, partial_ms=self._rules.partial_ms
        )
        for state in self._lanes:
            state.up = True
            self._tasks += [
                asyncio.create_task(self._serve(state, call), name=f"lane-{state.number}.{call}")
                for call in range(state.lane.calls)
            ]

    async def calibrate(self, speech: Samples) -> StepCosts:
        """Measure what steps cost; takes seconds, while which nothing else may be decoded.

        Args:
            speech: shape (n,), int16, at the engine's rate.
        """
        return await calibrate(
            self.lanes,
            self.capabilities,
            self.pacing.cadence(partials=True),
            streams_per_lane=self._rules.streams_per_lane,
            speech=speech,
        )

    async def stop(self) -> None:
        """Stop all lanes; jobs still open are lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._stop_lanes()

    @property
    def capabilities(self) -> Capabilities:
        """Of the engine. Known once `start` has returned."""
        assert self._capabilities is not None, "start comes first"
        return self._capabilities

    @property
    def lanes(self) -> list[Lane]:
        return [state.lane for state in self._lanes]

    @property
    def streams(self) -> int:
        """Utterances that can be decoded at the same time."""
        return len(self._lanes) * self._rules.streams_per_lane

    @property
    def streams_in_use(self) -> int:
        return len(self._lane_of)

    @property
    def calls(self) -> int:
        """Batches that can be decoded at the same time."""
        return sum(state.lane.calls for state in self._lanes)

    @property
    def rung(self) -> int:
        """Of the overload ladder (`rasr.scheduling.ladder`): 0 while all is well."""
        return 0 if self._pacing is None else self._pacing.rung

    @property
    def pacing(self) -> Pacing:
        """Known once `start` has returned."""
        assert self._pacing is not None, "start comes first"
        return self._pacing

    def oldest_ready_s(self) -> float:
        """How long the step that waits longest has been ready; 0 where none waits."""
        waiting = itertools.chain(self._waiting, *(state.ready.values() for state in self._lanes))
        since = min((job.ready_since for job in waiting), default=None)
        return 0.0 if since is None else self._clock() - since

    # For tickets

    def open(
        self,
        sink: Sink,
        *,
        session: object,
        partials: bool,
        hot_words: tuple[HotWord, ...] = (),
    ) -> Ticket:
        """A new utterance of `session`. It takes a lane when its first sound is there."""
        self.counters.open_jobs += 1
        cadence = self.pacing.cadence(partials=partials)
        return Ticket(self, Job(next(self._numbers), sink, session, cadence, hot_words))

    def asked(self, samples: int, due: float) -> None:
        """More sound has come, due at `due`."""
        self.load.demand.add(samples * 1000 // self.capabilities.sample_rate, due)

    def poke(self, job: Job) -> None:
        """`job` may have work."""
        if not job.ready:
            return
        state = self._lane_of.get(job.number)
        if state is not None:
            self._make_ready(state, job)
        elif job not in self._waiting:
            job.ready_since = self._clock()
            self._waiting.append(job)
            self._assign()

    def abandon(self, job: Job) -> None:
        if not job.over:
            job.over = True
            self.counters.open_jobs -= 1
            self._let_go(job)

    # Lanes

    def _assign(self) -> None:
        """Give waiting jobs to lanes that have a stream free, oldest sound first.

        A session holds at most one stream for each lane. That is enough for one recording to use
        the whole machine, and leaves streams for others however much it sends.
        """
        while self._waiting and (free := [state for state in self._lanes if self._has_room(state)]):
            held = Counter(id(job.session) for state in self._lanes for job in state.jobs.values())
            entitled = [job for job in self._waiting if held[id(job.session)] < self.calls]
            if not entitled:
                break
            job = min(entitled, key=_by_due)
            self._waiting.remove(job)
            state = min(free, key=lambda lane: len(lane.jobs))
            state.jobs[job.number] = job
            self._lane_of[job.number] = state
            # The rung may have changed since it was opened; its first step is the same on all.
            self.pacing.turn(job)
            self._make_ready(state, job)
        self.counters.waiting_jobs = len(self._waiting)

    def _has_room(self, state: _LaneState) -> bool:
        return state.up and len(state.jobs) < self._rules.streams_per_lane

    def _make_ready(self, state: _LaneState, job: Job) -> None:
        if job.number not in state.ready:
            job.ready_since = self._clock()
            state.ready[job.number] = job
        state.wake.set()

    def _let_go(self, job: Job) -> None:
        """Forget a job that is done, failed or abandoned, and use the room it leaves."""
        job.forget()
        state = self._lane_of.pop(job.number, None)
        if state is None:
            if job in self._waiting:
                self._waiting.remove(job)
        else:
            del state.jobs[job.number]
            state.ready.pop(job.number, None)
            # A stream in the hands of a call is given back when that call has returned: another
            # one must not close it meanwhile.
            if job.opened and not job.in_flight:
                self._discard(state, job.number)
        self._assign()

    def _discard(self, state: _LaneState, stream: int) -> None:
        state.discard.append(stream)
        state.wake.set()

    async def _serve(self, state: _LaneState, call: int) -> None:
        """One of a lane's calls: batch after batch, restart after death."""
        results: list[StepResult] = []
        while True:
            batch = self._next_batch(state, call)
            begun = self._clock()
            # Handed over before the results of the last one are told: listeners take their time.
            run = None if batch is None else _begin(state.lane, batch, call)
            for result in results:
                self._tell(state, result)
            results = []
            if batch is None or run is None:
                state.idle_calls += 1
                state.wake.clear()
                # What was told may have made work for this very call.
                if not (state.up and (state.ready or state.discard)):
                    await state.wake.wait()
                state.idle_calls -= 1
                continue
            try:
                results = await self._watched(state, batch, run, begun)
            except Exception as error:
                # BrokenExecutor where the worker died; anything else is a fault of our own. Faults
                # of the engine come as results. Nothing may end this task.
                if state.up:
                    self._lane_died(state, error)
                    await self._restart(state)
            else:
                self._settle(state, results)

    def _next_batch(self, state: _LaneState, call: int) -> Batch | None:
        if not state.up or not (state.ready or state.discard):
            return None
        now = self._clock()
        chosen = choose(
            state.ready.values(),
            call=call,
            idle_calls=state.idle_calls,
            max_batch=self.capabilities.max_batch,
            now=now,
        )
        for job in chosen:
            job.call = call
            del state.ready[job.number]
            self.counters.queued_s += now - job.ready_since
        if self.pacing.observe(chosen, now):
            _log.warning("overload_rung", rung=self.pacing.rung, of=TOP_RUNG)
            for job in itertools.chain.from_iterable(one.jobs.values() for one in self._lanes):
                self.pacing.turn(job)
        discard, state.discard = tuple(state.discard), []
        return Batch(tuple(job.step() for job in chosen), discard)

    async def _watched(
        self,
        state: _LaneState,
        batch: Batch,
        run: asyncio.Future[list[StepResult]],
        begun: float,
    ) -> list[StepResult]:
        watch = asyncio.get_running_loop().call_later(self._rules.step_timeout_s, self._hung, state)
        try:
            return await run
        finally:
            watch.cancel()
            elapsed = self._clock() - begun
            self.counters.busy_s += elapsed
            for step in batch.steps:
                if step.job in state.jobs:
                    state.jobs[step.job].busy_s += elapsed / len(batch.steps)
            self.counters.batches += 1
            self.counters.steps += len(batch.steps)
            sound = sum(len(step.samples) for step in batch.steps)
            self.load.decoded(
                elapsed,
                len(batch.steps),
                sound / self.capabilities.sample_rate,
                begun + elapsed,
            )

    def _settle(self, state: _LaneState, results: Sequence[StepResult]) -> None:
        """Jobs whose step is done may have the next one ready."""
        for result in results:
            ended = result.final or result.failure is not None
            job = state.jobs.get(result.job)
            if job is not None:
                self.counters.decoded_samples += job.taken_samples
                job.step_done(heard=result.hypothesis is not None)
                if not ended and job.ready:
                    self._make_ready(state, job)
            elif not ended:
                # Abandoned while the step was under way.
                self._discard(state, result.job)

    def _tell(self, state: _LaneState, result: StepResult) -> None:
        job = state.jobs.get(result.job)
        if job is None:
            return
        if result.refused_hot_words:
            job.sink.hot_words_refused(result.refused_hot_words)
        if result.fault is not None:
            _log.error("engine_fault", lane=state.number, fault=result.fault)
        if result.failure is not None:
            self._end(job)
            job.sink.failed(result.failure)
        elif result.hypothesis is not None:
            if result.final:
                self._end(job)
            job.sink.hypothesis(result.hypothesis, final=result.final)

    def _end(self, job: Job) -> None:
        """`job` is over and the worker holds no stream for it."""
        job.opened = False
        job.over = True
        self.counters.open_jobs -= 1
        self._let_go(job)

    # Failure

    def _hung(self, state: _LaneState) -> None:
        _log.error("worker_hung", lane=state.number, after_s=self._rules.step_timeout_s)
        state.lane.kill()

    def _lane_died(self, state: _LaneState, error: Exception) -> None:
        """Let its jobs wait for another lane, or for this one to come back."""
        state.up = False
        state.discard.clear()
        state.ready.clear()
        self.counters.restarts += 1
        jobs, state.jobs = list(state.jobs.values()), {}
        _log.error(
            "worker_died", lane=state.number, utterances=len(jobs), error=type(error).__name__
        )
        now = self._clock()
        for job in jobs:
            del self._lane_of[job.number]
            job.failed_tries += job.in_flight
            job.rewind(next(self._numbers))
            if job.failed_tries >= self._rules.most_tries:
                self._end(job)
                job.sink.failed(
                    f"the recognition of this utterance failed {job.failed_tries} times; "
                    "the server has given it up"
                )
            elif job.ready:
                self.counters.replays += 1
                job.ready_since = now
                self._waiting.append(job)
        self._assign()

    async def _restart(self, state: _LaneState) -> None:
        while True:
            try:
                await state.lane.start()
            except (DecoderError, OSError) as error:
                _log.error("worker_not_started", lane=state.number, error=str(error))
                await asyncio.sleep(self._rules.restart_delay_s)
            else:
                state.up = True
                _log.info("worker_replaced", lane=state.number)
                self._assign()
                return

    def _stop_lanes(self) -> None:
        for state in self._lanes:
            state.up = False
            state.lane.stop()


def _begin(lane: Lane, batch: Batch, call: int) -> asyncio.Future[list[StepResult]]:
    """Hand a batch over, now. Every failure comes by the future.

    A lane whose worker died while it was idle raises at once instead; outside of the future that
    would end the task that serves the call.
    """
    try:
        return asyncio.ensure_future(lane.run(batch, call))
    except Exception as error:
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(error)
        return failed
