"""Calls of interfaces by minute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of the history of interfaces."""
    op.create_table(
        "interface_minutes",
        sa.Column("project_id", sa.String(255), nullable=False),
        sa.Column("minute", sa.Integer, nullable=False),
        sa.Column("interface", sa.String(64), nullable=False),
        sa.Column("server_id", sa.String(32), nullable=False),
        sa.Column("successful", sa.BigInteger, nullable=False),
        sa.Column("failed_4xx", sa.BigInteger, nullable=False),
        sa.Column("failed_5xx", sa.BigInteger, nullable=False),
        sa.Column("delay_s", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "minute", "interface", "server_id"),
    )
    op.create_index(None, "interface_minutes", ["minute"])
