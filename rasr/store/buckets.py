"""Buckets of projects in a transaction: the secrets of their keys are encrypted where they lie."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.errors import AlreadyThere, Invalid, Unknown
from rasr.store.keyring import Keyring
from rasr.store.names import may_be_kept, new_id
from rasr.store.records import BucketRecord, ProjectRecord
from rasr.store.schema import BUCKETS, DESCRIPTION_LENGTH, NAME_LENGTH, PROJECTS

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")
_SHOWN_LETTERS = 80


class Buckets:
    """The buckets."""

    def __init__(self, connection: AsyncConnection, keyring: Keyring) -> None:
        self._connection = connection
        self._keyring = keyring

    async def add(
        self,
        project: ProjectRecord,
        name: str,
        now: float,
        *,
        endpoint: str,
        region: str,
        bucket: str,
        path_style: bool,
        key: tuple[str, str] | None = None,
        role: str | None = None,
    ) -> BucketRecord:
        """Give a project a bucket.

        Args:
            key: access id and secret.
            role: that the project grants to the server, in place of a key.

        Raises:
            Invalid: a value is not allowed.
            AlreadyThere: the project has one of this name.
        """
        for field, value in (("the name of the bucket", name), ("bucket", bucket)):
            _check(field, value, _NAME, "3 to 63 small letters, digits, dots and hyphens")
        _check("region", region, _REGION, f"1 to {NAME_LENGTH} letters, digits and hyphens")
        access_id, secret = key or (None, None)
        for field, given in (("endpoint", endpoint), ("access id", access_id), ("role", role)):
            if given is not None and not (1 <= len(given) <= DESCRIPTION_LENGTH):
                raise Invalid(
                    f"{field} has {len(given)} letters; needed: 1 to {DESCRIPTION_LENGTH}"
                )
        if secret == "":
            raise Invalid("the secret of the key is empty")
        if access_id is not None and role is not None:
            raise Invalid("a bucket has a key or a role, not both")
        if await self._find(project.id, name) is not None:
            raise AlreadyThere(f"the project {project.name} has a bucket {name!r} already")
        await self._connection.execute(
            insert(BUCKETS).values(
                id=new_id(),
                project_id=project.id,
                name=name,
                endpoint=endpoint,
                region=region,
                bucket=bucket,
                path_style=path_style,
                access_id=access_id,
                secret=None if secret is None else self._keyring.encrypt(secret),
                role=role,
                created_at=now,
            )
        )
        return await self.get(project, name)

    async def all(self, project: ProjectRecord | None = None) -> list[BucketRecord]:
        """Every bucket, or those of a project, by project and name."""
        query = _told().order_by(PROJECTS.c.name, BUCKETS.c.project_id, BUCKETS.c.name)
        if project is not None:
            query = query.where(BUCKETS.c.project_id == project.id)
        return [_record(row) for row in await self._connection.execute(query)]

    async def get(self, project: ProjectRecord, name: str) -> BucketRecord:
        """A bucket of a project.

        Raises:
            Unknown: there is none of this name.
        """
        found = await self._find(project.id, name)
        if found is None:
            raise Unknown(f"the project {project.name} has no bucket {name!r}")
        return found

    async def find(self, project_id: str, name: str) -> tuple[BucketRecord, str | None] | None:
        """A bucket of a project and the secret of its key; None where there is no such bucket.

        Raises:
            SecretsUnreadable: the secret was encrypted with a key that is not here.
        """
        found = await self._find(project_id, name)
        if found is None:
            return None
        kept = (
            await self._connection.execute(select(BUCKETS.c.secret).where(BUCKETS.c.id == found.id))
        ).scalar_one()
        return found, None if kept is None else self._keyring.decrypt(kept)

    async def revoke(self, project: ProjectRecord, name: str) -> None:
        """Take a bucket from a project; its key is forgotten.

        Raises:
            Unknown: there is none of this name.
        """
        found = await self.get(project, name)
        await self._connection.execute(delete(BUCKETS).where(BUCKETS.c.id == found.id))

    async def _find(self, project_id: str, name: str) -> BucketRecord | None:
        if _NAME.fullmatch(name) is None or not may_be_kept(project_id):
            return None
        query = _told().where(BUCKETS.c.project_id == project_id, BUCKETS.c.name == name)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else _record(row)


def _check(field: str, value: str, form: re.Pattern[str], needed: str) -> None:
    if form.fullmatch(value) is None:
        raise Invalid(f"{field} is {value[:_SHOWN_LETTERS]!r}; needed: {needed}")


def _told() -> Select[Any]:
    columns = [one for one in BUCKETS.c if one.name != "secret"]
    return select(*columns, PROJECTS.c.name.label("project")).join(
        PROJECTS, PROJECTS.c.id == BUCKETS.c.project_id
    )


def _record(row: Row[Any]) -> BucketRecord:
    return BucketRecord(**row._mapping)
