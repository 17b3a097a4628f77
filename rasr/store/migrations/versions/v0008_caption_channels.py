"""Which server has which channel of captions, of those behind one balancer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of channels, and have replicas say how they fare."""
    op.create_table(
        "caption_channels",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("replica_id", sa.String(32), nullable=False),
        sa.Column("keeper_id", sa.String(32), nullable=False),
        sa.Column("project_id", sa.String(32), nullable=False),
        sa.Column("claims", sa.BigInteger, nullable=False),
    )
    op.add_column("replicas", sa.Column("numbers", sa.JSON))
