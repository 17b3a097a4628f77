"""Which replica has which channel of captions, in a transaction. What is said there is not here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.batches import in_batches
from rasr.store.inserting import insert_new
from rasr.store.schema import CAPTION_CHANNELS, REPLICAS


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """One of them."""

    name: str
    replica: str
    """To which is spoken, or was at last."""
    address: str | None
    """Of that replica; None: it is gone."""
    keeper: str
    """The replica that has a copy in any case; empty: none."""
    keeper_address: str | None
    project: str
    """Empty where nobody is asked who he is."""
    claims: int
    """So many rounds have begun to speak to it."""


class CaptionChannels:
    """The channels of all replicas."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def claim(self, name: str, replica: str, keeper: str, project: str) -> StoredChannel:
        """A round is to speak to a channel at a replica. Returns the channel as it is now; where it
        was of nobody, or of the same replica and project, it is that replica's.

        Args:
            keeper: another replica; empty: there is none.
        """
        table = CAPTION_CHANNELS
        while True:
            await self._connection.execute(
                insert_new(self._connection, table).values(
                    name=name, replica_id=replica, keeper_id=keeper, project_id=project, claims=0
                )
            )
            await self._connection.execute(
                update(table)
                .where(
                    table.c.name == name,
                    table.c.replica_id == replica,
                    table.c.project_id == project,
                )
                .values(claims=table.c.claims + 1)
            )
            # Where another replica has removed its own just now, it is of nobody.
            for found in await self._those(table.c.name == name):
                return found

    async def move(
        self, channel: StoredChannel, replica: str, keeper: str, *, is_claim: bool
    ) -> StoredChannel | None:
        """A channel is another replica's from now on. None: it has changed meanwhile.

        Args:
            channel: as it was read.
            is_claim: a round is to speak to it there.
        """
        table = CAPTION_CHANNELS
        result = await self._connection.execute(
            update(table)
            .where(*self._same(channel))
            .values(replica_id=replica, keeper_id=keeper, claims=table.c.claims + int(is_claim))
        )
        if not result.rowcount:
            return None
        (found,) = await self._those(table.c.name == channel.name)
        return found

    async def keep(self, channel: StoredChannel, keeper: str) -> None:
        """Another replica copies a channel from now on."""
        table = CAPTION_CHANNELS
        await self._connection.execute(
            update(table).where(*self._same(channel)).values(keeper_id=keeper)
        )

    async def remove(self, channel: StoredChannel) -> None:
        """A channel is gone, if it has not changed meanwhile."""
        await self._connection.execute(delete(CAPTION_CHANNELS).where(*self._same(channel)))

    async def find(self, name: str) -> StoredChannel | None:
        """The channel of this name."""
        return next(iter(await self._those(CAPTION_CHANNELS.c.name == name)), None)

    async def of(self, replica: str, names: Collection[str]) -> list[StoredChannel]:
        """Those that a replica has or keeps, and those of these names."""
        table = CAPTION_CHANNELS.c
        found = await self._those(or_(table.replica_id == replica, table.keeper_id == replica))
        others = set(names) - {one.name for one in found}
        for batch in in_batches(others):
            found += await self._those(table.name.in_(batch))
        return found

    async def forget_lost(self) -> None:
        """Those go whose replica and keeper are both gone."""
        table, alive = CAPTION_CHANNELS, select(REPLICAS.c.id)
        await self._connection.execute(
            delete(table).where(table.c.replica_id.not_in(alive), table.c.keeper_id.not_in(alive))
        )

    async def _those(self, which: ColumnElement[bool]) -> list[StoredChannel]:
        table = CAPTION_CHANNELS
        own, kept = REPLICAS.alias(), REPLICAS.alias()
        joined = table.outerjoin(own, own.c.id == table.c.replica_id).outerjoin(
            kept, kept.c.id == table.c.keeper_id
        )
        rows = await self._connection.execute(
            select(table, own.c.address, kept.c.address.label("keeper_address"))
            .select_from(joined)
            .where(which)
        )
        return [
            StoredChannel(
                row.name,
                row.replica_id,
                row.address,
                row.keeper_id,
                row.keeper_address,
                row.project_id,
                row.claims,
            )
            for row in rows
        ]

    @staticmethod
    def _same(channel: StoredChannel) -> tuple[ColumnElement[bool], ...]:
        table = CAPTION_CHANNELS.c
        return (
            table.name == channel.name,
            table.replica_id == channel.replica,
            table.claims == channel.claims,
        )
