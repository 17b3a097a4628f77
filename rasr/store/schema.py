"""The tables. Their history is in `rasr.store.migrations`; a test holds the two together.

What belongs to a project has its `project_id`. Rows that tell what happened (audit, usage) refer
to users and keys by their ids alone, so that they outlive them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect

ID_LENGTH = 32
"""Hexadecimal digits, as in the ids of SIS."""
NAME_LENGTH = 64
DESCRIPTION_LENGTH = 255

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[float]):
    """A moment: seconds since 1970 here, a timestamp in UTC in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> datetime | None:
        """Seconds → what the database keeps."""
        return None if value is None else datetime.fromtimestamp(value, UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> float | None:
        """What the database keeps → seconds."""
        if value is None:
            return None
        # SQLite has no zones: what is there is UTC.
        at: datetime = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return at.timestamp()


def _id(name: str = "id") -> Column[str]:
    return Column(name, String(ID_LENGTH), primary_key=True)


def _project(*, on_delete: str = "RESTRICT") -> Column[str]:
    return Column(
        "project_id",
        String(ID_LENGTH),
        ForeignKey("projects.id", ondelete=on_delete),
        nullable=False,
    )


def _user() -> Column[str]:
    return Column(
        "user_id", String(ID_LENGTH), ForeignKey("users.id", ondelete="RESTRICT"), nullable=False
    )


def _name() -> Column[str]:
    return Column("name", String(NAME_LENGTH), nullable=False)


def _description() -> Column[str]:
    return Column("description", String(DESCRIPTION_LENGTH), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> Column[float]:
    return Column(name, Moment(), nullable=nullable)


PROJECTS = Table(
    "projects",
    METADATA,
    _id(),
    Column("domain", String(NAME_LENGTH), nullable=False),
    _name(),
    _description(),
    _moment("created_at"),
    _moment("blocked_at", nullable=True),
    _moment("frozen_at", nullable=True),
    UniqueConstraint("domain", "name"),
)

USERS = Table(
    "users",
    METADATA,
    _id(),
    Column("domain", String(NAME_LENGTH), nullable=False),
    _name(),
    _description(),
    Column("password_hash", Text),
    _moment("created_at"),
    _moment("blocked_at", nullable=True),
    UniqueConstraint("domain", "name"),
)

GROUPS = Table(
    "groups",
    METADATA,
    _id(),
    _name(),
    _description(),
    _moment("created_at"),
    UniqueConstraint("name"),
)

MEMBERSHIPS = Table(
    "memberships",
    METADATA,
    Column("group_id", String(ID_LENGTH), ForeignKey("groups.id", ondelete="CASCADE")),
    Column("user_id", String(ID_LENGTH), ForeignKey("users.id", ondelete="CASCADE")),
    PrimaryKeyConstraint("group_id", "user_id"),
    Index(None, "user_id"),
)

POLICIES = Table(
    "policies",
    METADATA,
    _id(),
    _name(),
    _description(),
    Column("document", JSON, nullable=False),
    _moment("created_at"),
    UniqueConstraint("name"),
)

ATTACHMENTS = Table(
    "attachments",
    METADATA,
    _id(),
    # One of the store's own, or one that every server has, which has a name only.
    Column("policy_id", String(ID_LENGTH), ForeignKey("policies.id", ondelete="CASCADE")),
    Column("system_policy", String(NAME_LENGTH)),
    Column("user_id", String(ID_LENGTH), ForeignKey("users.id", ondelete="CASCADE")),
    Column("group_id", String(ID_LENGTH), ForeignKey("groups.id", ondelete="CASCADE")),
    # Without one it applies in all projects.
    Column("project_id", String(ID_LENGTH), ForeignKey("projects.id", ondelete="CASCADE")),
    _moment("created_at"),
    _moment("expires_at", nullable=True),
    CheckConstraint("(policy_id IS NULL) <> (system_policy IS NULL)", name="one_policy"),
    CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="one_holder"),
    Index(None, "user_id"),
    Index(None, "group_id"),
    Index(None, "policy_id"),
)

ACCESS_KEYS = Table(
    "access_keys",
    METADATA,
    _id(),
    _user(),
    _project(),
    Column("secret", Text, nullable=False),
    _description(),
    _moment("created_at"),
    _moment("expires_at", nullable=True),
    _moment("revoked_at", nullable=True),
    Index(None, "user_id"),
    Index(None, "project_id"),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("digest", String(64), primary_key=True),
    _user(),
    _project(),
    _moment("issued_at"),
    _moment("expires_at"),
    _moment("revoked_at", nullable=True),
    Index(None, "expires_at"),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _moment("at"),
    Column("actor", String(128), nullable=False),
    Column("action", String(128), nullable=False),
    Column("target", String(255), nullable=False),
    Column("project_id", String(ID_LENGTH)),
    Column("address", String(64)),
    Index(None, "at"),
    Index(None, "project_id", "at"),
)

VOCABULARIES = Table(
    "vocabularies",
    METADATA,
    _id(),
    _project(),
    _name(),
    Column("language", String(NAME_LENGTH), nullable=False),
    _description(),
    # Grows by one with each change, for whoever keeps a copy.
    Column("revision", Integer, nullable=False),
    _moment("created_at"),
    _moment("changed_at"),
    UniqueConstraint("project_id", "name"),
)

VOCABULARY_WORDS = Table(
    "vocabulary_words",
    METADATA,
    Column("vocabulary_id", String(ID_LENGTH), ForeignKey("vocabularies.id", ondelete="CASCADE")),
    Column("position", Integer, nullable=False),
    Column("word", String(NAME_LENGTH), nullable=False),
    PrimaryKeyConstraint("vocabulary_id", "position"),
)

USAGE = Table(
    "usage",
    METADATA,
    # The id of the call or round: a row that is written twice counts once.
    Column("id", String(64), primary_key=True),
    _project(),
    Column("access_id", String(ID_LENGTH)),
    Column("user_id", String(ID_LENGTH)),
    Column("service", String(NAME_LENGTH), nullable=False),
    _moment("at"),
    Column("audio_ms", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Index(None, "project_id", "at"),
    # Sums of a month are asked for again and again.
    Index(None, "project_id", "service", "at", "amount"),
)

PACKAGES = Table(
    "packages",
    METADATA,
    _id(),
    _project(),
    Column("service", String(NAME_LENGTH), nullable=False),
    Column("amount", BigInteger, nullable=False),
    _moment("starts_at"),
    _moment("ends_at"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("starts_at < ends_at", name="times"),
    Index(None, "project_id", "service"),
)

QUOTAS = Table(
    "quotas",
    METADATA,
    _project(on_delete="CASCADE"),
    Column("service", String(NAME_LENGTH), nullable=False),
    Column("per_month", BigInteger, nullable=False),
    PrimaryKeyConstraint("project_id", "service"),
    CheckConstraint("per_month >= 0", name="per_month"),
)

INTERFACE_MINUTES = Table(
    "interface_minutes",
    METADATA,
    # Of an identity provider's project there is no row; and empty where nobody was known.
    Column("project_id", String(DESCRIPTION_LENGTH), nullable=False),
    # Counted since 1970.
    Column("minute", Integer, nullable=False),
    Column("interface", String(NAME_LENGTH), nullable=False),
    # A server has another one after each start: what it wrote is never added to.
    Column("server_id", String(ID_LENGTH), nullable=False),
    Column("successful", BigInteger, nullable=False),
    Column("failed_4xx", BigInteger, nullable=False),
    Column("failed_5xx", BigInteger, nullable=False),
    # Of the successful calls together, seconds.
    Column("delay_s", Float(53), nullable=False),
    PrimaryKeyConstraint("project_id", "minute", "interface", "server_id"),
    Index(None, "minute"),
)

BUCKETS = Table(
    "buckets",
    METADATA,
    _id(),
    _project(on_delete="CASCADE"),
    _name(),
    Column("endpoint", String(DESCRIPTION_LENGTH), nullable=False),
    Column("region", String(NAME_LENGTH), nullable=False),
    # What the service calls it.
    Column("bucket", String(NAME_LENGTH), nullable=False),
    Column("path_style", Boolean, nullable=False),
    # A key, or a role that the project grants to the server; neither: everybody may read.
    Column("access_id", String(DESCRIPTION_LENGTH)),
    Column("secret", Text),
    Column("role", String(DESCRIPTION_LENGTH)),
    _moment("created_at"),
    UniqueConstraint("project_id", "name"),
    CheckConstraint("(access_id IS NULL) = (secret IS NULL)", name="whole_key"),
    CheckConstraint("access_id IS NULL OR role IS NULL", name="one_way_in"),
)

CALLBACK_KEYS = Table(
    "callback_keys",
    METADATA,
    _id(),
    _project(on_delete="CASCADE"),
    Column("secret", Text, nullable=False),
    _moment("created_at"),
    UniqueConstraint("project_id"),
)

JOBS = Table(
    "jobs",
    METADATA,
    _id(),
    # Of an identity provider's project there is no row.
    Column("project_id", String(DESCRIPTION_LENGTH), nullable=False),
    # Who is charged; null where nobody was asked.
    Column("principal", JSON),
    Column("state", String(16), nullable=False),
    # As it came, without what the two columns below have.
    Column("request", JSON, nullable=False),
    # Whoever signs a URL puts the signature into it: they go with the end of what they are for.
    Column("data_url", Text),
    Column("callback_url", Text),
    # Where the recording was sent here.
    Column("upload_id", String(ID_LENGTH)),
    # Of the request: the same one has the same.
    Column("digest", String(64), nullable=False),
    # Who is served first: the lowest.
    Column("turn", Integer, nullable=False),
    _moment("created_at"),
    _moment("started_at", nullable=True),
    _moment("finished_at", nullable=True),
    _moment("expires_at", nullable=True),
    # What the recording says of itself, then what was heard.
    Column("audio_ms", BigInteger),
    Column("done_ms", BigInteger, nullable=False),
    Column("error_code", String(16)),
    Column("error_message", Text),
    # How the answer comes to the callback URL.
    Column("delivery", JSON),
    Index(None, "project_id", "created_at"),
    Index(None, "project_id", "digest", "created_at"),
    Index(None, "project_id", "state", "turn"),
    Index(None, "state", "turn"),
    Index(None, "expires_at"),
    Index(None, "upload_id"),
)

UPLOADS = Table(
    "uploads",
    METADATA,
    _id(),
    # Of an identity provider's project there is no row.
    Column("project_id", String(DESCRIPTION_LENGTH), nullable=False),
    _moment("created_at"),
    # It is being forgotten, part by part.
    Column("dropped", Boolean, nullable=False),
    Index(None, "project_id"),
    Index(None, "created_at"),
)

UPLOAD_PARTS = Table(
    "upload_parts",
    METADATA,
    Column("upload_id", String(ID_LENGTH), ForeignKey("uploads.id", ondelete="CASCADE")),
    Column("part", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("upload_id", "part"),
)

JOB_SEGMENTS = Table(
    "job_segments",
    METADATA,
    Column("job_id", String(ID_LENGTH), ForeignKey("jobs.id", ondelete="CASCADE")),
    # Of the recording; what was said in it stands in one row.
    Column("minute", Integer, nullable=False),
    # Segments as SIS tells them, JSON with commas between.
    Column("segments", Text, nullable=False),
    PrimaryKeyConstraint("job_id", "minute"),
)

JOB_HEARD = Table(
    "job_heard",
    METADATA,
    Column("job_id", String(ID_LENGTH), ForeignKey("jobs.id", ondelete="CASCADE")),
    # Of those that are recognised, each on its own.
    Column("channel", Integer, nullable=False),
    Column("minute", Integer, nullable=False),
    # As in job_segments, with all words, until the whole recording is analysed.
    Column("segments", Text, nullable=False),
    PrimaryKeyConstraint("job_id", "channel", "minute"),
)

JOB_MARKS = Table(
    "job_marks",
    METADATA,
    Column("job_id", String(ID_LENGTH), ForeignKey("jobs.id", ondelete="CASCADE")),
    Column("minute", Integer, nullable=False),
    # Of the list of words that was looked for.
    Column("name", String(255), nullable=False),
    Column("places", Integer, nullable=False),
    PrimaryKeyConstraint("job_id", "minute", "name"),
)

JOB_SERVERS = Table(
    "job_servers",
    METADATA,
    _id(),
    # Grows as long as the server lives. Clocks of machines differ, so it is no time.
    Column("beats", BigInteger, nullable=False),
)

REPLICAS = Table(
    "replicas",
    METADATA,
    _id(),
    Column("address", String(255), nullable=False),
    # So many are open, by project.
    Column("rounds", JSON, nullable=False),
    # As of the servers that work on jobs.
    Column("beats", BigInteger, nullable=False),
    # How it fares.
    Column("numbers", JSON),
)

CAPTION_CHANNELS = Table(
    "caption_channels",
    METADATA,
    Column("name", String(NAME_LENGTH), primary_key=True),
    # The replica to which is spoken, or was at last, and the one that copies it in any case.
    Column("replica_id", String(ID_LENGTH), nullable=False),
    Column("keeper_id", String(ID_LENGTH), nullable=False),
    # Empty where nobody is asked who he is.
    Column("project_id", String(ID_LENGTH), nullable=False),
    # Grows with each round that begins to speak to it.
    Column("claims", BigInteger, nullable=False),
)

SECRETS: tuple[Column[Any], ...] = (
    ACCESS_KEYS.c.secret,
    BUCKETS.c.secret,
    CALLBACK_KEYS.c.secret,
    JOBS.c.data_url,
    JOBS.c.callback_url,
)
"""What is encrypted; each is of a row that has an id."""
