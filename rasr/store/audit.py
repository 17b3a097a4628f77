"""Who changed what, in a transaction. Lines are written and read, never changed."""

from __future__ import annotations

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.identity.directory import AuditEntry
from rasr.store.schema import AUDIT

_COLUMNS = (
    AUDIT.c.at,
    AUDIT.c.actor,
    AUDIT.c.action,
    AUDIT.c.target,
    AUDIT.c.project_id,
    AUDIT.c.address,
)


class Audit:
    """The audit."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def write(self, entry: AuditEntry) -> None:
        """Add a line. Texts that are longer than a line may be are shortened."""
        values = {
            column.name: _shortened(getattr(entry, column.name), column.type) for column in _COLUMNS
        }
        await self._connection.execute(insert(AUDIT).values(values))

    async def newest(self, count: int, project_id: str | None = None) -> list[AuditEntry]:
        """The newest lines, the newest first; of one project, or of all.

        Lines that are of no project are among those of all only.
        """
        query = select(*_COLUMNS).order_by(AUDIT.c.at.desc(), AUDIT.c.id.desc()).limit(count)
        if project_id is not None:
            query = query.where(AUDIT.c.project_id == project_id)
        rows = await self._connection.execute(query)
        return [AuditEntry(**row._mapping) for row in rows]


def _shortened(value: object, kind: object) -> object:
    if not isinstance(value, str):
        return value
    length = getattr(kind, "length", None)
    # No database keeps letters that are none.
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in value)
    return text if length is None or len(text) <= length else f"{text[: length - 1]}…"
