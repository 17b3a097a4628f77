"""The places of a line, one websocket each, and how a new one is sent what it has missed."""

from __future__ import annotations

import asyncio
from typing import Protocol

from rasr.wire.resuming import SentMessages

CLOSE_REPLACED = 4009
"""Of the closing handshake: the round goes on on another connection, and this one is not wanted."""
_ON_ANOTHER = "the round goes on on another connection"


class Peer(Protocol):
    """A websocket after its handshake."""

    @property
    def gone(self) -> bool:
        """True once the peer has left: what it has said before is work for nobody."""

    @property
    def left_for_good(self) -> bool:
        """True if the peer has closed in order, as one does who does not mean to come back."""

    async def receive(self) -> str | bytes | None:
        """The next message; None once the peer is gone."""

    async def send(self, message: str | bytes) -> None:
        """Send a message; waits while the peer reads slowly."""

    async def close(self, code: int, reason: str) -> None:
        """Close with a handshake."""

    def abort(self) -> None:
        """Drop the connection at once, whatever has not been sent."""


class Place:
    """Where one websocket of the client is held."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.caught_up = asyncio.Event()
        """It has been sent what it had missed, or never will be."""
        self.caught_up.set()
        self.left = asyncio.Event()
        """The line has no more to do with it."""
        self._waits: set[asyncio.Timeout] = set()

    async def receive(self) -> str | bytes | None:
        """The next message; None: the peer is gone, or another one has its place."""
        try:
            async with asyncio.timeout(None) as wait:
                self._waits.add(wait)
                return await self.peer.receive()
        except TimeoutError:
            return None
        finally:
            self._waits.discard(wait)

    async def send(self, message: str | bytes, limit_s: float) -> None:
        """Send a message, behind what was missed.

        Raises:
            TimeoutError: the peer takes nothing for so long, or another one has its place.
        """
        async with asyncio.timeout(limit_s) as wait:
            self._waits.add(wait)
            try:
                await self.caught_up.wait()
                await self.peer.send(message)
            finally:
                self._waits.discard(wait)

    async def close(self, code: int, reason: str, limit_s: float) -> None:
        """Close the websocket, behind what was missed.

        Raises:
            TimeoutError: the peer takes nothing for so long.
        """
        async with asyncio.timeout(limit_s):
            await self.caught_up.wait()
            await self.peer.close(code, reason)

    def give_way(self) -> None:
        """Another websocket has come: nobody waits for this one any more."""
        now = asyncio.get_running_loop().time()
        for wait in self._waits:
            if not wait.expired():
                wait.reschedule(now)


class Return:
    """A client that has come back with another websocket, until that one is gone again."""

    def __init__(
        self,
        sent: SentMessages,
        place: Place,
        former: Place | None,
        answer: str,
        number: int,
        send_timeout_s: float,
    ) -> None:
        """
        Args:
            sent: the messages of the round.
            former: the place that this one takes.
            answer: goes before what was missed, which is what comes behind `number`.
        """
        self._sent = sent
        self._place = place
        self._former = former
        self._answer = answer
        self._number = number
        self._send_timeout_s = send_timeout_s

    async def run(self) -> None:
        """Send what was missed, and wait until the websocket is of no more use."""
        try:
            if self._former is not None:
                await self._former.peer.close(CLOSE_REPLACED, _ON_ANOTHER)
                # Not before: whoever holds that websocket closes it then, as if all were well.
                self._former.left.set()
            async with asyncio.timeout(self._send_timeout_s):
                await self._catch_up()
        except TimeoutError:
            self._place.peer.abort()
        finally:
            # Nothing has been added since the last look: no other task has run.
            self._place.caught_up.set()
        await self._place.left.wait()

    async def _catch_up(self) -> None:
        place, sent, told = self._place, self._sent, self._number
        await place.peer.send(self._answer)
        while missed := sent.after(told):
            if not sent.has_all_after(told):
                # It was too slow: more has been said meanwhile than is kept.
                place.peer.abort()
                return
            for text in missed:
                await place.peer.send(text)
            told += len(missed)
