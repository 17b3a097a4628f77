"""The store as the directory of accounts that the doors ask."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.identity.directory import AccessKey, AuditEntry, Project, Token, User
from rasr.identity.policies import PolicyGrant
from rasr.identity.principals import DIGEST_NAME_LENGTH, CredentialKind, Principal
from rasr.store.batches import in_batches
from rasr.store.names import may_be_kept
from rasr.store.schema import ACCESS_KEYS, PROJECTS, TOKENS, USERS
from rasr.store.store import Store

_PROJECT = tuple(
    PROJECTS.c[name].label(f"project_{name}") for name in ("id", "name", "domain", "blocked_at")
)
_USER = tuple(
    USERS.c[name].label(f"user_{name}")
    for name in ("id", "name", "domain", "password_hash", "blocked_at")
)

_FORGOTTEN = 1000
"""So many tokens that are over go with each that is given out."""


class StoredDirectory:
    """`rasr.identity.directory.Directory` over a store. What is asked for may be any text."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()

    async def has_accounts(self) -> bool:
        """True if there is any user, and so perhaps a key."""
        async with self._store.reading() as work:
            found = await work.connection.execute(select(exists().where(USERS.c.id.is_not(None))))
            return bool(found.scalar_one())

    async def find_key(self, access_id: str) -> AccessKey | None:
        """The key with this access id; of one that is revoked or expired too."""
        if not may_be_kept(access_id):
            return None
        async with self._store.reading() as work:
            query = (
                select(
                    ACCESS_KEYS.c.id,
                    ACCESS_KEYS.c.secret,
                    ACCESS_KEYS.c.expires_at,
                    ACCESS_KEYS.c.revoked_at,
                    *_USER,
                    *_PROJECT,
                )
                .join(USERS, USERS.c.id == ACCESS_KEYS.c.user_id)
                .join(PROJECTS, PROJECTS.c.id == ACCESS_KEYS.c.project_id)
                .where(ACCESS_KEYS.c.id == access_id)
            )
            row = (await work.connection.execute(query)).one_or_none()
            if row is None:
                return None
            return AccessKey(
                id=row.id,
                secret=work.keyring.decrypt(row.secret),
                user=_user(row),
                project=_project(row),
                expires_at=row.expires_at,
                revoked_at=row.revoked_at,
            )

    async def find_user(self, domain: str, name: str) -> User | None:
        """The user of this name in this domain."""
        if not (may_be_kept(domain) and may_be_kept(name)):
            return None
        row = await self._one(select(*_USER).where(USERS.c.domain == domain, USERS.c.name == name))
        return None if row is None else _user(row)

    async def policies_of(self, user_id: str) -> Sequence[PolicyGrant]:
        """The policies that apply to a user, his own first, then those of his groups."""
        if not may_be_kept(user_id):
            return ()
        async with self._store.reading() as work:
            return await work.policies.grants_of(user_id)

    async def find_project(self, project_id: str) -> Project | None:
        """The project with this id."""
        return await self._find_project(PROJECTS.c.id == project_id, project_id)

    async def find_project_by_name(self, domain: str, name: str) -> Project | None:
        """The project of this name in this domain."""
        here = (PROJECTS.c.domain == domain) & (PROJECTS.c.name == name)
        return await self._find_project(here, domain, name)

    async def save_token(self, token: Token) -> None:
        """Keep a token that is given out. Of those that expired before it was issued some go: all
        at once they may be more than a transaction has time for, and then nobody would get one."""
        is_over = TOKENS.c.expires_at < token.issued_at
        # Those that somebody else forgets just now are his.
        some = select(TOKENS.c.digest).where(is_over).limit(_FORGOTTEN)
        some = some.with_for_update(skip_locked=True)
        async with self._store.writing() as work:
            await work.connection.execute(delete(TOKENS).where(TOKENS.c.digest.in_(some)))
            await work.connection.execute(
                insert(TOKENS).values(
                    digest=token.digest,
                    user_id=token.user.id,
                    project_id=token.project.id,
                    issued_at=token.issued_at,
                    expires_at=token.expires_at,
                    revoked_at=token.revoked_at,
                )
            )

    async def find_token(self, digest: str) -> Token | None:
        """The token with this digest; of one that is revoked or expired too."""
        if not may_be_kept(digest):
            return None
        row = await self._one(
            select(
                TOKENS.c.digest,
                TOKENS.c.issued_at,
                TOKENS.c.expires_at,
                TOKENS.c.revoked_at,
                *_USER,
                *_PROJECT,
            )
            .join(USERS, USERS.c.id == TOKENS.c.user_id)
            .join(PROJECTS, PROJECTS.c.id == TOKENS.c.project_id)
            .where(TOKENS.c.digest == digest)
        )
        if row is None:
            return None
        return Token(
            digest=row.digest,
            user=_user(row),
            project=_project(row),
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )

    async def lapsed(self, principals: Collection[Principal], now: float) -> set[Principal]:
        """Those of them who may call no more."""
        lapsed: set[Principal] = set()
        async with self._store.reading() as work:
            for batch in in_batches(principals):
                lapsed |= await _lapsed(work.connection, batch, now)
        return lapsed

    async def revoke_token(self, digest: str, at: float) -> bool:
        """A token counts no more from then on; where it was revoked before, from that time on.

        False if there is none with this digest.
        """
        found = await self.find_token(digest)
        if found is None:
            return False
        async with self._store.writing() as work:
            await work.connection.execute(
                update(TOKENS)
                .where(TOKENS.c.digest == digest, TOKENS.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )
        return True

    async def write_audit(self, entry: AuditEntry) -> None:
        """Keep a line of the audit."""
        async with self._store.writing() as work:
            await work.audit.write(entry)

    async def _find_project(self, where: ColumnElement[bool], *asked: str) -> Project | None:
        if not all(map(may_be_kept, asked)):
            return None
        row = await self._one(select(*_PROJECT).where(where))
        return None if row is None else _project(row)

    async def _one(self, query: Select[Any]) -> Row[Any] | None:
        async with self._store.reading() as work:
            row: Row[Any] | None = (await work.connection.execute(query)).one_or_none()
            return row


def _project(row: Row[Any]) -> Project:
    return Project(
        id=row.project_id,
        name=row.project_name,
        domain=row.project_domain,
        is_blocked=row.project_blocked_at is not None,
    )


def _user(row: Row[Any]) -> User:
    return User(
        id=row.user_id,
        name=row.user_name,
        domain=row.user_domain,
        password_hash=row.user_password_hash,
        is_blocked=row.user_blocked_at is not None,
    )


async def _lapsed(
    connection: AsyncConnection, principals: Collection[Principal], now: float
) -> set[Principal]:
    by_kind: dict[CredentialKind, set[str]] = {kind: set() for kind in CredentialKind}
    for one in principals:
        by_kind[one.kind].add(one.credential)
    keys, tokens = by_kind[CredentialKind.KEY], by_kind[CredentialKind.TOKEN]
    # Principals have the first letters of a token's digest.
    digest = func.substr(TOKENS.c.digest, 1, DIGEST_NAME_LENGTH)
    over = or_(ACCESS_KEYS.c.revoked_at <= now, ACCESS_KEYS.c.expires_at <= now)
    queries = (
        select(ACCESS_KEYS.c.id).where(ACCESS_KEYS.c.id.in_(keys), over),
        select(digest).where(digest.in_(tokens), TOKENS.c.revoked_at <= now),
        # An identity provider calls them whatever it likes, and all others are asked for with them.
        select(USERS.c.id).where(
            USERS.c.id.in_(set(filter(may_be_kept, (one.user_id for one in principals)))),
            USERS.c.blocked_at <= now,
        ),
        select(PROJECTS.c.id).where(
            PROJECTS.c.id.in_(set(filter(may_be_kept, (one.project_id for one in principals)))),
            PROJECTS.c.blocked_at <= now,
        ),
    )
    bad_keys, bad_tokens, users, projects = [
        set((await connection.execute(query)).scalars()) for query in queries
    ]
    bad = {CredentialKind.KEY: bad_keys, CredentialKind.TOKEN: bad_tokens}
    return {
        one
        for one in principals
        if one.credential in bad.get(one.kind, ())
        or one.user_id in users
        or one.project_id in projects
    }
