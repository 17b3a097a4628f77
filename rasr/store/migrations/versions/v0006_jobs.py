"""Jobs on recording files, what was said in them, and the servers that work on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of jobs."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("project_id", sa.String(255), nullable=False),
        sa.Column("principal", sa.JSON),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("data_url", sa.Text),
        sa.Column("callback_url", sa.Text),
        sa.Column("upload_id", sa.String(32)),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("started_at", moment),
        sa.Column("finished_at", moment),
        sa.Column("expires_at", moment),
        sa.Column("audio_ms", sa.BigInteger),
        sa.Column("done_ms", sa.BigInteger, nullable=False),
        sa.Column("error_code", sa.String(16)),
        sa.Column("error_message", sa.Text),
        sa.Column("delivery", sa.JSON),
    )
    op.create_index("ix_jobs_project_id_created_at", "jobs", ["project_id", "created_at"])
    op.create_index(
        "ix_jobs_project_id_digest_created_at", "jobs", ["project_id", "digest", "created_at"]
    )
    op.create_index("ix_jobs_project_id_state_turn", "jobs", ["project_id", "state", "turn"])
    op.create_index("ix_jobs_state_turn", "jobs", ["state", "turn"])
    op.create_index("ix_jobs_expires_at", "jobs", ["expires_at"])
    op.create_index("ix_jobs_upload_id", "jobs", ["upload_id"])
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("project_id", sa.String(255), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("dropped", sa.Boolean, nullable=False),
    )
    op.create_index("ix_uploads_project_id", "uploads", ["project_id"])
    op.create_index("ix_uploads_created_at", "uploads", ["created_at"])
    op.create_table(
        "upload_parts",
        sa.Column("upload_id", sa.String(32), sa.ForeignKey("uploads.id", ondelete="CASCADE")),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "part"),
    )
    op.create_table(
        "job_segments",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE")),
        sa.Column("minute", sa.Integer, nullable=False),
        sa.Column("segments", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "minute"),
    )
    op.create_table(
        "job_heard",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE")),
        sa.Column("channel", sa.Integer, nullable=False),
        sa.Column("minute", sa.Integer, nullable=False),
        sa.Column("segments", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "channel", "minute"),
    )
    op.create_table(
        "job_marks",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE")),
        sa.Column("minute", sa.Integer, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("places", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "minute", "name"),
    )
    op.create_table(
        "job_servers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("beats", sa.BigInteger, nullable=False),
    )
