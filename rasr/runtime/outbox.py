"""What waits to be sent to one client: messages in order, of partials only the newest."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rasr.wire.dialect import Close, Send

_ROOM = 256
"""Messages that may wait. A recognition of several minutes makes fewer; nonsense sent by a client
that does not read its answers makes as many as it likes."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Everything before it has been sent when it is taken out."""

    call: Callable[[], None]


class Outbox:
    """A queue with one reader. What is replaceable is replaced by what comes after it.

    `put` always succeeds, nothing recognised is lost; who makes work for it waits for `room`.
    """

    def __init__(self, room: int = _ROOM) -> None:
        """
        Args:
            room: with so many messages it is full.
        """
        self._room = room
        self._waiting: deque[Send | Close | Sent] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self.replaced = 0
        """Messages that were outdated before the client took them."""

    def put(self, item: Send | Close | Sent) -> None:
        """Add a message, or a call for when those before it have been sent."""
        if isinstance(item, Send) and item.replaces:
            self._replace(item)
        else:
            self._waiting.append(item)
        self._filled.set()

    def _replace(self, item: Send) -> None:
        """Put `item` in the place of the message before it, if that may go."""
        if self._waiting and _may_go(self._waiting[-1]):
            self._waiting[-1] = item
            self.replaced += 1
            return
        self._waiting.append(item)

    async def get(self) -> Send | Close | Sent:
        """The oldest message, as soon as there is one."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        item = self._waiting.popleft()
        self._emptied.set()
        return item

    @property
    def is_empty(self) -> bool:
        """True if nothing waits."""
        return not self._waiting

    @property
    def full(self) -> bool:
        """True while so many messages wait, or more."""
        return len(self._waiting) >= self._room

    async def room(self) -> None:
        """Wait until it is not full."""
        while self.full:
            self._emptied.clear()
            await self._emptied.wait()


def _may_go(item: Send | Close | Sent) -> bool:
    return isinstance(item, Send) and item.replaceable
