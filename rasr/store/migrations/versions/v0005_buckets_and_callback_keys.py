"""Buckets of projects, and the keys that answers to their callback URLs are signed with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _project() -> sa.Column[str]:
    key = sa.ForeignKey("projects.id", ondelete="CASCADE")
    return sa.Column("project_id", sa.String(32), key, nullable=False)


def upgrade() -> None:
    """Make the tables of what recordings need."""
    op.create_table(
        "buckets",
        sa.Column("id", sa.String(32), primary_key=True),
        _project(),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("endpoint", sa.String(255), nullable=False),
        sa.Column("region", sa.String(64), nullable=False),
        sa.Column("bucket", sa.String(64), nullable=False),
        sa.Column("path_style", sa.Boolean, nullable=False),
        sa.Column("access_id", sa.String(255)),
        sa.Column("secret", sa.Text),
        sa.Column("role", sa.String(255)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("project_id", "name"),
        sa.CheckConstraint("(access_id IS NULL) = (secret IS NULL)", name="whole_key"),
        sa.CheckConstraint("access_id IS NULL OR role IS NULL", name="one_way_in"),
    )
    op.create_table(
        "callback_keys",
        sa.Column("id", sa.String(32), primary_key=True),
        _project(),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("project_id"),
    )
