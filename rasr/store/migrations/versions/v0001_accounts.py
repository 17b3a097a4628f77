"""Projects, users, groups, policies, access keys, tokens, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _reference(column: str, target: str, on_delete: str, *, nullable: bool) -> sa.Column[str]:
    key = sa.ForeignKey(target, ondelete=on_delete)
    return sa.Column(column, sa.String(32), key, nullable=nullable)


def upgrade() -> None:
    """Make the tables of accounts."""
    for table in ("projects", "users"):
        op.create_table(
            table,
            sa.Column("id", sa.String(32), primary_key=True),
            sa.Column("domain", sa.String(64), nullable=False),
            sa.Column("name", sa.String(64), nullable=False),
            sa.Column("description", sa.String(255), nullable=False),
            *([sa.Column("password_hash", sa.Text)] if table == "users" else []),
            sa.Column("created_at", _MOMENT, nullable=False),
            sa.Column("blocked_at", _MOMENT),
            sa.UniqueConstraint("domain", "name"),
        )
    op.create_table(
        "groups",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("description", sa.String(255), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "memberships",
        _reference("group_id", "groups.id", "CASCADE", nullable=False),
        _reference("user_id", "users.id", "CASCADE", nullable=False),
        sa.PrimaryKeyConstraint("group_id", "user_id"),
    )
    op.create_index(None, "memberships", ["user_id"])
    op.create_table(
        "policies",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("description", sa.String(255), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(32), primary_key=True),
        _reference("policy_id", "policies.id", "CASCADE", nullable=True),
        sa.Column("system_policy", sa.String(64)),
        _reference("user_id", "users.id", "CASCADE", nullable=True),
        _reference("group_id", "groups.id", "CASCADE", nullable=True),
        _reference("project_id", "projects.id", "CASCADE", nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.CheckConstraint("(policy_id IS NULL) <> (system_policy IS NULL)", name="one_policy"),
        sa.CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="one_holder"),
    )
    for column in ("user_id", "group_id", "policy_id"):
        op.create_index(None, "attachments", [column])
    op.create_table(
        "access_keys",
        sa.Column("id", sa.String(32), primary_key=True),
        _reference("user_id", "users.id", "RESTRICT", nullable=False),
        _reference("project_id", "projects.id", "RESTRICT", nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("description", sa.String(255), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("revoked_at", _MOMENT),
    )
    for column in ("user_id", "project_id"):
        op.create_index(None, "access_keys", [column])
    op.create_table(
        "tokens",
        sa.Column("digest", sa.String(64), primary_key=True),
        _reference("user_id", "users.id", "RESTRICT", nullable=False),
        _reference("project_id", "projects.id", "RESTRICT", nullable=False),
        sa.Column("issued_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT),
    )
    op.create_index(None, "tokens", ["expires_at"])
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.String(128), nullable=False),
        sa.Column("action", sa.String(128), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("project_id", sa.String(32)),
        sa.Column("address", sa.String(64)),
    )
    op.create_index(None, "audit", ["at"])
    op.create_index(None, "audit", ["project_id", "at"])
