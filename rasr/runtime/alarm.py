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


_LOOKS = 4
"""So often within its time a watchdog looks whether the work gets on."""


class Watchdog:
    """Barks when nothing has happened for too long since it was started.

    Something happens when it is fed, and when less work is left than before.
    """

    def __init__(
        self, timeout_s: float, work_left: Callable[[], float], bark: Callable[[], None]
    ) -> None:
        self._timeout_s = timeout_s
        self._work_left = work_left
        self._bark = bark
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(self._check)
        self._is_running = False
        self._fed_at = 0.0
        self._left = 0.0
        """The work when it looked last."""

    def start(self) -> None:
        """From now on something must happen. It may have been started before."""
        if not self._is_running:
            self._is_running = True
            self.feed()
            self._look_again()

    def feed(self) -> None:
        """Something has happened."""
        self._fed_at = self._loop.time()

    def cancel(self) -> None:
        """Nothing need happen any more."""
        self._is_running = False
        self._alarm.cancel()

    def _check(self) -> None:
        if self._work_left() < self._left:
            self.feed()
        if self._loop.time() < self._fed_at + self._timeout_s:
            self._look_again()
        else:
            self._is_running = False
            self._bark()

    def _look_again(self) -> None:
        self._left = self._work_left()
        next_look = self._loop.time() + self._timeout_s / _LOOKS
        self._alarm.set(min(self._fed_at + self._timeout_s, next_look))
