"""Places for work of which only so much is done at once, shared between those who want it.

One caller who asks for many must not keep the others waiting: the place that becomes free is for
whoever has the fewest.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Places:
    """So many places."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._held: Counter[str] = Counter()
        """By whom."""
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        """Those who came first before others. While one waits no place is free."""

    @asynccontextmanager
    async def place(self, caller: str) -> AsyncIterator[None]:
        """Wait for a place, and have it."""
        await self._take(caller)
        try:
            yield
        finally:
            self._give_back(caller)

    async def _take(self, caller: str) -> None:
        if self._free:
            self._free -= 1
            self._held[caller] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        waits = (caller, turn)
        self._waiting.append(waits)
        try:
            await turn
        except asyncio.CancelledError:
            if waits in self._waiting:
                self._waiting.remove(waits)
            elif not turn.cancelled():
                # It came just then.
                self._give_back(caller)
            raise

    def _give_back(self, caller: str) -> None:
        self._free += 1
        while self._waiting and self._free:
            waits = min(self._waiting, key=lambda one: self._held[one[0]])
            self._waiting.remove(waits)
            name, turn = waits
            if not turn.done():
                self._free -= 1
                self._held[name] += 1
                turn.set_result(None)
        # Only now: of two who have none, the one who had this place is not the next.
        self._held[caller] -= 1
        if not self._held[caller]:
            del self._held[caller]
