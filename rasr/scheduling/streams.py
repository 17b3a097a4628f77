"""The streams of all workers of an engine: which decode tasks have one, and which get the next."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from operator import attrgetter

import structlog

from rasr.scheduling.batching import Shares
from rasr.scheduling.overload import StepPolicies
from rasr.scheduling.serving import OUR_FAULT, SlotServer, fail
from rasr.scheduling.statistics import EngineStatistics
from rasr.scheduling.task import DecodeTask, Priority

_log = structlog.get_logger("rasr.scheduling")

_MOST_TRIES = 3
"""A worker that dies this often on the same utterance is the utterance's fault."""
_by_due = attrgetter("due")


class WaitingQueue:
    """Hands out the streams of an engine: by priority, then oldest audio first.

    An owner holds at most one stream for each slot. That is enough for one recording to use the
    whole machine, and leaves streams for others however much it sends. Priorities below live hold
    at most half of all streams, because a stream is kept until the final: else somebody who begins
    to speak would wait until a recording pauses.
    """

    def __init__(self, *, streams: int, slots: int) -> None:
        """
        Args:
            streams: of all workers.
            slots: of all workers.
        """
        self._slots = slots
        self._most_below_live = max(1, streams // 2)
        self._tasks: dict[DecodeTask, None] = {}
        """In the order in which they came."""
        self._held: Counter[Hashable] = Counter()
        """Owner → streams."""
        self._held_below_live = 0
        self._shares = Shares()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._tasks)

    def __iter__(self) -> Iterator[DecodeTask]:
        """Those that wait, in the order in which they came."""
        return iter(self._tasks)

    def add(self, task: DecodeTask) -> None:
        """A task waits for a stream."""
        self._tasks[task] = None

    def discard(self, task: DecodeTask) -> None:
        """A task that may be waiting does so no longer."""
        self._tasks.pop(task, None)

    def take(self) -> DecodeTask | None:
        """The task that gets a stream that is free; None if none may have it."""
        task = self._next()
        if task is not None:
            del self._tasks[task]
            self._held[task.owner] += 1
            self._held_below_live += task.priority is not Priority.LIVE
        return task

    def give_back(self, task: DecodeTask) -> None:
        """A task that got a stream has it no longer."""
        self._held[task.owner] -= 1
        # Owners come and go: who holds nothing must not fill the memory.
        if not self._held[task.owner]:
            del self._held[task.owner]
        self._held_below_live -= task.priority is not Priority.LIVE

    def _next(self) -> DecodeTask | None:
        entitled = [task for task in self._tasks if self._may_hold(task)]
        if not entitled:
            return None
        priorities = {task.priority for task in entitled}
        wanted = min(priorities)
        if len(priorities) > 1:
            wanted = next(iter(self._shares.owed(1, priorities - {wanted}, 1)), wanted)
        return min((task for task in entitled if task.priority is wanted), key=_by_due)

    def _may_hold(self, task: DecodeTask) -> bool:
        if self._held[task.owner] >= self._slots:
            return False
        return task.priority is Priority.LIVE or self._held_below_live < self._most_below_live


def _crowd(task: DecodeTask, server: SlotServer) -> tuple[bool, int]:
    """How little room there is for a task: whoever speaks keeps away from recordings."""
    has_recordings = any(one.priority is Priority.BATCH for one in server.tasks)
    return task.priority is Priority.LIVE and has_recordings, len(server)


