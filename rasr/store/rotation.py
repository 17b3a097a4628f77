"""All secrets of a store, encrypted anew."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.keyring import Keyring
from rasr.store.schema import SECRETS


async def encrypt_again(connection: AsyncConnection, keyring: Keyring) -> int:
    """Encrypt every secret with the newest key. Returns how many there are.

    Raises:
        SecretsUnreadable: one of them was encrypted with a key that is not here.
    """
    count = 0
    for column in SECRETS:
        table = column.table
        rows = await connection.execute(
            select(table.c.id, column.label("secret")).where(column.is_not(None))
        )
        for row in rows.all():
            secret = keyring.encrypt(keyring.decrypt(row.secret))
            await connection.execute(
                update(table).where(table.c.id == row.id).values({column: secret})
            )
            count += 1
    return count
