"""Time, for whatever has to wait; tests bring a clock of their own."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Clock(Protocol):
    """Time in seconds since any moment."""

    def now(self) -> float:
        """Seconds since that moment; they never go back."""

    async def sleep_until(self, at_s: float) -> None:
        """Return at `at_s`, or at once if that has passed."""


class LoopClock:
    """The clock of the running event loop."""

    def now(self) -> float:
        """Seconds of the loop's clock."""
        return asyncio.get_running_loop().time()

    async def sleep_until(self, at_s: float) -> None:
        """Return at `at_s`, or at once if that has passed."""
        await asyncio.sleep(max(0.0, at_s - self.now()))
