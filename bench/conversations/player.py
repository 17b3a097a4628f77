"""Holds a scripted conversation with a server, at full speed, over a real websocket."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.conversations.script import LAST_WORD, Ending, Message, Round, Script
from bench.conversations.sounds import cut
from rasr.client import address_of

PATIENCE_S = 120.0
"""An answer that takes longer is one that does not come, however busy the machine is."""


@dataclass(slots=True)
class Heard:
    """What a client has received."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    close_code: int | None = None
    missing: str = ""
    """What was waited for in vain."""
    slowest_s: float = 0.0
    """The longest that START or END waited for its answer."""


async def play(url: str, script: Script) -> Heard:
    """Hold the conversation; what came of it.

    Raises:
        OSError, TimeoutError, websockets.InvalidHandshake: there was none.
    """
    address = address_of(url, script.mode, "conversations")
    async with connect(
        address,
        compression=None,
        proxy=None,
        open_timeout=PATIENCE_S,
        ping_interval=None,
        max_queue=None,
    ) as socket:
        player = _Player(socket)
        reader = asyncio.create_task(player.read())
        try:
            await player.play(script)
        except TimeoutError:
            socket.transport.abort()
        except ConnectionClosed:
            player.heard.missing = player.heard.missing or "the server closed"
        else:
            if not script.leaves:
                await socket.close()
        await reader
    player.heard.close_code = socket.close_code
    return player.heard


class _Player:
    """The client of one conversation."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._kinds: Counter[str] = Counter()
        self._has_last_word = False
        self._changed = asyncio.Event()
        self._is_closed = False
        self.heard = Heard()

    async def read(self) -> None:
        """Until the connection is over."""
        with suppress(ConnectionClosed):
            async for text in self._socket:
                message = json.loads(text)
                self.heard.messages.append(message)
                self._kinds[message["resp_type"]] += 1
                self._has_last_word |= "'LAST'" in message.get("error_msg", "")
                self._changed.set()
        self._is_closed = True
        self._changed.set()

    async def play(self, script: Script) -> None:
        """Do all that is in the script."""
        for step in script.steps:
            if isinstance(step, Message):
                await self._socket.send(step.frame)
            else:
                await self._round(step)
        if not script.leaves:
            await self._socket.send(LAST_WORD)
            await self._until("the last answer", lambda: self._has_last_word)

    async def _round(self, one: Round) -> None:
        starts, ends = self._kinds["START"] + 1, self._kinds["END"] + 1
        sent = time.monotonic()
        await self._socket.send(one.start)
        if one.awaits_start:
            await self._until("START", lambda: self._kinds["START"] == starts, since=sent)
        for piece in cut(one.recording.encoded(), one.sizes):
            await self._socket.send(piece)
        if one.ending is Ending.CLOSE:
            await self._socket.close()
        elif one.ending is Ending.BREAK_OFF:
            self._socket.transport.abort()
        else:
            sent = time.monotonic()
            for message in (one.last, *one.behind):
                await self._socket.send(message.frame)
            await self._until("END", lambda: self._kinds["END"] == ends, since=sent)

    async def _until(
        self, what: str, came: Callable[[], bool], *, since: float | None = None
    ) -> None:
        """Wait for an answer.

        Raises:
            TimeoutError: it has not come, or cannot come any more.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not came():
                    if self._is_closed:
                        raise TimeoutError
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self.heard.missing = what
            raise
        if since is not None:
            self.heard.slowest_s = max(self.heard.slowest_s, time.monotonic() - since)
