"""A directory that keeps accounts in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from rasr.identity.directory import (
    AccessKey,
    AuditEntry,
    DirectoryUnavailable,
    Project,
    Token,
    User,
)
from rasr.identity.policies import PolicyGrant
from rasr.identity.principals import Principal


class MemoryDirectory:
    """See `rasr.identity.directory.Directory`."""

    def __init__(self) -> None:
        self.projects: dict[str, Project] = {}
        self.users: dict[str, User] = {}
        self.keys: dict[str, AccessKey] = {}
        self.grants: dict[str, list[PolicyGrant]] = {}
        self.tokens: dict[str, Token] = {}
        self.audit: list[AuditEntry] = []
        self.is_down = self.is_closed = False

    async def close(self) -> None:
        """See the protocol."""
        self.is_closed = True

    def add(self, *records: Project | User | AccessKey) -> None:
        """Keep these, by their ids."""
        for one in records:
            match one:
                case Project():
                    self.projects[one.id] = one
                case User():
                    self.users[one.id] = one
                case AccessKey():
                    self.keys[one.id] = one

    def grant(self, user: User, *grants: PolicyGrant) -> None:
        """Let policies apply to a user."""
        self.grants.setdefault(user.id, []).extend(grants)

    async def has_accounts(self) -> bool:
        self._asked()
        return bool(self.keys or self.users)

    async def find_key(self, access_id: str) -> AccessKey | None:
        self._asked()
        return self.keys.get(access_id)

    async def find_user(self, domain: str, name: str) -> User | None:
        self._asked()
        known = self.users.values()
        return next((one for one in known if (one.domain, one.name) == (domain, name)), None)

    async def policies_of(self, user_id: str) -> Sequence[PolicyGrant]:
        self._asked()
        return tuple(self.grants.get(user_id, ()))

    async def find_project(self, project_id: str) -> Project | None:
        self._asked()
        return self.projects.get(project_id)

    async def find_project_by_name(self, domain: str, name: str) -> Project | None:
        self._asked()
        known = self.projects.values()
        return next((one for one in known if (one.domain, one.name) == (domain, name)), None)

    async def save_token(self, token: Token) -> None:
        self._asked()
        self.tokens[token.digest] = token

    async def find_token(self, digest: str) -> Token | None:
        self._asked()
        return self.tokens.get(digest)

    async def lapsed(self, principals: Collection[Principal], now: float) -> set[Principal]:
        self._asked()
        found = set()
        for one in principals:
            key = self.keys.get(one.credential)
            tokens = [
                token for digest, token in self.tokens.items() if digest.startswith(one.credential)
            ]
            revoked = [token for token in tokens if token.revoked_at is not None]
            user, project = self.users.get(one.user_id), self.projects.get(one.project_id)
            if (
                (key is not None and key.fault(now) is not None)
                or revoked
                or (user is not None and user.is_blocked)
                or (project is not None and project.is_blocked)
            ):
                found.add(one)
        return found

    async def revoke_token(self, digest: str, at: float) -> bool:
        self._asked()
        known = self.tokens.get(digest)
        if known is None:
            return False
        self.tokens[digest] = replace(known, revoked_at=at)
        return True

    async def write_audit(self, entry: AuditEntry) -> None:
        self._asked()
        self.audit.append(entry)

    def _asked(self) -> None:
        if self.is_down:
            raise DirectoryUnavailable("the database is locked")
