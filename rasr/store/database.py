"""Transactions on a database that may be locked, full or gone, each within a bounded time."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from rasr.store.errors import StoreBusy, StoreCrowded, StoreGone, StoreRefused
from rasr.store.faults import fault_of, faults_as_ours
from rasr.store.location import Location, Postgres, SqliteFile
from rasr.store.sqlite_connection import SqliteConnections
from rasr.tasks import awaited

CONNECTIONS = 4
"""To each database; transactions are short."""
_WAIT_SHARE = 0.8
"""Of `store.timeout_s`, for whatever the database waits for by itself, so that it can say what."""
_LOCK_WAIT_S = 0.1
"""So long SQLite itself waits for its one writer, in a thread that nobody can stop; then whoever
waits asks again, unless he is told to stop."""
_READS = {"rasr_reads": True}
_POSTGRES_READS = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class _SharedEngine:
    """Connections that are closed once nobody has one: what comes back to a pool after that was
    disposed of would stay open."""

    def __init__(self, location: Location, wait_s: float, *, changes_tables: bool) -> None:
        self._wait_s = wait_s
        self._to_file = SqliteConnections()
        self.engine = _engine(location, wait_s, self._to_file, changes_tables=changes_tables)
        self._users = 0
        self._is_given_up = False

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[AsyncConnection]:
        """A connection."""
        self._users += 1
        try:
            async with self.engine.connect() as connection:
                yield connection
        finally:
            self._users -= 1
            await self._close_if_needless()

    async def give_up(self) -> None:
        """Close all connections; the last one who has one closes them otherwise."""
        self._is_given_up = True
        await self._close_if_needless()

    async def _close_if_needless(self) -> None:
        if self._is_given_up and not self._users:
            # To its end, also where whoever waits for it is cancelled.
            await asyncio.shield(awaited(self._close(), name="close-database"))

    async def _close(self) -> None:
        await self.engine.dispose()
        await self._to_file.ended(self._wait_s)


class Database:
    """A database that is there. Connections are made when they are needed."""

    def __init__(
        self, location: Location, timeout_s: float, *, changes_tables: bool = False
    ) -> None:
        """
        Args:
            timeout_s: longest time of a transaction.
            changes_tables: for those that look whose tables these are, and change them: they need
                no pool, change nothing of a file of others, and rows may refer to what is not there
                while a table is made anew.
        """
        self.location = location
        self._timeout_s = timeout_s
        self._wait_s = timeout_s * _WAIT_SHARE
        self._changes_tables = changes_tables
        self._file: tuple[int, int] | None = None
        self._answered = 0
        """Transactions that are over and went well."""
        self._shared = self._new_engine()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of everything.

        Raises:
            StoreUnavailable: the database cannot be asked now.
        """
        is_file = isinstance(self.location, SqliteFile)
        options = _READS if is_file else _POSTGRES_READS
        async with self._transaction(options, self._timeout_s) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self, *, bounded: bool = True) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes all or nothing.

        Args:
            bounded: False for work on whole tables, which takes as long as it takes.

        Raises:
            StoreUnavailable: the database cannot be asked now.
        """
        async with self._transaction({}, self._timeout_s if bounded else None) as connection:
            yield connection

    async def scrub(self) -> None:
        """See that what was deleted is in no file any more, as far as that is ours to do: the log
        of SQLite (WAL) has what was written lately. Where others read just now it stays for once.

        Raises:
            StoreUnavailable: the database cannot be asked now.
        """
        if isinstance(self.location, SqliteFile):
            with faults_as_ours(self.location):
                await asyncio.to_thread(_empty_log, self.location.path, self._timeout_s)

    @property
    def engine(self) -> AsyncEngine:
        """By which it is asked."""
        return self._shared.engine

    async def close(self) -> None:
        """Close all connections, as soon as transactions that are open are over."""
        await self._shared.give_up()

    def _new_engine(self) -> _SharedEngine:
        return _SharedEngine(self.location, self._wait_s, changes_tables=self._changes_tables)

    @asynccontextmanager
    async def _transaction(
        self, options: dict[str, Any], limit_s: float | None
    ) -> AsyncIterator[AsyncConnection]:
        with faults_as_ours(self.location):
            await self._see_that_the_file_is_the_same()
            answered = self._answered
            try:
                async with asyncio.timeout(limit_s):
                    async with self._begun(options) as connection:
                        yield connection
            except PoolTimeout as error:
                if self._answered == answered:
                    # It hangs, or others have it.
                    raise
                raise StoreCrowded(
                    f"the store {self.location} is asked by too many at once"
                ) from error
            self._answered += 1

    @asynccontextmanager
    async def _begun(self, options: dict[str, Any]) -> AsyncIterator[AsyncConnection]:
        """A connection on which a transaction has begun, which others may have to end before."""
        until = time.monotonic() + self._wait_s
        while True:
            async with AsyncExitStack() as stack:
                connection = await stack.enter_async_context(self._shared.connected())
                await connection.execution_options(**options)
                try:
                    await stack.enter_async_context(connection.begin())
                except OperationalError as error:
                    if fault_of(error) is not StoreBusy or time.monotonic() >= until:
                        raise
                else:
                    yield connection
                    return

    async def _see_that_the_file_is_the_same(self) -> None:
        """Connections to a file that was deleted or replaced would go on with what is lost."""
        if not isinstance(self.location, SqliteFile):
            return
        try:
            file = _identity(self.location.path)
        except OSError as error:
            await self._connect_anew(None)
            raise StoreGone(f"the store {self.location} is gone: {error.strerror}") from error
        if self._file is None:
            self._file = file
        elif self._file != file:
            await self._connect_anew(file)

    async def _connect_anew(self, file: tuple[int, int] | None) -> None:
        if self._file is not None:
            self._file, former, self._shared = file, self._shared, self._new_engine()
            await former.give_up()


def _empty_log(path: Path, timeout_s: float) -> None:
    with closing(sqlite3.connect(path, timeout=timeout_s)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _identity(file: Path) -> tuple[int, int]:
    found = os.stat(file)
    return found.st_dev, found.st_ino


def _engine(
    location: Location, wait_s: float, to_file: SqliteConnections, *, changes_tables: bool
) -> AsyncEngine:
    pool: dict[str, Any] = (
        {"poolclass": NullPool}
        if changes_tables
        else {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": wait_s}
    )
    match location:
        case SqliteFile(path):
            return _sqlite_engine(path, wait_s, to_file, pool, is_ours=not changes_tables)
        case Postgres(url):
            return _postgres_engine(url, wait_s, pool)


def _sqlite_engine(
    path: Path, wait_s: float, to_file: SqliteConnections, pool: dict[str, Any], *, is_ours: bool
) -> AsyncEngine:
    # An empty file in place of one that is gone would be the worst of answers: never make one here.
    url = URL.create(
        "sqlite+aiosqlite", database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"}
    )
    arguments = {"timeout": wait_s, "async_creator_fn": to_file.open}
    engine = create_async_engine(url, connect_args=arguments, **pool)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # Python's driver would begin transactions by itself, too late for some statements.
        connection.isolation_level = None
        cursor = connection.cursor()
        # What was promised to a caller stays, even where the power goes.
        cursor.execute("PRAGMA synchronous = FULL")
        if is_ours:
            cursor.execute("PRAGMA foreign_keys = ON")
            # What was said in a recording is gone when it is deleted, not when it is overwritten.
            cursor.execute("PRAGMA secure_delete = ON")
            _prefer_a_log(cursor)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # Whoever reads first and writes then may be refused without any waiting.
        if connection.get_execution_options().get("rasr_reads", False):
            connection.exec_driver_sql("BEGIN")
            return
        _let_wait(connection, min(wait_s, _LOCK_WAIT_S))
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            _let_wait(connection, wait_s)

    return engine


def _let_wait(connection: Connection, seconds: float) -> None:
    """So long each statement waits for locks of others."""
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(seconds * 1000)}")


def _prefer_a_log(cursor: DBAPICursor) -> None:
    """With a log (WAL), readers and the writer do not wait for each other. Files that we make have
    one for good; one that was put here by hand gets it when nobody else has it open.
    """
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
    except Exception as error:
        if fault_of(error) is not StoreBusy:
            raise


def _postgres_engine(url: str, wait_s: float, pool: dict[str, Any]) -> AsyncEngine:
    try:
        import asyncpg
    except ImportError as error:
        raise StoreRefused(
            "store.url names PostgreSQL, and its driver is not installed: pip install asyncpg"
        ) from error
    wait_ms = str(max(1, round(wait_s * 1000)))

    async def connect() -> Any:
        # By the driver itself, which reads URLs, .pgpass and the PG… variables as libpq does.
        try:
            return await asyncpg.connect(
                url,
                timeout=wait_s,
                server_settings={
                    "application_name": "rasr",
                    "lock_timeout": wait_ms,
                    "idle_in_transaction_session_timeout": "60000",
                    "timezone": "UTC",
                },
            )
        except (ValueError, asyncpg.InterfaceError) as error:
            raise StoreRefused(f"store.url cannot be used: {type(error).__name__}") from error

    return create_async_engine(
        "postgresql+asyncpg://", async_creator=connect, pool_pre_ping=True, **pool
    )
