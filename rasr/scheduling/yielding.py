"""How many slots of an engine recordings may have: all of them, or half while somebody speaks.

A reading of a recording takes as long as it takes: whoever begins to speak while every slot has one
waits for it. So as long as somebody speaks, and a moment longer, because he goes on after a breath,
recordings leave half of the slots alone. Where there is a single slot they have it whenever no live
step is ready.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from math import inf

from rasr.scheduling.task import DecodeTask, Priority

LINGER_S = 3.0
"""Longer than a breath, and than the pause in which somebody else says yes."""
LOOK_S = 0.25
"""A slot that leaves recordings alone looks again after so long."""


class RecordingSlots:
    """Counts the slots that have batches of recordings."""

    def __init__(self, slots: int, has_live: Callable[[], bool]) -> None:
        """
        Args:
            slots: of all workers of the engine.
            has_live: whether somebody speaks live.
        """
        self._slots = slots
        self._has_live = has_live
        self._spoken_at = -inf
        self._taken = 0

    def reachable(self, ready: Collection[DecodeTask], now: float) -> Collection[DecodeTask]:
        """Those of the tasks that are ready which one more slot may take."""
        if self._has_live():
            self._spoken_at = now
        others = [task for task in ready if task.priority is not Priority.BATCH]
        if others:
            # Recordings that have a slot need no turns in the batches of others.
            return others if self._taken else ready
        is_spoken = now - self._spoken_at < LINGER_S
        most = max(1, self._slots // 2) if is_spoken else self._slots
        return ready if self._taken < most else ()

    @contextmanager
    def in_use(self, tasks: Collection[DecodeTask | None]) -> Iterator[None]:
        """While it lasts a slot has a batch of these tasks; None: of some that are over."""
        priorities = {task.priority for task in tasks if task is not None}
        count = priorities == {Priority.BATCH}
        self._taken += count
        try:
            yield
        finally:
            self._taken -= count

    async def news(self, wake: asyncio.Event, *, waiting: bool) -> None:
        """Wait until a slot may have something to do.

        Args:
            waiting: recordings wait, which may go on when whoever spoke is silent.
        """
        try:
            async with asyncio.timeout(LOOK_S if waiting else None):
                await wake.wait()
        except TimeoutError:
            pass
