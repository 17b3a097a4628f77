"""Whose turn it is at the workers: who is due first.

The first piece of a text is due at once. A later one is due when what was made before it has been
heard: a text that is far ahead of its listener waits for those that have not begun.
"""

from __future__ import annotations

import asyncio
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

WorkerT = TypeVar("WorkerT")


class Turns(Generic[WorkerT]):
    """Workers that are free, and those who wait for one. It belongs to one event loop."""

    def __init__(self) -> None:
        self._free: list[WorkerT] = []
        self._waiting: list[tuple[float, int, asyncio.Future[WorkerT]]] = []
        self._numbers = count()

    async def take(self, due: float) -> WorkerT:
        """A worker, when there is one for who is due then; it has to be given back.

        Args:
            due: on any clock that all who wait share.
        """
        if self._free:
            return self._free.pop()
        mine: asyncio.Future[WorkerT] = asyncio.get_running_loop().create_future()
        # Who is due at the same time goes in the order of coming.
        heappush(self._waiting, (due, next(self._numbers), mine))
        try:
            return await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give(mine.result())
            raise

    def give(self, worker: WorkerT) -> None:
        """A worker is free."""
        while self._waiting:
            _, _, waiter = heappop(self._waiting)
            if not waiter.done():
                waiter.set_result(worker)
                return
        self._free.append(worker)
