"""Groups and who is in them, in a transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.errors import AlreadyThere, Unknown
from rasr.store.names import check_description, check_name, new_id
from rasr.store.records import GroupRecord
from rasr.store.references import find_row
from rasr.store.schema import GROUPS, MEMBERSHIPS, USERS


class Groups:
    """The groups. They are not of a domain."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(self, name: str, description: str, now: float) -> GroupRecord:
        """Make a group.

        Raises:
            Invalid: a value is not allowed.
            AlreadyThere: the name is taken.
        """
        check_name("the name of the group", name)
        if await self.find(name) is not None:
            raise AlreadyThere(f"there is a group {name!r} already")
        made = GroupRecord(new_id(), name, check_description(description), now)
        await self._connection.execute(
            insert(GROUPS).values(
                id=made.id, name=name, description=description, created_at=made.created_at
            )
        )
        return made

    async def all(self) -> list[GroupRecord]:
        """Every group, by name."""
        rows = await self._connection.execute(select(GROUPS).order_by(GROUPS.c.name))
        return [_record(row) for row in rows]

    async def find(self, reference: str) -> GroupRecord | None:
        """The group of this id or name."""
        row = await find_row(self._connection, select(GROUPS), GROUPS, reference)
        return None if row is None else _record(row)

    async def get(self, reference: str) -> GroupRecord:
        """The group of this id or name.

        Raises:
            Unknown: there is none.
        """
        found = await self.find(reference)
        if found is None:
            raise Unknown(f"there is no group {reference!r}")
        return found

    async def remove(self, group_id: str) -> None:
        """Delete a group; what its members had by it they have no more."""
        await self._connection.execute(delete(GROUPS).where(GROUPS.c.id == group_id))

    async def add(self, group_id: str, user_id: str) -> bool:
        """Put a user into a group. False if he is in it already."""
        if await self._has(group_id, user_id):
            return False
        await self._connection.execute(
            insert(MEMBERSHIPS).values(group_id=group_id, user_id=user_id)
        )
        return True

    async def take_out(self, group_id: str, user_id: str) -> bool:
        """Take a user out of a group. False if he is not in it."""
        if not await self._has(group_id, user_id):
            return False
        await self._connection.execute(
            delete(MEMBERSHIPS).where(
                MEMBERSHIPS.c.group_id == group_id, MEMBERSHIPS.c.user_id == user_id
            )
        )
        return True

    async def members(self, group_id: str) -> list[str]:
        """The names of the users in a group."""
        return list(
            await self._connection.scalars(
                select(USERS.c.name)
                .join(MEMBERSHIPS, MEMBERSHIPS.c.user_id == USERS.c.id)
                .where(MEMBERSHIPS.c.group_id == group_id)
                .order_by(USERS.c.name)
            )
        )

    async def of_user(self, user_id: str) -> list[str]:
        """The names of the groups that a user is in."""
        return list(
            await self._connection.scalars(
                select(GROUPS.c.name)
                .join(MEMBERSHIPS, MEMBERSHIPS.c.group_id == GROUPS.c.id)
                .where(MEMBERSHIPS.c.user_id == user_id)
                .order_by(GROUPS.c.name)
            )
        )

    async def _has(self, group_id: str, user_id: str) -> bool:
        found = await self._connection.execute(
            select(MEMBERSHIPS.c.user_id).where(
                MEMBERSHIPS.c.group_id == group_id, MEMBERSHIPS.c.user_id == user_id
            )
        )
        return found.first() is not None


def _record(row: Row[Any]) -> GroupRecord:
    return GroupRecord(**row._mapping)
