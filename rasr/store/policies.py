"""Policies and whom they apply to, in a transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.identity.policies import FULL_ACCESS, SYSTEM_POLICIES, Policy, PolicyGrant
from rasr.store.errors import AlreadyThere, Unknown
from rasr.store.names import check_description, check_name, new_id
from rasr.store.records import Attachment, GroupRecord, PolicyRecord, ProjectRecord, UserRecord
from rasr.store.references import find_row
from rasr.store.schema import ATTACHMENTS, GROUPS, MEMBERSHIPS, POLICIES, PROJECTS, USERS

_LOCK = 0x61646D69
"""Of PostgreSQL, held until the end of a transaction that may take rights away."""


class Policies:
    """The policies."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(self, name: str, policy: Policy, description: str, now: float) -> PolicyRecord:
        """Keep a policy.

        Raises:
            Invalid: a value is not allowed.
            AlreadyThere: the name is taken.
        """
        check_name("the name of the policy", name)
        if await self.find(name) is not None:
            raise AlreadyThere(f"there is a policy {name!r} already")
        made = PolicyRecord(new_id(), name, check_description(description), policy, now)
        await self._connection.execute(
            insert(POLICIES).values(
                id=made.id,
                name=name,
                description=description,
                document=policy.document(),
                created_at=now,
            )
        )
        return made

    async def all(self) -> list[PolicyRecord]:
        """Every policy: those that every server has first, then by name."""
        rows = await self._connection.execute(select(POLICIES).order_by(POLICIES.c.name))
        return [*map(_system, SYSTEM_POLICIES), *map(_record, rows)]

    async def find(self, reference: str) -> PolicyRecord | None:
        """The policy of this id or name."""
        if reference in SYSTEM_POLICIES:
            return _system(reference)
        row = await find_row(self._connection, select(POLICIES), POLICIES, reference)
        return None if row is None else _record(row)

    async def get(self, reference: str) -> PolicyRecord:
        """The policy of this id or name.

        Raises:
            Unknown: there is none.
        """
        found = await self.find(reference)
        if found is None:
            raise Unknown(f"there is no policy {reference!r}")
        return found

    async def remove(self, policy_id: str) -> None:
        """Delete a policy; it applies to nobody any more."""
        await self._connection.execute(delete(POLICIES).where(POLICIES.c.id == policy_id))

    async def attach(
        self,
        policy: PolicyRecord,
        holder: UserRecord | GroupRecord,
        project: ProjectRecord | None,
        now: float,
        expires_at: float | None = None,
    ) -> None:
        """Let a policy apply to a user or a group; in all projects where none is named.

        Raises:
            AlreadyThere: it does, in this project; a time at which it ends is no difference.
        """
        same = _is_attachment(policy, holder, project)
        if (await self._connection.execute(select(ATTACHMENTS.c.id).where(same))).first():
            where = _place(project)
            raise AlreadyThere(f"policy {policy.name!r} applies to {holder.name!r} {where} already")
        is_user = isinstance(holder, UserRecord)
        await self._connection.execute(
            insert(ATTACHMENTS).values(
                id=new_id(),
                policy_id=policy.id,
                system_policy=policy.name if policy.is_system else None,
                user_id=holder.id if is_user else None,
                group_id=None if is_user else holder.id,
                project_id=None if project is None else project.id,
                created_at=now,
                expires_at=expires_at,
            )
        )

    async def detach(
        self,
        policy: PolicyRecord,
        holder: UserRecord | GroupRecord,
        project: ProjectRecord | None,
    ) -> None:
        """Let a policy apply to a user or a group no more.

        Raises:
            Unknown: it does not.
        """
        same = _is_attachment(policy, holder, project)
        done = await self._connection.execute(delete(ATTACHMENTS).where(same))
        if not done.rowcount:
            where = _place(project)
            raise Unknown(f"policy {policy.name!r} does not apply to {holder.name!r} {where}")

    async def attachments(
        self, *, policy: PolicyRecord | None = None, holder: UserRecord | GroupRecord | None = None
    ) -> list[Attachment]:
        """Whom which policies apply to: all, or those of one policy or one user or group."""
        query = _attached()
        if policy is not None:
            query = query.where(_is_policy(policy))
        if holder is not None:
            query = query.where(_is_holder(holder))
        rows = await self._connection.execute(query)
        return [
            Attachment(
                id=row.id,
                policy=row.policy_name or row.system_policy,
                user=row.user_name,
                group=row.group_name,
                project=row.project_name,
                expires_at=row.expires_at,
            )
            for row in rows
        ]

    async def grants_of(self, user_id: str) -> list[PolicyGrant]:
        """The policies of a user, his own and those of his groups."""
        of_groups = select(MEMBERSHIPS.c.group_id).where(MEMBERSHIPS.c.user_id == user_id)
        rows = await self._connection.execute(
            _attached().where(
                or_(ATTACHMENTS.c.user_id == user_id, ATTACHMENTS.c.group_id.in_(of_groups))
            )
        )
        return [
            PolicyGrant(
                policy_name=row.policy_name or row.system_policy,
                policy=(
                    SYSTEM_POLICIES[row.system_policy]
                    if row.policy_name is None
                    else Policy.parse(row.document)
                ),
                project_id=row.project_id,
                group_name=row.group_name,
                expires_at=row.expires_at,
            )
            for row in rows
        ]

    async def administrators(self, now: float) -> int:
        """How many users that are not blocked may do everything in all projects."""
        if self._connection.dialect.name == "postgresql":
            # Two that take rights away at once would each see those of the other.
            await self._connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        everything = and_(
            ATTACHMENTS.c.system_policy == FULL_ACCESS,
            ATTACHMENTS.c.project_id.is_(None),
            or_(ATTACHMENTS.c.expires_at.is_(None), ATTACHMENTS.c.expires_at > now),
        )
        groups = (
            select(MEMBERSHIPS.c.user_id)
            .join(ATTACHMENTS, ATTACHMENTS.c.group_id == MEMBERSHIPS.c.group_id)
            .where(everything)
        )
        own = select(ATTACHMENTS.c.user_id).where(everything, ATTACHMENTS.c.user_id.is_not(None))
        found = await self._connection.scalars(
            select(USERS.c.id).where(
                USERS.c.blocked_at.is_(None), or_(USERS.c.id.in_(own), USERS.c.id.in_(groups))
            )
        )
        return len(found.all())


