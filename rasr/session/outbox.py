"""What waits to be sent to one client: results in order, of partials only the newest."""

from __future__ import annotations

import asyncio
from collections import deque

from rasr.session.effects import Close
from rasr.wire.sis.messages import Result, ServerMessage

_ROOM = 256
"""Messages that may wait. A round of several minutes makes fewer; nonsense sent by a client that
does not read its answers makes as many as it likes."""


class Outbox:
    """A queue with one reader. Finals and events are kept, partials replace each other.

    `put` always succeeds, nothing recognised is lost; who makes work for it waits for `room`.
    """

    def __init__(self) -> None:
        self._waiting: deque[ServerMessage | Close] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self.replaced = 0
        """Partials that were outdated before the client took them."""

    def put(self, item: ServerMessage | Close) -> None:
        # A result that has not left yet is outdated by the next one of its sentence.
        if isinstance(item, Result) and self._waiting and _is_partial(self._waiting[-1]):
            self._waiting[-1] = item
            self.replaced += 1
        else:
            self._waiting.append(item)
        self._filled.set()

    async def get(self) -> ServerMessage | Close:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        item = self._waiting.popleft()
        self._emptied.set()
        return item

    @property
    def full(self) -> bool:
        """True while 256 messages or more wait."""
        return len(self._waiting) >= _ROOM

    async def room(self) -> None:
        """Wait until it is not full."""
        while self.full:
            self._emptied.clear()
            await self._emptied.wait()


def _is_partial(item: ServerMessage | Close) -> bool:
    return isinstance(item, Result) and not any(segment.is_final for segment in item.segments)
