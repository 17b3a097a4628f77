"""Those who watch the channels of a server: how many they may be, and that they hear of news.

They are woken a few at a time, so that between them the event loop gets to audio and to results.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Set
from typing import Protocol

from rasr.captions.watchers import Viewer, Watcher

KEEP_ALIVE_S = 15.0
"""A viewer is sent a comment so often."""
_WOKEN_AT_ONCE = 50
"""At about 40 µs each that is 2 ms, as much as a step of the server's own work."""


class Timer(Protocol):
    """A call that will be made later."""

    def cancel(self) -> None:
        """Do not make it."""


class Loop(Protocol):
    """What captions need of an event loop."""

    def time(self) -> float:
        """Seconds of a monotonic clock."""

    def call_soon(self, callback: Callable[[], None]) -> object:
        """Call at the next turn of the loop."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call in `delay` seconds."""


class ViewerRefused(Exception):
    """There is no room for another viewer; the text says so."""


class Audience:
    """All who watch, whether there is such a channel or not."""

    def __init__(self, most: int, loop: Loop) -> None:
        """
        Args:
            most: so many viewers there may be, and as many other servers that copy channels.
        """
        self._most = most
        self._loop = loop
        self._watchers: dict[str, set[Watcher]] = {}
        self._watched: Counter[str] = Counter()
        """Viewers by the name that they watch."""
        self.viewers = 0
        """So many there are."""
        self._copiers = 0
        self._to_wake: deque[Watcher] = deque()
        self._keep_alive: Timer | None = None
        self.closing = False
        """True once `close` was called."""
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def watched(self) -> Set[str]:
        """The names that viewers watch."""
        return self._watched.keys()

    def watches(self, name: str) -> int:
        """How many viewers watch a name."""
        return self._watched[name]

    def admit(self, watcher: Watcher) -> None:
        """Take one in.

        Raises:
            ViewerRefused: there are too many, or the server is shutting down.
        """
        is_viewer = isinstance(watcher, Viewer)
        count, what = (self.viewers, "viewers") if is_viewer else (self._copiers, "copies")
        if self.closing:
            raise ViewerRefused("the server is shutting down")
        if count >= self._most:
            raise ViewerRefused(
                f"{count} of {self._most} {what} are here; try again when one has left"
            )
        if is_viewer:
            self.viewers += 1
            self._watched[watcher.name] += 1
        else:
            self._copiers += 1
        self._watchers.setdefault(watcher.name, set()).add(watcher)
        self._empty.clear()
        if self._keep_alive is None:
            self._keep_alive = self._loop.call_later(KEEP_ALIVE_S, self._comment)

    def leave(self, watcher: Watcher) -> None:
        """Forget one that was taken in."""
        watching = self._watchers[watcher.name]
        watching.remove(watcher)
        if not watching:
            del self._watchers[watcher.name]
        if isinstance(watcher, Viewer):
            self.viewers -= 1
            self._watched[watcher.name] -= 1
            if not self._watched[watcher.name]:
                del self._watched[watcher.name]
        else:
            self._copiers -= 1
        if not self._watchers:
            self._empty.set()
            if self._keep_alive is not None:
                self._keep_alive.cancel()
                self._keep_alive = None

    def wake(self, name: str) -> None:
        """There is news for those who watch a name."""
        idle = not self._to_wake
        for watcher in self._watchers.get(name, ()):
            # One that waits for its turn already is told of this too when it comes.
            if not watcher.is_queued:
                watcher.is_queued = True
                self._to_wake.append(watcher)
        if idle and self._to_wake:
            self._wake_some()

    def _wake_some(self) -> None:
        for _ in range(min(_WOKEN_AT_ONCE, len(self._to_wake))):
            self._to_wake.popleft().wake()
        if self._to_wake:
            self._loop.call_soon(self._wake_some)

    def _comment(self) -> None:
        self._keep_alive = self._loop.call_later(KEEP_ALIVE_S, self._comment)
        for name, watchers in self._watchers.items():
            for watcher in watchers:
                watcher.comment_due = True
            self.wake(name)

    async def wait_until_empty(self) -> None:
        """Wait until nobody watches."""
        await self._empty.wait()

    async def close(self, deadline_s: float) -> None:
        """Tell everybody that this is the end; one that does not take it in time is dropped."""
        self.closing = True
        for name in self._watchers:
            self.wake(name)
        try:
            async with asyncio.timeout(deadline_s):
                await self.wait_until_empty()
        except TimeoutError:
            for watcher in [one for watchers in self._watchers.values() for one in watchers]:
                watcher.abort()
            await self.wait_until_empty()
