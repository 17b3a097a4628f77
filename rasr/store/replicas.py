"""The servers behind one balancer, in a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.schema import REPLICAS


@dataclass(frozen=True, slots=True)
class StoredReplica:
    """One of them."""

    address: str
    """At which the others reach it."""
    rounds: Mapping[str, int]
    """That are open there, by project."""
    beats: int
    """So often it has said that it lives."""
    numbers: Mapping[str, object] | None
    """How it fares."""


class Replicas:
    """Which of them live, and where they are."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def beat(
        self,
        name: str,
        address: str,
        rounds: Mapping[str, int],
        numbers: Mapping[str, object],
    ) -> dict[str, StoredReplica]:
        """A replica lives at an address. Returns all, by their names.

        Args:
            rounds: that are open there, by project.
            numbers: how it fares.
        """
        table = REPLICAS
        result = await self._connection.execute(
            update(table)
            .where(table.c.id == name)
            .values(beats=table.c.beats + 1, rounds=dict(rounds), numbers=dict(numbers))
        )
        if not result.rowcount:
            told = {"address": address, "rounds": dict(rounds), "numbers": dict(numbers)}
            await self._connection.execute(insert(table).values(id=name, beats=1, **told))
        rows = await self._connection.execute(select(table))
        return {
            row.id: StoredReplica(row.address, row.rounds, row.beats, row.numbers) for row in rows
        }

    async def leave(self, name: str) -> None:
        """A replica is gone."""
        await self._connection.execute(delete(REPLICAS).where(REPLICAS.c.id == name))
