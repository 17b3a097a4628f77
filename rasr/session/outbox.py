"""What waits to be sent to one client: results in order, of partials only the newest."""

from __future__ import annotations

import asyncio
from collections import deque

from rasr.protocol.messages import Result, ServerMessage
from rasr.session.effects import Close


class Outbox:
    """A queue with one reader. Finals and events are kept, partials replace each other.

    It has no limit in length: a client that does not read is dropped after a bounded time, and
    sound makes messages at a bounded rate.
    """

    def __init__(self) -> None:
        self._waiting: deque[ServerMessage | Close] = deque()
        self._filled = asyncio.Event()

    def put(self, item: ServerMessage | Close) -> None:
        # A result that has not left yet is outdated by the next one of its sentence.
        if isinstance(item, Result) and self._waiting and _is_partial(self._waiting[-1]):
            self._waiting[-1] = item
        else:
            self._waiting.append(item)
        self._filled.set()

    async def get(self) -> ServerMessage | Close:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()

    def __len__(self) -> int:
        return len(self._waiting)


def _is_partial(item: ServerMessage | Close) -> bool:
    return isinstance(item, Result) and not any(segment.is_final for segment in item.segments)
