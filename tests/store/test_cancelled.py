"""Whoever is cancelled in a transaction, also twice, leaves no task and no thread that waits."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from rasr.store.database import Database
from rasr.store.location import SqliteFile
from rasr.store.sqlite_connection import SqliteConnections
from tests.processes import LONG_S, until


def _threads() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if "_connection_worker_thread" in one.name}


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("between", [0, 1, 2, 5, None])
@pytest.mark.parametrize("others", [0, 2])
async def test_cancelled_again_while_the_connection_closes(
    tmp_path: Path, between: int | None, others: int
) -> None:
    """
    Args:
        between: turns of the event loop from one cancel to the next; None: cancelled once.
    """
    place = tmp_path / "store.db"
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("CREATE TABLE words (word TEXT)")
        database, before = Database(SqliteFile(place), 5.0), _threads()

        async def write() -> None:
            async with database.writing() as connection:
                await connection.execute(text("INSERT INTO words VALUES ('one')"))

        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(LONG_S):
            works = [asyncio.create_task(write()) for _ in range(1 + others)]
            await until(lambda: bool(_threads() - before))
            for one in works:
                one.cancel()
            if between is not None:
                await _turns(between)
                for one in works:
                    one.cancel()
            await asyncio.wait(works)
            other.execute("ROLLBACK")
            # The database is as before for who comes next.
            await write()
            await database.close()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for one in left:
                one.cancel()
            await asyncio.gather(*left, return_exceptions=True)
    # Those of tests before may end meanwhile.
    assert _threads() <= before


async def test_a_connection_that_is_stopped_while_it_closes_is_closed(tmp_path: Path) -> None:
    """As the pool stops one whose user is cancelled while it closes."""
    connections, before = SqliteConnections(), _threads()
    connection = await connections.open(str(tmp_path / "store.db"))
    closing_it = asyncio.create_task(connection.close())
    await _turns(1)
    connection.stop()
    async with asyncio.timeout(LONG_S):
        await closing_it
        await connections.ended(LONG_S)
    assert _threads() <= before
