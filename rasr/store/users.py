"""Users in a transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.errors import AlreadyThere, Unknown
from rasr.store.names import check_description, check_name, new_id
from rasr.store.records import UserRecord
from rasr.store.references import find_row
from rasr.store.schema import USERS

_TOLD = (
    USERS.c.id,
    USERS.c.domain,
    USERS.c.name,
    USERS.c.description,
    USERS.c.password_hash.is_not(None).label("has_password"),
    USERS.c.created_at,
    USERS.c.blocked_at,
)


class Users:
    """The users."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(
        self, domain: str, name: str, description: str, now: float, password_hash: str | None = None
    ) -> UserRecord:
        """Make a user.

        Raises:
            Invalid: a value is not allowed.
            AlreadyThere: the name is taken.
        """
        check_name("the domain", domain)
        check_name("the name of the user", name)
        if await self.find(domain, name) is not None:
            raise AlreadyThere(f"there is a user {name!r} in the domain {domain!r} already")
        made = UserRecord(
            new_id(),
            domain,
            name,
            check_description(description),
            password_hash is not None,
            now,
            blocked_at=None,
        )
        await self._connection.execute(
            insert(USERS).values(
                id=made.id,
                domain=domain,
                name=name,
                description=description,
                password_hash=password_hash,
                created_at=now,
            )
        )
        return made

    async def all(self) -> list[UserRecord]:
        """Every user, by domain and name."""
        rows = await self._connection.execute(select(*_TOLD).order_by(USERS.c.domain, USERS.c.name))
        return [_record(row) for row in rows]

    async def find(self, domain: str, reference: str) -> UserRecord | None:
        """The user of this id, or of this name in this domain."""
        row = await find_row(self._connection, select(*_TOLD), USERS, reference, domain)
        return None if row is None else _record(row)

    async def get(self, domain: str, reference: str) -> UserRecord:
        """The user of this id, or of this name in this domain.

        Raises:
            Unknown: there is none.
        """
        found = await self.find(domain, reference)
        if found is None:
            raise Unknown(f"there is no user {reference!r} in the domain {domain!r}")
        return found

    async def set_password(self, user_id: str, password_hash: str | None) -> None:
        """Give a user a password; None: none opens his account any more."""
        await self._change(user_id, password_hash=password_hash)

    async def block(self, user_id: str, at: float | None) -> None:
        """From `at` on neither he nor his keys and tokens may call; None: again."""
        await self._change(user_id, blocked_at=at)

    async def _change(self, user_id: str, **values: Any) -> None:
        await self._connection.execute(update(USERS).where(USERS.c.id == user_id).values(**values))


def _record(row: Row[Any]) -> UserRecord:
    return UserRecord(**row._mapping)
