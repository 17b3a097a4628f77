"""Rows that are added where some may be there already, in the words of either database."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert_new(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """The statement that adds rows to a table, without those that are there already."""
    return insert_into(connection, table).on_conflict_do_nothing()


def insert_into(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """The statement that adds rows to a table, and can be told what becomes of those there."""
    return (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(table)
