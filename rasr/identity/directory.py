"""The directory of accounts: what the doors ask of whatever keeps projects, users and keys.

Times are seconds since 1970 in UTC. Records are what was stored: whether a key, a user or a token
still counts at a time is asked of them with that time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rasr.identity.policies import PolicyGrant
from rasr.identity.principals import Principal

DEFAULT_DOMAIN = "default"
"""The account that projects and users are of where nobody says another one."""


class DirectoryUnavailable(Exception):
    """The directory cannot be asked now: its database is locked, full or gone. The text is for the
    operator's log, and has no secret in it."""


class DirectoryCrowded(DirectoryUnavailable):
    """The directory answers, but more at once want to know than it can tell in time."""


@dataclass(frozen=True, slots=True)
class Project:
    """What credentials, hot words and usage belong to."""

    id: str
    """32 hexadecimal digits, as in the paths of requests."""
    name: str
    """Unique in its domain; clients of SIS name a region here."""
    domain: str
    is_blocked: bool = False
    """Nobody may call it."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody, or some program, who calls."""

    id: str
    name: str
    """Unique in its domain."""
    domain: str
    password_hash: str | None = field(default=None, repr=False)
    """As `rasr.identity.passwords` makes it; None: no password opens this account."""
    is_blocked: bool = False
    """Neither he nor his keys and tokens may call."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A pair of access id and secret (AK and SK), with whom and what it is for."""

    id: str
    """The access id, which is no secret."""
    secret: str = field(repr=False)
    user: User
    project: Project
    expires_at: float | None = None
    revoked_at: float | None = None

    def fault(self, now: float) -> str | None:
        """Why it does not count at this time, for the operator's log; None if it counts."""
        if self.revoked_at is not None and now >= self.revoked_at:
            return "the key is revoked"
        if self.expires_at is not None and now >= self.expires_at:
            return "the key has expired"
        return account_fault(self.user, self.project)


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was given out, by its digest; with whom and what it is for."""

    digest: str
    """`rasr.identity.tokens.digest` of the token, which itself is kept nowhere."""
    user: User
    project: Project
    issued_at: float
    expires_at: float
    revoked_at: float | None = None

    def fault(self, now: float) -> str | None:
        """Why it does not count at this time, for the operator's log; None if it counts."""
        if self.revoked_at is not None and now >= self.revoked_at:
            return "the token is revoked"
        if now >= self.expires_at:
            return "the token has expired"
        return account_fault(self.user, self.project)


def account_fault(user: User, project: Project) -> str | None:
    """Why this user may not call this project at all, for the operator's log; None if he may."""
    if user.is_blocked:
        return "the user is blocked"
    if project.is_blocked:
        return "the project is blocked"
    return None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who changed what. No secret and nothing that was spoken or written is part of it."""

    at: float
    actor: str
    """The id of a user; "local:" and a name for one at the command line; "anonymous" where nobody
    is asked who he is."""
    action: str
    """Such as `iam:token:create`."""
    target: str
    """The id or name of what was changed."""
    project_id: str | None = None
    address: str | None = None
    """Whence it was asked; None: at the command line."""


class Directory(Protocol):
    """Keeps accounts.

    Every call answers within some seconds or raises DirectoryUnavailable, and raises nothing else
    for what a database does: callers wait at the door meanwhile.
    """

    async def close(self) -> None:
        """Give back what it holds. Called once, at the end of the server that it was given to."""

    async def has_accounts(self) -> bool:
        """True if there is any key or user: then callers are asked who they are."""

    async def find_key(self, access_id: str) -> AccessKey | None:
        """The key with this access id; of one that is revoked or expired too."""

    async def find_user(self, domain: str, name: str) -> User | None:
        """The user of this name in this domain."""

    async def policies_of(self, user_id: str) -> Sequence[PolicyGrant]:
        """The policies that apply to a user, his own and those of his groups, in a fixed order; of
        all projects, and expired ones too."""

    async def find_project(self, project_id: str) -> Project | None:
        """The project with this id."""

    async def find_project_by_name(self, domain: str, name: str) -> Project | None:
        """The project of this name in this domain."""

    async def save_token(self, token: Token) -> None:
        """Keep a token that is given out. Tokens that expired before it was issued may go."""

    async def find_token(self, digest: str) -> Token | None:
        """The token with this digest; of one that is revoked or expired too."""

    async def lapsed(self, principals: Collection[Principal], now: float) -> set[Principal]:
        """Those of them who may call no more, whatever their policies say: the key was revoked or
        has expired, the token was revoked, the user or the project is blocked. One question for
        all."""

    async def revoke_token(self, digest: str, at: float) -> bool:
        """A token counts no more from then on. False if there is none with this digest."""

    async def write_audit(self, entry: AuditEntry) -> None:
        """Keep a line of the audit."""
