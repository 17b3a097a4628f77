"""Vocabularies of hot words, the ledger of usage, packages, quotas."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _project(on_delete: str = "RESTRICT") -> sa.Column[str]:
    key = sa.ForeignKey("projects.id", ondelete=on_delete)
    return sa.Column("project_id", sa.String(32), key, nullable=False)


def upgrade() -> None:
    """Make the tables of what projects have and use."""
    op.create_table(
        "vocabularies",
        sa.Column("id", sa.String(32), primary_key=True),
        _project(),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("language", sa.String(64), nullable=False),
        sa.Column("description", sa.String(255), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.UniqueConstraint("project_id", "name"),
    )
    op.create_table(
        "vocabulary_words",
        sa.Column(
            "vocabulary_id", sa.String(32), sa.ForeignKey("vocabularies.id", ondelete="CASCADE")
        ),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("word", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("vocabulary_id", "position"),
    )
    op.create_table(
        "usage",
        sa.Column("id", sa.String(64), primary_key=True),
        _project(),
        sa.Column("access_id", sa.String(32)),
        sa.Column("user_id", sa.String(32)),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("audio_ms", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
    op.create_index(None, "usage", ["project_id", "at"])
    op.create_table(
        "packages",
        sa.Column("id", sa.String(32), primary_key=True),
        _project(),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("starts_at", _MOMENT, nullable=False),
        sa.Column("ends_at", _MOMENT, nullable=False),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("starts_at < ends_at", name="times"),
    )
    op.create_index(None, "packages", ["project_id", "service"])
    op.create_table(
        "quotas",
        _project("CASCADE"),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("per_month", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "service"),
        sa.CheckConstraint("per_month >= 0", name="per_month"),
    )
