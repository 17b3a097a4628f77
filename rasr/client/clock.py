"""Time, for whatever has to wait; tests bring their own."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Clock(Protocol):
    """Time in seconds, from any beginning."""

    def now(self) -> float: ...

    async def sleep_until(self, at_s: float) -> None: ...


class LoopClock:
    """The clock of the running event loop."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep_until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self.now()))