def _place(project: ProjectRecord | None) -> str:
    return "in all projects" if project is None else f"in project {project.name!r}"


def _is_attachment(
    policy: PolicyRecord, holder: UserRecord | GroupRecord, project: ProjectRecord | None
) -> ColumnElement[bool]:
    where = ATTACHMENTS.c.project_id
    place = where.is_(None) if project is None else where == project.id
    return and_(_is_policy(policy), _is_holder(holder), place)


def _is_policy(policy: PolicyRecord) -> ColumnElement[bool]:
    if policy.is_system:
        return ATTACHMENTS.c.system_policy == policy.name
    return ATTACHMENTS.c.policy_id == policy.id


def _is_holder(holder: UserRecord | GroupRecord) -> ColumnElement[bool]:
    if isinstance(holder, UserRecord):
        return ATTACHMENTS.c.user_id == holder.id
    return ATTACHMENTS.c.group_id == holder.id


def _attached() -> Select[Any]:
    """Attachments with the names of all that they join, in a fixed order: a user's own first."""
    policy, user = POLICIES.c.name, USERS.c.name
    return (
        select(
            ATTACHMENTS.c.id,
            ATTACHMENTS.c.system_policy,
            ATTACHMENTS.c.project_id,
            ATTACHMENTS.c.expires_at,
            POLICIES.c.document,
            policy.label("policy_name"),
            user.label("user_name"),
            GROUPS.c.name.label("group_name"),
            PROJECTS.c.name.label("project_name"),
        )
        .join(POLICIES, POLICIES.c.id == ATTACHMENTS.c.policy_id, isouter=True)
        .join(USERS, USERS.c.id == ATTACHMENTS.c.user_id, isouter=True)
        .join(GROUPS, GROUPS.c.id == ATTACHMENTS.c.group_id, isouter=True)
        .join(PROJECTS, PROJECTS.c.id == ATTACHMENTS.c.project_id, isouter=True)
        .order_by(
            ATTACHMENTS.c.user_id.is_(None),
            user,
            GROUPS.c.name,
            ATTACHMENTS.c.created_at,
            ATTACHMENTS.c.id,
        )
    )


def _system(name: str) -> PolicyRecord:
    return PolicyRecord(None, name, "every server has it", SYSTEM_POLICIES[name], None)


def _record(row: Row[Any]) -> PolicyRecord:
    return PolicyRecord(
        row.id, row.name, row.description, Policy.parse(row.document), row.created_at
    )
