"""The event loop, shared fairly: how much of it the messages of each session may take.

What a message costs is measured, whatever is in it: a START, a thousand frames of a byte, or a
kilobyte that holds half an hour of compressed silence. A session gives way to others every few
milliseconds. One that has taken more than its share waits until it has not, and where all of them
together have, those that have taken least go first. A client feels that as TCP that is slow.

Shares are kept by the generic cell rate algorithm (ITU-T I.371, annex A): one number says when all
that was taken would have been earned.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator

from rasr.precedence import Precedence

SLICE_S = 0.004
"""After so much work in a row a session gives way. A piece of audio takes 1 to 3 ms."""
SESSION_SHARE = 0.25
"""Of the processor's time that the event loop has, for one session. A second of audio takes 2 to
4 ms here, so that it can be sent 60 to 120 times as fast as it is spoken, which is faster than the
engines are."""
SESSION_BURST_S = 0.25
"""What a session may take at once after a time of rest: about a minute of audio."""
LIVE_SHARE = 0.01
"""What somebody who speaks needs: 0.3 to 0.6 % of a core for raw and compressed audio. Where
sessions wait, those that have taken no more go first (`rasr.precedence`)."""
ALL_SHARE = 0.6
"""For all sessions together: what else the loop has to do, such as results, pings and `/healthz`,
finds it free."""
ALL_BURST_S = 0.004
"""What all sessions together may take at once."""
TURN_S = 0.008
"""After so much work for all sessions the event loop turns, whatever they have earned. On a busy
machine they earn time in which the loop did not run."""
RECEIVING_S = 10e-6
"""What it costs to receive a message, about; that cannot be told from waiting for it."""


class _Rate:
    """How much of the time has been taken, against a share of it."""

    def __init__(self, share: float, burst_s: float) -> None:
        self._share = share
        self._burst_s = burst_s
        self.earned_at = 0.0
        """When all that was taken will have been earned."""

    def take(self, seconds: float, now: float) -> None:
        self.earned_at = max(self.earned_at, now) + seconds / self._share

    def wait_s(self, now: float) -> float:
        """How long nothing more may be taken; 0 if something may."""
        return max(0.0, self.earned_at - now - self._burst_s / self._share)


class FairShare:
    """The time that messages of all sessions may take."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        cost: Callable[[], float] = time.thread_time,
    ) -> None:
        """
        Args:
            clock: seconds that pass.
            cost: seconds of the processor that this thread has had.
        """
        self.clock = clock
        self.cost = cost
        self._rate = _Rate(ALL_SHARE, ALL_BURST_S)
        self._live: deque[asyncio.Future[None]] = deque()
        self._others: list[tuple[float, int, asyncio.Future[None]]] = []
        """A heap: those that have taken least are first."""
        self._numbers = itertools.count()
        self._precedence = Precedence()
        self._granting: asyncio.Handle | None = None
        self._this_turn_s = 0.0
        """Work since the event loop has turned."""

    def session(self) -> SessionShare:
        """The share of one more session."""
        return SessionShare(self)

    def take(self, seconds: float, now: float) -> None:
        """Note that a session has worked for so long."""
        if self._this_turn_s == 0:
            asyncio.get_running_loop().call_soon(self._turned)
        self._this_turn_s += seconds
        self._rate.take(seconds, now)

    def is_used_up(self, now: float) -> bool:
        """True if whoever wants to work has to wait, or others wait already."""
        waiting = self._live or self._others
        return bool(waiting) or self._this_turn_s >= TURN_S or self._rate.wait_s(now) > 0

    def _turned(self) -> None:
        self._this_turn_s = 0.0

    async def turn(self, earned_at: float | None) -> None:
        """Wait for a turn. One session has one at a time.

        Args:
            earned_at: when the session will have earned, as one that is live, what it has taken;
                None if it has.
        """
        turn = asyncio.get_running_loop().create_future()
        if earned_at is None:
            self._live.append(turn)
        else:
            heapq.heappush(self._others, (earned_at, next(self._numbers), turn))
        if self._granting is None:
            self._granting = asyncio.get_running_loop().call_soon(self._grant)
        await turn

    def _grant(self) -> None:
        self._granting = None
        # Sessions may have ended while they waited.
        while self._live and self._live[0].done():
            self._live.popleft()
        while self._others and self._others[0][2].done():
            heapq.heappop(self._others)
        if not self._live and not self._others:
            return
        loop = asyncio.get_running_loop()
        pause = self._rate.wait_s(self.clock())
        if pause > 0:
            self._granting = loop.call_later(pause, self._grant)
            return
        self._next().set_result(None)
        # Called behind the work of that session.
        self._granting = loop.call_soon(self._grant)

    def _next(self) -> asyncio.Future[None]:
        live, others = bool(self._live), bool(self._others)
        if self._precedence.is_of_first(first=live, others=others):
            return self._live.popleft()
        return heapq.heappop(self._others)[2]


class SessionShare:
    """The time that messages of one session may take."""

    def __init__(self, all_: FairShare) -> None:
        self._all = all_
        self._rate = _Rate(SESSION_SHARE, SESSION_BURST_S)
        self._live = _Rate(LIVE_SHARE, 0.0)
        self._in_a_row = 0.0

    def work(self, call: Callable[[], None]) -> None:
        """Do a piece of work, which must not take long, and note what it costs."""
        began = self._all.cost()
        call()
        self._took(self._all.cost() - began + RECEIVING_S)

    def measured(self, steps: Iterator[None]) -> Iterator[None]:
        """Do `steps`, none of which may take long, and note what each costs."""
        while True:
            began = self._all.cost()
            try:
                next(steps)
            except StopIteration:
                return
            self._took(self._all.cost() - began)
            yield

    def _took(self, seconds: float) -> None:
        now = self._all.clock()
        self._in_a_row += seconds
        self._rate.take(seconds, now)
        self._live.take(seconds, now)
        self._all.take(seconds, now)

    @property
    def must_wait(self) -> bool:
        """True if others are to go first: then `turn` is awaited before the next piece of work."""
        return self._in_a_row >= SLICE_S or self._all.is_used_up(self._all.clock())

    async def turn(self) -> None:
        """Let others go first, and wait until what was taken has been earned."""
        self._in_a_row = 0.0
        await asyncio.sleep(self._rate.wait_s(self._all.clock()))
        now = self._all.clock()
        if self._all.is_used_up(now):
            is_live = self._live.wait_s(now) == 0
            await self._all.turn(None if is_live else self._live.earned_at)
