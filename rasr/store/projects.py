"""Projects in a transaction."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.errors import AlreadyThere, Unknown
from rasr.store.inserting import insert_new
from rasr.store.names import check_description, check_name, may_be_kept, new_id
from rasr.store.records import ProjectRecord
from rasr.store.references import find_row
from rasr.store.schema import PROJECTS


class Projects:
    """The projects."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(self, domain: str, name: str, description: str, now: float) -> ProjectRecord:
        """Make a project.

        Raises:
            Invalid: a value is not allowed.
            AlreadyThere: the name is taken.
        """
        check_name("the domain", domain)
        check_name("the name of the project", name)
        if await self.find(domain, name) is not None:
            raise AlreadyThere(f"there is a project {name!r} in the domain {domain!r} already")
        made = ProjectRecord(
            new_id(), domain, name, check_description(description), now, None, None
        )
        await self._connection.execute(
            insert(PROJECTS).values(
                id=made.id, domain=domain, name=name, description=description, created_at=now
            )
        )
        return made

    async def keep(self, project_id: str, domain: str, now: float) -> None:
        """See to it that there is a project of this id. One that is made is called as its id.

        Raises:
            AlreadyThere: another project has this id as its name.
        """
        await self._connection.execute(
            insert_new(self._connection, PROJECTS).values(
                id=project_id, domain=domain, name=project_id, description="", created_at=now
            )
        )
        query = select(PROJECTS.c.id).where(PROJECTS.c.id == project_id)
        if (await self._connection.execute(query)).first() is None:
            raise AlreadyThere(
                f"the project {project_id!r} of the domain {domain!r} has another id"
            )

    async def all(self) -> list[ProjectRecord]:
        """Every project, by domain and name."""
        rows = await self._connection.execute(
            select(PROJECTS).order_by(PROJECTS.c.domain, PROJECTS.c.name)
        )
        return [_record(row) for row in rows]

    async def find(self, domain: str, reference: str) -> ProjectRecord | None:
        """The project of this id, or of this name in this domain."""
        row = await find_row(self._connection, select(PROJECTS), PROJECTS, reference, domain)
        return None if row is None else _record(row)

    async def get(self, domain: str, reference: str) -> ProjectRecord:
        """The project of this id, or of this name in this domain.

        Raises:
            Unknown: there is none.
        """
        found = await self.find(domain, reference)
        if found is None:
            raise Unknown(f"there is no project {reference!r} in the domain {domain!r}")
        return found

    async def block(self, project_id: str, at: float | None) -> None:
        """From `at` on nobody may call it; None: again."""
        await self._connection.execute(
            update(PROJECTS).where(PROJECTS.c.id == project_id).values(blocked_at=at)
        )

    async def freeze(self, project_id: str, at: float | None) -> None:
        """From `at` on it may use no metered service; None: again."""
        await self._connection.execute(
            update(PROJECTS).where(PROJECTS.c.id == project_id).values(frozen_at=at)
        )

    async def known(self, project_ids: Iterable[str]) -> set[str]:
        """Those of these ids that are of projects."""
        asked = PROJECTS.c.id.in_(sorted(filter(may_be_kept, project_ids)))
        return set(await self._connection.scalars(select(PROJECTS.c.id).where(asked)))

    async def frozen_at(self, project_id: str) -> float | None:
        """Since when a project is frozen; None: it is not, or there is none of this id."""
        if not may_be_kept(project_id):
            return None
        found = await self._connection.execute(
            select(PROJECTS.c.frozen_at).where(PROJECTS.c.id == project_id)
        )
        return found.scalar_one_or_none()


def _record(row: Row[tuple[object, ...]]) -> ProjectRecord:
    return ProjectRecord(**row._mapping)
