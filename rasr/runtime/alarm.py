"""Timers: for a pure state machine that tells its next deadline, and for what must not stall."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """Rings at or before the deadline.

    Each message may move a deadline back; the timer is left where it is and asks again when it
    fires, which is cheaper than a new timer for each message.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        """
        Args:
            ring: called on the event loop, perhaps too early.
        """
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def set(self, deadline: float | None) -> None:
        """Ring at this time of the loop's clock; None: no deadline for now."""
        if deadline is None:
            return
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._fire)

    def cancel(self) -> None:
        """Ring no more, until it is set again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        self._ring()


class Watchdog:
    """Barks when nothing has fed it for too long since it was started."""

    def __init__(self, timeout_s: float, bark: Callable[[], None]) -> None:
        self._timeout_s = timeout_s
        self._bark = bark
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(self._check)
        self._fed_at = 0.0

    def start(self) -> None:
        """From now on it must be fed."""
        self.feed()
        self._alarm.set(self._fed_at + self._timeout_s)

    def feed(self) -> None:
        """Something goes on."""
        self._fed_at = self._loop.time()

    def cancel(self) -> None:
        """It need not be fed any more."""
        self._alarm.cancel()

    def _check(self) -> None:
        deadline = self._fed_at + self._timeout_s
        if self._loop.time() < deadline:
            self._alarm.set(deadline)
        else:
            self._bark()
