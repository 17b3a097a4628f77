"""The driver of a conversation: what every dialect's connection does, whatever is held on it.

It gives inputs to the conversation, has the effects carried out, keeps one timer, and writes what
is to be sent. A fault of ours in there ends this connection and no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

import structlog

from rasr.runtime.alarm import Alarm
from rasr.runtime.outbox import Outbox, Sent
from rasr.runtime.statistics import SessionStatistics
from rasr.wire.dialect import Close, Send

_log = structlog.get_logger("rasr.session")

EffectT = TypeVar("EffectT")
EffectT_co = TypeVar("EffectT_co", covariant=True)


class Socket(Protocol):
    """A websocket after its handshake."""

    @property
    def gone(self) -> bool:
        """True once the peer has left: what it has said before is work for nobody."""

    async def receive(self) -> str | bytes | None:
        """The next message; None once the peer is gone."""

    async def send(self, message: str | bytes) -> None:
        """Send a message; waits while the peer reads slowly.

        Raises:
            TimeoutError: the peer takes nothing.
        """

    async def close(self, code: int, reason: str) -> None:
        """Close with a handshake.

        Raises:
            TimeoutError: the peer takes nothing.
        """

    def abort(self) -> None:
        """Drop the connection at once, whatever has not been sent."""


class Driven(Protocol[EffectT_co]):
    """What is asked of a conversation here; its inputs are its own."""

    def effects(self) -> Sequence[EffectT_co]:
        """What is to be done since the last call, in order."""

    def deadline(self) -> float | None:
        """When it is to be told the time; None for never."""

    def break_off(self) -> None:
        """The server itself failed this connection: say so, close."""

    def encode(self, message: object) -> str | bytes:
        """The frame of a message that was sent by `Send`."""


class ConversationDriver(Generic[EffectT]):
    """Drives one conversation on one socket."""

    def __init__(
        self,
        socket: Socket,
        conversation: Driven[EffectT],
        statistics: SessionStatistics,
        do: Callable[[EffectT], None],
        ring: Callable[[], None],
        *,
        outbox: Outbox | None = None,
    ) -> None:
        """
        Args:
            do: carries out an effect.
            ring: called at the conversation's deadline, perhaps too early.
            outbox: None: one of its own.
        """
        self._socket = socket
        self._conversation = conversation
        self._statistics = statistics
        self._do = do
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(ring)
        self.outbox = outbox or Outbox()
        """What waits to be sent."""

    async def run(self, read: Callable[[], Awaitable[None]]) -> None:
        """Write, and keep the timer, until `read` ends or the peer takes nothing.

        Args:
            read: takes messages until the peer is gone.
        """
        self._alarm.set(self._conversation.deadline())
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write(), name="connection-writer")
                await read()
                writer.cancel()
        except* TimeoutError:
            self._statistics.reason = "the client does not read"
            self._socket.abort()

    def end(self, eof: Callable[[], None]) -> None:
        """The peer is gone: tell the conversation, and ring no more."""
        self.guarded(eof)
        self._alarm.cancel()

    def guarded(self, call: Callable[[], None]) -> None:
        """One input of the conversation and what follows from it.

        A fault in here is ours. It ends this connection and no other, and is told apart from the
        peer's faults, which never raise.
        """
        try:
            call()
            self._carry_out()
        except Exception:
            _log.exception("session_failed")
            self.break_off()

    def break_off(self) -> None:
        """The server itself failed this connection."""
        try:
            self._conversation.break_off()
            self._carry_out()
        except Exception:
            # The conversation itself is broken. Callers are other people's tasks.
            _log.exception("session_dropped")
            self._socket.abort()

    def send(self, effect: Send | Close) -> None:
        """Carry out one of the effects that every conversation has."""
        self.outbox.put(effect)
        if isinstance(effect, Send):
            self._statistics.partials_replaced = self.outbox.replaced
            if effect.error is not None:
                self._statistics.error(effect.error, self._loop.time(), fatal=effect.fatal)

    def _carry_out(self) -> None:
        for effect in self._conversation.effects():
            self._do(effect)
        self._alarm.set(self._conversation.deadline())

    async def _write(self) -> None:
        while True:
            item = await self.outbox.get()
            if isinstance(item, Sent):
                item.call()
                continue
            if isinstance(item, Close):
                await self._socket.close(item.code, item.reason)
                return
            await self._socket.send(self._conversation.encode(item.message))
