"""The keys that answers to callback URLs are signed with, one a project, in a transaction."""

from __future__ import annotations

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.keyring import Keyring
from rasr.store.names import new_id
from rasr.store.records import ProjectRecord
from rasr.store.schema import CALLBACK_KEYS


class CallbackKeys:
    """The keys."""

    def __init__(self, connection: AsyncConnection, keyring: Keyring) -> None:
        self._connection = connection
        self._keyring = keyring

    async def find(self, project_id: str) -> str | None:
        """The key of a project; None where it has none.

        Raises:
            SecretsUnreadable: it was encrypted with a key that is not here.
        """
        kept = (
            await self._connection.execute(
                select(CALLBACK_KEYS.c.secret).where(CALLBACK_KEYS.c.project_id == project_id)
            )
        ).scalar_one_or_none()
        return None if kept is None else self._keyring.decrypt(kept)

    async def put(self, project: ProjectRecord, key: str, now: float) -> None:
        """Give a project a key; the one that it had counts no more."""
        await self._connection.execute(
            delete(CALLBACK_KEYS).where(CALLBACK_KEYS.c.project_id == project.id)
        )
        await self._connection.execute(
            insert(CALLBACK_KEYS).values(
                id=new_id(),
                project_id=project.id,
                secret=self._keyring.encrypt(key),
                created_at=now,
            )
        )
