"""Messages of a peer, some of which must wait."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Protocol

from rasr.tasks import awaited

_MOST_KEPT_BYTES = 4 << 20
"""Of messages that wait; then no more are read."""
_OVERHEAD_BYTES = 100
"""What an empty message takes, about: an object and its place in a queue."""


class Source(Protocol):
    """Where messages come from."""

    async def receive(self) -> str | bytes | None:
        """The next message; None once the peer is gone."""


class Inbox:
    """Reads on while something is awaited, so that a peer that leaves is noticed, up to a bound."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._receiving: asyncio.Future[str | bytes | None] | None = None
        self._kept: deque[str | bytes] = deque()
        self._kept_bytes = 0

    async def next(self) -> str | bytes | None:
        """The next message; None once the peer is gone."""
        if self._kept:
            message = self._kept.popleft()
            self._kept_bytes -= len(message) + _OVERHEAD_BYTES
            return message
        if self._receiving is not None:
            receiving, self._receiving = self._receiving, None
            return await receiving
        return await self._source.receive()

    async def keep_until(self, done: asyncio.Future[None]) -> bool:
        """Keep what comes until a task is done. False: the peer is gone."""
        while not done.done():
            if self._kept_bytes >= _MOST_KEPT_BYTES:
                await asyncio.wait({done})
                break
            if self._receiving is None:
                self._receiving = awaited(self._source.receive(), name="receive")
            either: set[asyncio.Future[Any]] = {done, self._receiving}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._receiving.done():
                message = self._receiving.result()
                self._receiving = None
                if message is None:
                    return False
                self._kept.append(message)
                self._kept_bytes += len(message) + _OVERHEAD_BYTES
        return True

    def close(self) -> None:
        """Read no more."""
        if self._receiving is not None:
            self._receiving.cancel()
