"""Calls of interfaces by minute, in a transaction: those of all servers that share the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.inserting import insert_into
from rasr.store.names import may_be_kept
from rasr.store.records import InterfaceMinute
from rasr.store.schema import INTERFACE_MINUTES

_NUMBERS = ("successful", "failed_4xx", "failed_5xx", "delay_s")
_AT_ONCE = 200
"""Rows of one statement: between two of them others get the event loop."""


class InterfaceMinutes:
    """The history of interfaces."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def write(self, server_id: str, rows: Sequence[InterfaceMinute]) -> None:
        """Keep the minutes of one server; what it wrote of the same minute before is replaced."""
        table = INTERFACE_MINUTES
        insert = insert_into(self._connection, table)
        statement = insert.on_conflict_do_update(
            index_elements=[column.name for column in table.primary_key],
            set_={name: insert.excluded[name] for name in _NUMBERS},
        )
        kept = [row for row in rows if may_be_kept(row.project_id)]
        for begin in range(0, len(kept), _AT_ONCE):
            part = kept[begin : begin + _AT_ONCE]
            await self._connection.execute(
                statement, [{"server_id": server_id, **asdict(row)} for row in part]
            )

    async def sums(
        self,
        project_id: str | None,
        since: int,
        until: int,
        period: int,
        *,
        without: str,
        complete_from: int,
    ) -> list[InterfaceMinute]:
        """The calls from minute `since` on and before `until`, added up by interface and by periods
        of so many minutes; `minute` is the beginning of each.

        Args:
            project_id: None: of all.
            without: the server that asks, which knows its own minutes from `complete_from` on.
        """
        table = INTERFACE_MINUTES.c
        wanted: list[ColumnElement[bool]] = [
            table.minute >= since,
            table.minute < until,
            or_(table.server_id != without, table.minute < complete_from),
        ]
        if project_id is not None:
            if not may_be_kept(project_id):
                return []
            wanted.append(table.project_id == project_id)
        begin = (table.minute - table.minute % period).label("begin")
        rows = await self._connection.execute(
            select(
                begin, table.interface, *(func.sum(table[name]).label(name) for name in _NUMBERS)
            )
            .where(*wanted)
            .group_by(begin, table.interface)
        )
        found: list[InterfaceMinute] = []
        for part in rows.partitions(_AT_ONCE):
            found += [
                InterfaceMinute(
                    project_id or "",
                    row.begin,
                    row.interface,
                    int(row.successful),
                    int(row.failed_4xx),
                    int(row.failed_5xx),
                    float(row.delay_s),
                )
                for row in part
            ]
            await asyncio.sleep(0)
        return found

    async def forget(self, before: int) -> None:
        """Minutes before this one go."""
        table = INTERFACE_MINUTES
        await self._connection.execute(delete(table).where(table.c.minute < before))
