"""Run by Alembic, within the transaction that `rasr.store.migration` has begun."""

from __future__ import annotations

from alembic import context

from rasr.store.migration import VERSION_TABLE
from rasr.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    # SQLite cannot change a table in place: it is made anew.
    render_as_batch=True,
)
context.run_migrations()
