"""Projects that are frozen; an index by which the use of a service in a month is found quickly."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let projects be frozen, and sums be made from an index alone."""
    op.add_column("projects", sa.Column("frozen_at", sa.DateTime(timezone=True)))
    op.create_index(None, "usage", ["project_id", "service", "at", "amount"])
