"""The scheduler of one engine: which sound is decoded next, and where.

Sound that is due first is decoded first, over all sessions. Each lane has a number of streams; an
utterance keeps its lane (its state lives there) until its final, and waits, in order of its sound,
while no lane has a stream free. A lane that dies is started anew and its utterances are replayed
from their kept sound on whatever lane has room.

Runs on the event loop alone; the lanes bring their results back to it.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from decoder import Capabilities, DecoderError, HotWord
from decoder.engine import Samples
from rasr.decoding.job import Job, Piece, Sink
from rasr.decoding.lane import Lane
from rasr.decoding.steps import Batch, Step, StepResult

_log = structlog.get_logger("rasr.decoding")


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
    discard: list[int] = field(default_factory=list)
    up: bool = False
    task: asyncio.Task[None] | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class SchedulerCounters:
    """Numbers for an observer; they only grow, but for `open_jobs` and `waiting_jobs`."""

    batches: int = 0
    steps: int = 0
    decoded_samples: int = 0
    busy_s: float = 0.0
    restarts: int = 0
    replays: int = 0
    open_jobs: int = 0
    waiting_jobs: int = 0


class Ticket:
    """An utterance from the side of its session."""

    def __init__(self, scheduler: Scheduler, job: Job) -> None:
        self._scheduler = scheduler
        self._job = job

    def accept(self, samples: Samples, *, due: float) -> None:
        """More sound; it is kept until the final, so the array must not be changed later."""
        if len(samples):
            self._job.accept(Piece(samples, due))
            self._scheduler.poke(self._job)

    def finish(self, *, due: float) -> None:
        """No more sound: the final is wanted."""
        self._job.finishing = True
        self._job.finish_due = due
        self._scheduler.poke(self._job)

    def abandon(self) -> None:
        """The result is not wanted any more."""
        self._scheduler.abandon(self._job)

    @property
    def busy_s(self) -> float:
        """Time that workers have spent on it, its share where several were decoded at once."""
        return self._job.busy_s

    @property
    def backlog_samples(self) -> int:
        """Sound that is not decoded yet."""
        return self._job.backlog_samples


class Scheduler:
    """Decodes utterances of many sessions on the lanes of one engine."""

    def __init__(self, lanes: Sequence[Lane], rules: SchedulerRules) -> None:
        self._lanes = [_LaneState(number, lane) for number, lane in enumerate(lanes)]
        self._rules = rules
        self._numbers = itertools.count(1)
        self._waiting: list[Job] = []
        """Jobs with work that have no lane."""
        self._capabilities: Capabilities | None = None
        self.counters = SchedulerCounters()

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
        for state in self._lanes:
            state.up = True
            state.task = asyncio.create_task(self._serve(state), name=f"lane-{state.number}")

    async def stop(self) -> None:
        """Stop all lanes; jobs still open are lost."""
        tasks = [state.task for state in self._lanes if state.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
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
        # Who watches wants every partial; who does not can wait for a longer step.
        least_ms = self._rules.partial_ms if partials else self._rules.step_ms
        least = self.capabilities.sample_rate * min(least_ms, self._rules.step_ms) // 1000
        return Ticket(self, Job(next(self._numbers), sink, session, partials, hot_words, least))

    def poke(self, job: Job) -> None:
        """`job` has work."""
        if not job.ready:
            return
        state = self._lane_of(job)
        if state is None:
            if job not in self._waiting:
                self._waiting.append(job)
            self._assign()
        else:
            state.wake.set()

    def abandon(self, job: Job) -> None:
        if not job.abandoned:
            job.abandoned = True
            self.counters.open_jobs -= 1
            self._let_go(job)

    # Lanes

    def _assign(self) -> None:
        """Give waiting jobs to lanes that have a stream free, oldest sound first.

        A session holds at most one stream for each lane. That is enough for one recording to use
        the whole machine, and leaves streams for others however much it sends.
        """
        while free := [state for state in self._lanes if self._has_room(state)]:
            held = Counter(id(job.session) for state in self._lanes for job in state.jobs.values())
            entitled = [job for job in self._waiting if held[id(job.session)] < len(self._lanes)]
            if not entitled:
                break
            job = min(entitled, key=lambda waiting: waiting.due)
            self._waiting.remove(job)
            state = min(free, key=lambda lane: len(lane.jobs))
            state.jobs[job.number] = job
            state.wake.set()
        self.counters.waiting_jobs = len(self._waiting)

    def _has_room(self, state: _LaneState) -> bool:
        return state.up and len(state.jobs) < self._rules.streams_per_lane

    def _lane_of(self, job: Job) -> _LaneState | None:
        return next((state for state in self._lanes if job.number in state.jobs), None)

    def _let_go(self, job: Job) -> None:
        """Forget a job that is done, failed or abandoned, and use the room it leaves."""
        job.forget()
        if job in self._waiting:
            self._waiting.remove(job)
        state = self._lane_of(job)
        if state is not None:
            del state.jobs[job.number]
            if job.opened:
                state.discard.append(job.number)
                state.wake.set()
        self._assign()

    async def _serve(self, state: _LaneState) -> None:
        """The life of one lane: batch after batch, restart after death."""
        while True:
            batch = self._next_batch(state)
            if batch is None:
                state.wake.clear()
                await state.wake.wait()
                continue
            try:
                results = await self._run(state, batch)
            except Exception as error:
                # BrokenExecutor where the worker died; anything else is a fault of an engine that
                # leaves the worker in an unknown state. Neither may end the lane.
                self._lane_died(state, error)
                await self._restart(state)
            else:
                for result in results:
                    self._take_result(state, result)

    def _next_batch(self, state: _LaneState) -> Batch | None:
        ready = sorted((job for job in state.jobs.values() if job.ready), key=lambda job: job.due)
        chosen = ready[: self.capabilities.max_batch]
        if not chosen and not state.discard:
            return None
        discard, state.discard = tuple(state.discard), []
        return Batch(tuple(self._step(job) for job in chosen), discard)

    def _step(self, job: Job) -> Step:
        rate = self.capabilities.sample_rate
        samples = job.take(rate * self._rules.step_ms // 1000)
        decoded = job.decoded_samples + len(samples)
        finishes = job.finishing and not job.pending
        wants = job.partials and decoded - job.partial_at_sample >= (
            rate * self._rules.partial_ms // 1000
        )
        opens = not job.opened
        job.in_flight = job.opened = True
        return Step(job.number, samples, opens, finishes, wants, job.hot_words)

    async def _run(self, state: _LaneState, batch: Batch) -> list[StepResult]:
        begun = time.monotonic()
        watch = asyncio.get_running_loop().call_later(self._rules.step_timeout_s, self._hung, state)
        try:
            return await state.lane.run(batch)
        finally:
            watch.cancel()
            elapsed = time.monotonic() - begun
            self.counters.busy_s += elapsed
            for step in batch.steps:
                if step.job in state.jobs:
                    state.jobs[step.job].busy_s += elapsed / len(batch.steps)
            self.counters.batches += 1
            self.counters.steps += len(batch.steps)

    def _take_result(self, state: _LaneState, result: StepResult) -> None:
        job = state.jobs.get(result.job)
        if job is None:
            return  # Abandoned while the step was under way.
        self.counters.decoded_samples += job.taken_samples
        job.decoded_samples += job.taken_samples
        job.taken_samples = 0
        job.in_flight = False
        if result.failure is not None:
            self._end(job)
            job.sink.failed(result.failure)
        elif result.hypothesis is not None:
            job.partial_at_sample = job.decoded_samples
            if result.final:
                self._end(job)
            job.sink.hypothesis(result.hypothesis, final=result.final)

    def _end(self, job: Job) -> None:
        """`job` is over and the worker holds no stream for it."""
        job.opened = False
        job.abandoned = True
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
        self.counters.restarts += 1
        jobs, state.jobs = list(state.jobs.values()), {}
        _log.error(
            "worker_died", lane=state.number, utterances=len(jobs), error=type(error).__name__
        )
        for job in jobs:
            job.failed_tries += job.in_flight
            job.rewind()
            if job.failed_tries >= self._rules.most_tries:
                self._end(job)
                job.sink.failed(
                    f"the recognition of this utterance failed {job.failed_tries} times; "
                    "the server has given it up"
                )
            else:
                self.counters.replays += 1
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
