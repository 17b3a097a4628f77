"""What the store keeps, as plain records. Times are seconds since 1970 in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rasr.identity.policies import Policy


@dataclass(frozen=True, slots=True)
class ProjectRecord:
    """A project."""

    id: str
    domain: str
    name: str
    description: str
    created_at: float
    blocked_at: float | None
    """Since then nobody may call it."""
    frozen_at: float | None
    """Since then it may use no metered service, and everything else."""


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A user. The hash of the password is left out: nobody who lists users needs it."""

    id: str
    domain: str
    name: str
    description: str
    has_password: bool
    created_at: float
    blocked_at: float | None


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """A group of users."""

    id: str
    name: str
    description: str
    created_at: float


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """A policy: one of the store's own, or one that every server has."""

    id: str | None
    """None for one that every server has."""
    name: str
    description: str
    policy: Policy
    created_at: float | None

    @property
    def is_system(self) -> bool:
        """True for one that every server has."""
        return self.id is None


@dataclass(frozen=True, slots=True)
class Attachment:
    """That a policy applies to a user or a group."""

    id: str
    policy: str
    user: str | None
    group: str | None
    project: str | None
    """Its name; None: in all projects."""
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An access key without its secret."""

    id: str
    user_id: str
    user: str
    project_id: str
    project: str
    description: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A table of hot words."""

    id: str
    name: str
    language: str
    description: str
    revision: int
    """Grows with each change."""
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BucketRecord:
    """A bucket of a project, without the secret of its key."""

    id: str
    project_id: str
    project: str
    name: str
    """As requests call it."""
    endpoint: str
    region: str
    bucket: str
    """As the service calls it."""
    path_style: bool
    access_id: str | None
    role: str | None
    """That the project grants to the server."""
    created_at: float


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One call or round that is billed."""

    id: str
    """Of the call or round; a row that is written twice counts once."""
    service: str
    at: float
    amount: int
    """In the unit of the service: calls, or seconds of audio."""
    audio_ms: int = 0
    access_id: str | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class UsageSum:
    """What was used on one day (UTC) of one service by one user with one key."""

    day: str
    service: str
    access_id: str | None
    calls: int
    amount: int
    audio_ms: int
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """An amount of a service that was bought ahead."""

    id: str
    service: str
    amount: int
    starts_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Quota:
    """What a project may use of a service in a month."""

    service: str
    per_month: int


@dataclass(frozen=True, slots=True)
class InterfaceMinute:
    """The calls of an interface in one minute, or from one on."""

    project_id: str
    """Empty where nobody was known."""
    minute: int
    """Counted since 1970."""
    interface: str
    successful: int
    failed_4xx: int
    failed_5xx: int
    delay_s: float
    """Of the successful calls together."""


class JobState(StrEnum):
    """Where a job on a recording is."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job on a recording. Its URLs are left out."""

    id: str
    project_id: str
    principal: Mapping[str, str] | None
    """Who is charged; None where nobody was asked."""
    state: JobState
    request: Mapping[str, Any]
    """As it came, without its URLs."""
    upload_id: str | None
    """Where the recording was sent here."""
    turn: int
    created_at: float
    started_at: float | None
    finished_at: float | None
    expires_at: float | None
    audio_ms: int | None
    done_ms: int
    """So much of the audio has been heard."""
    error_code: str | None
    error_message: str | None
    delivery: Mapping[str, Any] | None
    """How the answer comes to the callback URL; None where there is none."""

    @property
    def is_open(self) -> bool:
        """True while it waits or runs."""
        return self.state in OPEN_STATES


OPEN_STATES = (JobState.WAITING, JobState.RUNNING)
