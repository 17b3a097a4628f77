"""The servers that work on jobs, in a transaction."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.schema import JOB_SERVERS


class JobServers:
    """Which servers live."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def beat(self, server_id: str) -> dict[str, int]:
        """A server lives. Returns how often each server has said so."""
        table = JOB_SERVERS
        result = await self._connection.execute(
            update(table).where(table.c.id == server_id).values(beats=table.c.beats + 1)
        )
        if not result.rowcount:
            await self._connection.execute(insert(table).values(id=server_id, beats=1))
        rows = await self._connection.execute(select(table.c.id, table.c.beats))
        return {row.id: row.beats for row in rows}

    async def now(self) -> float | None:
        """The clock of the database, seconds since 1970; None where it is that of this machine."""
        if self._connection.dialect.name != "postgresql":
            return None
        query = select(func.extract("epoch", func.clock_timestamp()))
        return float((await self._connection.execute(query)).scalar_one())

    async def leave(self, server_id: str) -> None:
        """A server works no more."""
        await self._connection.execute(delete(JOB_SERVERS).where(JOB_SERVERS.c.id == server_id))
