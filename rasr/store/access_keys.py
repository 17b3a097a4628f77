"""Access keys in a transaction: their secrets are encrypted where they are kept."""

from __future__ import annotations

import secrets
import string
from typing import Any

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.errors import AlreadyThere, Unknown
from rasr.store.keyring import Keyring
from rasr.store.names import check_description, may_be_kept
from rasr.store.records import KeyRecord, ProjectRecord, UserRecord
from rasr.store.schema import ACCESS_KEYS, PROJECTS, USERS

_AK_LETTERS = string.ascii_uppercase + string.digits
_SK_LETTERS = string.ascii_letters + string.digits
_AK_LENGTH = 20
_SK_LENGTH = 40


class AccessKeys:
    """The access keys."""

    def __init__(self, connection: AsyncConnection, keyring: Keyring) -> None:
        self._connection = connection
        self._keyring = keyring

    async def create(
        self,
        user: UserRecord,
        project: ProjectRecord,
        description: str,
        now: float,
        expires_at: float | None = None,
    ) -> tuple[KeyRecord, str]:
        """Make a key. Returns it and its secret, which is told to nobody else."""
        access_id = "".join(secrets.choice(_AK_LETTERS) for _ in range(_AK_LENGTH))
        secret = "".join(secrets.choice(_SK_LETTERS) for _ in range(_SK_LENGTH))
        await self._connection.execute(
            insert(ACCESS_KEYS).values(
                id=access_id,
                user_id=user.id,
                project_id=project.id,
                secret=self._keyring.encrypt(secret),
                description=check_description(description),
                created_at=now,
                expires_at=expires_at,
            )
        )
        return await self.get(access_id), secret

    async def all(
        self, *, user: UserRecord | None = None, project: ProjectRecord | None = None
    ) -> list[KeyRecord]:
        """Every key, or those of a user or a project, the oldest first."""
        query = _told()
        if user is not None:
            query = query.where(ACCESS_KEYS.c.user_id == user.id)
        if project is not None:
            query = query.where(ACCESS_KEYS.c.project_id == project.id)
        rows = await self._connection.execute(
            query.order_by(ACCESS_KEYS.c.created_at, ACCESS_KEYS.c.id)
        )
        return [_record(row) for row in rows]

    async def get(self, access_id: str) -> KeyRecord:
        """The key with this access id.

        Raises:
            Unknown: there is none.
        """
        row = None
        if may_be_kept(access_id):
            query = _told().where(ACCESS_KEYS.c.id == access_id)
            row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            raise Unknown(f"there is no key {access_id!r}")
        return _record(row)

    async def revoke(self, access_id: str, at: float) -> None:
        """From then on a key counts no more, for good.

        Raises:
            AlreadyThere: it is revoked already.
            Unknown: there is no such key.
        """
        if (await self.get(access_id)).revoked_at is not None:
            raise AlreadyThere(f"the key {access_id} is revoked already")
        await self._connection.execute(
            update(ACCESS_KEYS).where(ACCESS_KEYS.c.id == access_id).values(revoked_at=at)
        )


def _told() -> Select[Any]:
    return (
        select(
            ACCESS_KEYS.c.id,
            ACCESS_KEYS.c.user_id,
            USERS.c.name.label("user"),
            ACCESS_KEYS.c.project_id,
            PROJECTS.c.name.label("project"),
            ACCESS_KEYS.c.description,
            ACCESS_KEYS.c.created_at,
            ACCESS_KEYS.c.expires_at,
            ACCESS_KEYS.c.revoked_at,
        )
        .join(USERS, USERS.c.id == ACCESS_KEYS.c.user_id)
        .join(PROJECTS, PROJECTS.c.id == ACCESS_KEYS.c.project_id)
    )


def _record(row: Row[Any]) -> KeyRecord:
    return KeyRecord(**row._mapping)
