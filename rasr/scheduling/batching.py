"""Which of the steps that are ready a slot takes, and whose turn it is among the priorities.

A slot keeps to the streams that it decoded before, whose state is in its thread's memory
(sherpa-onnx needs a fifth more time for those of another thread), and takes from others those that
lag behind its own, or any if it would have nothing to do.

Ends that are due go first. Those for which a client waits that has sent END go alone, as long as
fewer than a full batch are ready: what is left of an utterance is some steps one after the other,
each the quicker the fewer share it. Small batches are dear, so an endpoint that voice activity
found, of which there are many and after which the speaker goes on, goes with what else is ready.

A batch is of the highest priority that is ready. Lower ones go alone when nothing higher is ready;
else one of their steps goes along when `STEPS_AHEAD` steps went before them. So lower priorities
take at most a quarter of the steps while higher ones are ready, each at least a twentieth, and none
waits for ever.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection
from operator import attrgetter

from rasr.scheduling.task import DecodeTask, Priority

STEPS_AHEAD = 8
"""So many steps go before one of a lower priority that waits."""
_HEAD_START_S = 0.1
"""A slot leaves a step to another one that had the stream before, unless it is due so much sooner
than its own: about what a full batch takes."""
_by_due = attrgetter("due")


class Shares:
    """What lower priorities are owed for the turns that others took before them."""

    def __init__(self) -> None:
        self._passed: dict[Priority, int] = {}
        """For each priority that waits: turns of others, not paid back yet."""

    def owed(self, turns: int, waiting: Collection[Priority], most: int) -> list[Priority]:
        """Count `turns` of a higher priority; the priorities that have a turn now because of it.

        Args:
            waiting: lower priorities that have work. One that has none is owed nothing.
            most: turns that can be given now.
        """
        self._passed = {
            priority: self._passed.get(priority, 0) + turns for priority in sorted(waiting)
        }
        given: list[Priority] = []
        while len(given) < most:
            # The one that waits longest; of two, the higher.
            first = max(self._passed, key=self._passed.__getitem__, default=None)
            if first is None or self._passed[first] < STEPS_AHEAD:
                break
            self._passed[first] -= STEPS_AHEAD
            given.append(first)
        for priority in given:
            # More than one turn is not saved up: who had none now is further behind.
            self._passed[priority] = min(self._passed[priority], STEPS_AHEAD - 1)
        return given


def choose(
    ready: Collection[DecodeTask],
    shares: Shares,
    *,
    slot: int,
    idle_slots: int,
    max_batch: int,
    now: float,
) -> list[DecodeTask]:
    """The steps of the next batch of `slot`, those that are due first before others.

    Args:
        shares: of the worker.
        idle_slots: of the same worker, besides `slot`. What is ready is shared with them: half a
            batch each is done sooner than one whole.
    """
    priorities = {task.priority for task in ready}
    if len(priorities) < 2:
        return _of_one_priority(ready, slot, idle_slots, max_batch, now)
    first = min(priorities)
    others = priorities - {first}
    by_priority = {
        priority: [task for task in ready if task.priority is priority] for priority in priorities
    }
    chosen = _of_one_priority(by_priority[first], slot, idle_slots, max_batch, now)
    owed = shares.owed(len(chosen), others, -(-max_batch // STEPS_AHEAD))
    along = [
        task
        for priority in others
        for task in heapq.nsmallest(owed.count(priority), by_priority[priority], key=_by_due)
    ]
    return chosen[: max_batch - len(along)] + along


def _of_one_priority(
    ready: Collection[DecodeTask], slot: int, idle_slots: int, max_batch: int, now: float
) -> list[DecodeTask]:
    reachable = _within_reach(ready, slot)
    most = min(-(-len(reachable) // (idle_slots + 1)), max_batch)

    def turn(task: DecodeTask) -> tuple[bool, float]:
        # Ends of recordings that came faster than speech are not due yet.
        return not task.urgent(now), task.due

    chosen = heapq.nsmallest(most, reachable, key=turn)
    awaited = [task for task in chosen if task.awaited and task.urgent(now)]
    return awaited if awaited and len(ready) < max_batch else chosen


def _within_reach(ready: Collection[DecodeTask], slot: int) -> Collection[DecodeTask]:
    """Those that `slot` should take: its own, new ones, and those that lag; else all."""
    own = min((task.due for task in ready if task.slot == slot), default=None)
    if own is None:
        return [task for task in ready if task.slot is None] or ready
    return [task for task in ready if task.slot in (slot, None) or task.due < own - _HEAD_START_S]
