"""One deadline that moves on often and seldom comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls once when its time has come."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._at: float | None = None
        self._expired: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float, expired: Callable[[], None]) -> None:
        """Call `expired` in so many seconds, instead of what was set before."""
        self._at, self._expired = self._loop.time() + seconds, expired
        # A deadline that moves on, as most do, costs no new timer.
        if self._timer is None or self._timer.when() > self._at:
            self._arm()

    def clear(self) -> None:
        """Take it back."""
        self._at = self._expired = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        assert self._at is not None
        self._timer = self._loop.call_at(self._at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._at is None or self._expired is None:
            return
        if self._loop.time() < self._at:
            self._arm()
            return
        expired = self._expired
        self._at = self._expired = None
        expired()
