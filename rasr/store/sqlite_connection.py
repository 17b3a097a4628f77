"""Connections to a SQLite file, each with a thread of its own, that can be stopped by several."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from typing import Any
from weakref import WeakSet

from aiosqlite import Connection

_ROWS_AT_ONCE = 64


class SqliteConnection(Connection):
    """A connection whose thread may be stopped more than once.

    Whoever is cancelled while a connection closes stops it again. The thread ends at the first
    time, and would never answer the second: who waits for that waits for ever.
    """

    def __init__(self, database: str, **options: Any) -> None:
        """Raises nothing: the file is opened when this is awaited.

        Args:
            options: of `sqlite3.connect`.
        """
        super().__init__(partial(sqlite3.connect, database, **options), _ROWS_AT_ONCE)
        # What hangs in a file does not keep the process.
        self._thread.daemon = True
        self._is_stopped = False

    def stop(self) -> asyncio.Future[Any] | None:
        """Stop the thread. Returns what to wait for: nothing where somebody has done it before."""
        if self._is_stopped:
            return None
        self._is_stopped = True
        return super().stop()

    def join(self, within_s: float) -> None:
        """Wait for the end of the thread, where it was stopped."""
        if self._is_stopped:
            self._thread.join(within_s)


class SqliteConnections:
    """The connections of one engine."""

    def __init__(self) -> None:
        self._opened: WeakSet[SqliteConnection] = WeakSet()

    def open(self, database: str, **options: Any) -> SqliteConnection:
        """See `SqliteConnection`."""
        opened = SqliteConnection(database, **options)
        self._opened.add(opened)
        return opened

    async def ended(self, within_s: float) -> None:
        """Wait until no thread of those that were closed answers any more to this event loop,
        which may be over after that. A file system that hangs may keep one for longer.
        """
        await asyncio.gather(*[asyncio.to_thread(one.join, within_s) for one in self._opened])
