"""Rows by what a person calls them: an id, or a name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, Table
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.names import is_id, may_be_kept


async def find_row(
    connection: AsyncConnection,
    query: Select[Any],
    table: Table,
    reference: str,
    domain: str | None = None,
) -> Row[Any] | None:
    """The row of this id, or of this name; None where there is none.

    Args:
        query: what of the table is told.
        domain: in which the name is looked up; None: names of this table are of no domain.
    """
    if not may_be_kept(reference) or not may_be_kept(domain or ""):
        return None
    if is_id(reference):
        query = query.where(table.c.id == reference)
    else:
        query = query.where(table.c.name == reference)
        if domain is not None:
            query = query.where(table.c.domain == domain)
    row: Row[Any] | None = (await connection.execute(query)).one_or_none()
    return row
