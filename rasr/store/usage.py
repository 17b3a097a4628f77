"""The ledger of usage, packages and quotas in a transaction. Every call names the project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, delete, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.errors import Invalid
from rasr.store.inserting import insert_new
from rasr.store.names import new_id
from rasr.store.records import Package, UsageRow, UsageSum
from rasr.store.schema import PACKAGES, QUOTAS, USAGE


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

    async def sums(self, project_id: str, since: float, until: float) -> list[UsageSum]:
        """What a project used from `since` on and before `until`, for each day (UTC), service and
        key."""
        day = self._day().label("day")
        rows = await self._connection.execute(
            select(
                day,
                USAGE.c.service,
                USAGE.c.access_id,
                func.count().label("calls"),
                func.sum(USAGE.c.amount).label("amount"),
                func.sum(USAGE.c.audio_ms).label("audio_ms"),
            )
            .where(USAGE.c.project_id == project_id, USAGE.c.at >= since, USAGE.c.at < until)
            .group_by(text("day"), USAGE.c.service, USAGE.c.access_id)
            .order_by(text("day"), USAGE.c.service, USAGE.c.access_id)
        )
        return [
            UsageSum(
                row.day, row.service, row.access_id, row.calls, int(row.amount), int(row.audio_ms)
            )
            for row in rows
        ]

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

    async def packages(self, project_id: str, service: str, now: float) -> list[Package]:
        """The packages of a project that may be used now, those that end first before others."""
        rows = await self._connection.execute(
            select(
                PACKAGES.c.id,
                PACKAGES.c.service,
                PACKAGES.c.amount,
                PACKAGES.c.starts_at,
                PACKAGES.c.ends_at,
            )
            .where(
                PACKAGES.c.project_id == project_id,
                PACKAGES.c.service == service,
                PACKAGES.c.starts_at <= now,
                PACKAGES.c.ends_at > now,
            )
            .order_by(PACKAGES.c.ends_at, PACKAGES.c.id)
        )
        return [Package(**row._mapping) for row in rows]

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
        found = await self._connection.execute(
            select(QUOTAS.c.per_month).where(*_quota(project_id, service))
        )
        return found.scalar_one_or_none()

    @property
    def _is_postgres(self) -> bool:
        return self._connection.dialect.name == "postgresql"

    def _day(self) -> ColumnElement[Any]:
        if self._is_postgres:
            return func.to_char(func.timezone("UTC", USAGE.c.at), "YYYY-MM-DD", type_=String)
        return func.strftime("%Y-%m-%d", USAGE.c.at, type_=String)


def _quota(project_id: str, service: str) -> list[ColumnElement[bool]]:
    return [QUOTAS.c.project_id == project_id, QUOTAS.c.service == service]