class StreamPool:
    """Gives streams to decode tasks that have work, and takes them back."""

    def __init__(
        self,
        policies: StepPolicies,
        statistics: EngineStatistics,
        clock: Callable[[], float],
        *,
        streams_per_worker: int,
        queue: WaitingQueue,
    ) -> None:
        """
        Args:
            clock: on which audio is due, in seconds.
            queue: empty.
        """
        self.policies = policies
        self.servers: list[SlotServer] = []
        """One for each worker."""
        self._statistics = statistics
        self._clock = clock
        self._streams_per_worker = streams_per_worker
        self._queue = queue
        self._numbers = itertools.count(1)

    @property
    def in_use(self) -> int:
        """Streams that are taken."""
        return sum(len(server) for server in self.servers)

    def has_live(self) -> bool:
        """True while somebody speaks live."""
        known = itertools.chain(self._queue, *(server.tasks for server in self.servers))
        return any(task.priority is Priority.LIVE for task in known)

    def oldest_ready_s(self) -> float:
        """How long the live step that waits longest has been ready; 0 where none waits."""
        waiting = itertools.chain(self._queue, *(server.ready for server in self.servers))
        since = min(
            (task.ready_since for task in waiting if task.priority is Priority.LIVE), default=None
        )
        return 0.0 if since is None else self._clock() - since

    def new_stream(self) -> int:
        """A number that no stream had before."""
        return next(self._numbers)

    # For the owners of tasks

    def accepted(self, task: DecodeTask, samples: int, due: float) -> None:
        """A task has been given so many samples more."""
        if task.priority is not Priority.BATCH:
            self._statistics.demand.add(samples, due)
        if task.has_work:
            self._serve(task)

    def pausing(self, task: DecodeTask) -> None:
        """Nobody speaks behind the audio of a task: worth a step where it may be read anew."""
        if self.policies.reads_anew and task.priority is Priority.LIVE:
            task.pauses = True
            if task.has_work:
                self._serve(task)

    def finishing(self, task: DecodeTask) -> None:
        """The final of a task is wanted."""
        if task.has_work:
            self._serve(task)

    def abandon(self, task: DecodeTask) -> None:
        """The result of a task is not wanted any more."""
        if not task.is_over:
            self._leave(task)
            task.abandon()

    # For the workers' side

    def given_back(self, task: DecodeTask) -> None:
        """A task that is about to be over has its stream no longer."""
        self._queue.give_back(task)
        self._statistics.open_tasks -= 1
        self._assign()

    def lost(self, tasks: Sequence[DecodeTask]) -> None:
        """Tasks have lost their streams with a worker. They begin anew on whichever has room."""
        for task in tasks:
            task.holder = None
            self._queue.give_back(task)
            try:
                task.restart(self.new_stream())
            except Exception:
                self._fault("replaying", task)
        # Only now, because the listener of one may do something with another.
        for task in tasks:
            if task.failed_tries >= _MOST_TRIES and not task.is_over:
                self._leave(task)
                fail(
                    task,
                    f"the recognition of this utterance failed {task.failed_tries} times; "
                    "the server has given it up",
                    self._statistics,
                )
            elif task.has_work:
                self._statistics.replays += 1
                task.wait(self._clock())
                self._queue.add(task)
        self._assign()

    def room(self) -> None:
        """A worker that had been lost has streams again."""
        self._assign()

    def level_changed(self) -> None:
        """The overload level has changed: all tasks take their steps otherwise from now on."""
        for server in self.servers:
            for task in server.tasks:
                task.follow(self.policies.renewed(task.policy))

    def _serve(self, task: DecodeTask) -> None:
        if task.holder is not None:
            task.holder.make_ready(task)
        else:
            task.wait(self._clock())
            self._queue.add(task)
            self._assign()

    def _assign(self) -> None:
        """Give tasks that wait to workers that have a stream free, to the one with most room."""
        while len(self._queue):
            free = [server for server in self.servers if self._has_room(server)]
            task = self._queue.take() if free else None
            if task is None:
                break
            try:
                # The level may have changed since it was opened; its first step is the same on all.
                task.follow(self.policies.renewed(task.policy))
                min(free, key=partial(_crowd, task)).take(task)
            except Exception:
                self._fault("giving a stream", task)
        self._statistics.waiting_tasks = len(self._queue)

    def _leave(self, task: DecodeTask) -> None:
        """A task is about to be over: it gives up its stream, or its place in the queue."""
        if task.holder is not None:
            task.holder.release(task)
        else:
            self._queue.discard(task)
            self._statistics.open_tasks -= 1

    def _fault(self, doing: str, task: DecodeTask) -> None:
        """An error of ours, which is being handled, costs this task and no other."""
        self._statistics.faults += 1
        _log.exception("serving_fault", doing=doing)
        if not task.is_over:
            self._leave(task)
            fail(task, OUR_FAULT, self._statistics)

    def _has_room(self, server: SlotServer) -> bool:
        return server.up and len(server) < self._streams_per_worker
