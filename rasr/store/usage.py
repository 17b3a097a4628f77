"""The ledger of usage, packages and quotas in a transaction. Every call names the project."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.errors import AlreadyThere, Invalid, Unknown
from rasr.store.inserting import insert_new
from rasr.store.names import may_be_kept, new_id
from rasr.store.records import Package, Quota, UsageRow, UsageSum
from rasr.store.schema import PACKAGES, QUOTAS, USAGE

_ROWS_IN_A_ROW = 500
_PACKAGE = tuple(PACKAGES.c[name] for name in ("id", "service", "amount", "starts_at", "ends_at"))


class Usage:
    """What projects used, and what they may use."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def write(self, project_id: str, rows: Sequence[UsageRow]) -> None:
        """Add rows to the ledger; one that is there already stays as it is."""
        if not rows:
            return
        await self._connection.execute(
            insert_new(self._connection, USAGE),
            [
                {
                    "id": row.id,
                    "project_id": project_id,
                    "access_id": row.access_id,
                    "user_id": row.user_id,
                    "service": row.service,
                    "at": row.at,
                    "audio_ms": row.audio_ms,
                    "amount": row.amount,
                }
                for row in rows
            ],
        )

    async def sums(
        self, project_id: str, since: float, until: float, *, most: int | None = None
    ) -> list[UsageSum]:
        """What a project used from `since` on and before `until`, for each day (UTC), service, key
        and user.

        Args:
            most: no more entries than these.
        """
        day = self._day().label("day")
        one = (USAGE.c.service, USAGE.c.access_id, USAGE.c.user_id)
        rows = await self._connection.execute(
            select(
                day,
                *one,
                func.count().label("calls"),
                func.sum(USAGE.c.amount).label("amount"),
                func.sum(USAGE.c.audio_ms).label("audio_ms"),
            )
            .where(USAGE.c.project_id == project_id, USAGE.c.at >= since, USAGE.c.at < until)
            .group_by(text("day"), *one)
            .order_by(text("day"), *(column.nulls_first() for column in one))
            .limit(most)
        )
        sums: list[UsageSum] = []
        for row in rows:
            if len(sums) % _ROWS_IN_A_ROW == _ROWS_IN_A_ROW - 1:
                # A year of many keys is long, and others speak meanwhile.
                await asyncio.sleep(0)
            sums.append(
                UsageSum(
                    row.day,
                    row.service,
                    row.access_id,
                    row.calls,
                    int(row.amount),
                    int(row.audio_ms),
                    row.user_id,
                )
            )
        return sums

    async def amount(self, project_id: str, service: str, since: float, until: float) -> int:
        """What a project used of a service from `since` on and before `until`."""
        found = await self._connection.execute(
            select(func.coalesce(func.sum(USAGE.c.amount), 0)).where(
                USAGE.c.project_id == project_id,
                USAGE.c.service == service,
                USAGE.c.at >= since,
                USAGE.c.at < until,
            )
        )
        return int(found.scalar_one())

    async def add_package(
        self, project_id: str, service: str, amount: int, starts_at: float, ends_at: float
    ) -> Package:
        """Note an amount that was bought ahead.

        Raises:
            Invalid: it is no amount, or ends before it starts.
        """
        if amount < 1 or ends_at <= starts_at:
            raise Invalid("a package has an amount of 1 or more, and ends after it starts")
        made = Package(new_id(), service, amount, starts_at, ends_at)
        await self._connection.execute(
            insert(PACKAGES).values(
                id=made.id,
                project_id=project_id,
                service=service,
                amount=amount,
                starts_at=starts_at,
                ends_at=ends_at,
            )
        )
        return made

    async def packages(self, project_id: str) -> list[Package]:
        """The packages of a project, also those that are over, those that end first before
        others."""
        rows = await self._connection.execute(
            select(*_PACKAGE)
            .where(PACKAGES.c.project_id == project_id)
            .order_by(PACKAGES.c.ends_at, PACKAGES.c.id)
        )
        return [Package(**row._mapping) for row in rows]

    async def revoke_package(self, project_id: str, package_id: str, now: float) -> Package:
        """A package counts no more from now on. What was used of it stays used of it.

        Raises:
            Unknown: the project has no such package.
            AlreadyThere: it is over already.
        """
        own = PACKAGES.c.project_id == project_id, PACKAGES.c.id == package_id
        row = None
        if may_be_kept(package_id):
            row = (await self._connection.execute(select(*_PACKAGE).where(*own))).one_or_none()
        if row is None:
            raise Unknown(f"the project has no package {package_id!r}")
        found = Package(**row._mapping)
        if found.ends_at <= now:
            raise AlreadyThere(f"the package {package_id} is over already")
        if found.starts_at < now:
            await self._connection.execute(update(PACKAGES).where(*own).values(ends_at=now))
        else:
            await self._connection.execute(delete(PACKAGES).where(*own))
        return found

    async def set_quota(self, project_id: str, service: str, per_month: int | None) -> None:
        """Bound what a project may use of a service in a month; None: no bound.

        Raises:
            Invalid: it is less than 0.
        """
        if per_month is not None and per_month < 0:
            raise Invalid(f"a quota is 0 or more, not {per_month}")
        await self._connection.execute(delete(QUOTAS).where(*_quota(project_id, service)))
        if per_month is not None:
            await self._connection.execute(
                insert(QUOTAS).values(project_id=project_id, service=service, per_month=per_month)
            )

    async def quota(self, project_id: str, service: str) -> int | None:
        """What a project may use of a service in a month; None: no bound."""
        if not may_be_kept(project_id):
            return None
        found = await self._connection.execute(
            select(QUOTAS.c.per_month).where(*_quota(project_id, service))
        )
        return found.scalar_one_or_none()

    async def quotas(self, project_id: str) -> list[Quota]:
        """The quotas of a project, by their services."""
        rows = await self._connection.execute(
            select(QUOTAS.c.service, QUOTAS.c.per_month)
            .where(QUOTAS.c.project_id == project_id)
            .order_by(QUOTAS.c.service)
        )
        return [Quota(**row._mapping) for row in rows]

    @property
    def _is_postgres(self) -> bool:
        return self._connection.dialect.name == "postgresql"

    def _day(self) -> ColumnElement[Any]:
        if self._is_postgres:
            return func.to_char(func.timezone("UTC", USAGE.c.at), "YYYY-MM-DD", type_=String)
        return func.strftime("%Y-%m-%d", USAGE.c.at, type_=String)


def _quota(project_id: str, service: str) -> list[ColumnElement[bool]]:
    return [QUOTAS.c.project_id == project_id, QUOTAS.c.service == service]
