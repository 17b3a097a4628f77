"""A scheduler on workers that a test commands, and what else tests of it need."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable

import numpy as np

from decoder import Capabilities, HotWord, Hypothesis
from decoder.engine import Samples
from rasr.audio import SAMPLE_RATE
from rasr.scheduling import DecodeHandle, Priority, Scheduler, WorkerDied
from rasr.scheduling.engine_host import Batch, Step, StepResult
from rasr.settings import DecodingSettings

MS = SAMPLE_RATE // 1000
"""Samples of a millisecond."""
STEP_MS = 20
"""The shortest step that the settings allow: whatever `samples` gives is decoded at once."""


def known(
    *,
    max_batch: int = 1,
    first: int = 1,
    every: int = 1,
    partials: bool = True,
    rereads: bool = False,
) -> Capabilities:
    """An engine whose first and further steps take so many samples."""
    return Capabilities(
        name="commanded",
        languages=(),
        sample_rate=SAMPLE_RATE,
        partials=partials,
        word_times=True,
        hot_words=False,
        max_batch=max_batch,
        first_step_samples=first,
        step_samples=every,
        rereads=rereads,
    )


def milliseconds(*values: int) -> Samples:
    """Each value as the first sample of a millisecond."""
    made = np.zeros(len(values) * MS, np.int16)
    made[::MS] = values
    return made


def samples(*values: int) -> Samples:
    """As `milliseconds`, with zeros behind it if there is less than a step."""
    return milliseconds(*values, *[0] * (STEP_MS - len(values)))


def values(step: Step) -> list[int]:
    """What `samples` was given to make the audio of this step, but for zeros."""
    found: list[int] = step.samples[step.samples != 0].tolist()
    return found


class CommandedWorker:
    """Runs a batch when the test says so. The text of a stream is the sum of all its samples."""

    def __init__(self, max_batch: int = 1, slots: int = 1, *, rereads: bool = False) -> None:
        self.slots = slots
        self.capabilities = known(max_batch=max_batch, rereads=rereads)
        self.batches: list[Batch] = []
        self.served: list[int] = []
        """The slot of each."""
        self.starts = 0
        self.failures: deque[Exception] = deque()
        """What the next starts fail with."""
        self.loading: asyncio.Event | None = None
        """Until it is set a start takes."""
        self.heard: dict[int, list[int]] = {}
        self.killed = asyncio.Event()
        self.stops = 0
        self.dead = False
        self.told: Callable[[], None] = lambda: None
        self._running: deque[asyncio.Future[None]] = deque()

    async def start(self, died: Callable[[], None]) -> Capabilities:
        self.starts += 1
        if self.failures:
            raise self.failures.popleft()
        if self.loading is not None:
            await self.loading.wait()
        self.told = died
        self.dead = False
        self.heard = {}
        return self.capabilities

    def run(self, batch: Batch, slot: int) -> Awaitable[list[StepResult]]:
        if self.dead:
            # As if its death had not been noticed yet.
            raise WorkerDied
        self.batches.append(batch)
        self.served.append(slot)
        return self._run(batch)

    async def _run(self, batch: Batch) -> list[StepResult]:
        for stream in batch.discard:
            self.heard.pop(stream, None)
        if batch.steps:
            self._running.append(asyncio.get_running_loop().create_future())
            await self._running[-1]
        return [self._result(step) for step in batch.steps]

    def _result(self, step: Step) -> StepResult:
        if step.opens:
            assert step.stream not in self.heard
            self.heard[step.stream] = []
        self.heard[step.stream] += values(step)
        text = str(sum(self.heard[step.stream]))
        if step.finishes or values(step) == [-1]:
            del self.heard[step.stream]
        if values(step) == [-1]:
            return StepResult(step.stream, None, failure="not decodable")
        wanted = step.wants_hypothesis or step.finishes
        hypothesis = Hypothesis((), text, 0.5) if wanted else None
        refused = step.hot_words if step.opens else ()
        return StepResult(step.stream, hypothesis, step.finishes, refused)

    @property
    def busy(self) -> bool:
        return bool(self._running)

    async def go(self) -> Batch:
        """Let the oldest batch in hand end, and what follows from it happen."""
        await settle()
        batch = [batch for batch in self.batches if batch.steps][-len(self._running)]
        self._running.popleft().set_result(None)
        await settle()
        return batch

    async def die(self, error: Exception | None = None) -> None:
        """Fail with all batches in hand."""
        await settle()
        while self._running:
            self._running.popleft().set_exception(error or WorkerDied())
        await settle()

    def kill(self) -> None:
        self.killed.set()

    def stop(self) -> None:
        self.stops += 1


class Heard:
    """A listener that writes down what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def hypothesis(self, hypothesis: Hypothesis, *, final: bool) -> None:
        self.lines.append(f"{'final' if final else 'partial'} {hypothesis.text}")

    def hot_words_refused(self, words: tuple[HotWord, ...]) -> None:
        self.lines.append(f"refused: {', '.join(word.text for word in words)}")

    def failed(self, sentence: str) -> None:
        self.lines.append(f"failed: {sentence}")


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


class Clock:
    """Stands still until a test says otherwise."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def started(
    *workers: CommandedWorker,
    streams: int = 4,
    clock: Clock | None = None,
    step_ms: int = STEP_MS,
    partial_ms: int = 200,
    step_timeout_s: float = 60.0,
) -> Scheduler:
    """A scheduler whose workers are up."""
    scheduler = Scheduler(
        workers,
        DecodingSettings(step_ms=step_ms, partial_ms=partial_ms, step_timeout_s=step_timeout_s),
        streams_per_worker=streams,
        restart_delay_s=0.0,
        clock=clock or time.monotonic,
    )
    await scheduler.start()
    return scheduler


def opened(
    scheduler: Scheduler,
    *,
    partials: bool = False,
    owner: Hashable = None,
    priority: Priority = Priority.LIVE,
) -> tuple[DecodeHandle, Heard]:
    """An utterance of an owner of its own, unless one is given."""
    heard = Heard()
    handle = scheduler.open(
        heard,
        owner=heard if owner is None else owner,
        partials=partials,
        priority=priority,
    )
    return handle, heard
