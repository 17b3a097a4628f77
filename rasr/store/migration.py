"""Bringing the tables to the version of this program."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from rasr.store.database import Database
from rasr.store.errors import SchemaMismatch, StoreRefused
from rasr.store.location import Location

VERSION_TABLE = "rasr_version"
"""Has the version of the tables; a name of our own, as others use Alembic too."""
_LOCK = 0x72617372
"""Of PostgreSQL, held while tables are changed."""


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """The version of the tables that were found."""

    found: str | None
    """None where there are no tables."""
    ours: str
    is_known: bool
    """False for one that a newer program has made."""

    @property
    def is_ours(self) -> bool:
        """True if nothing is to be done."""
        return self.found == self.ours


async def schema_version(location: Location, timeout_s: float) -> SchemaVersion:
    """The version of the tables.

    Raises:
        StoreUnavailable: the database cannot be asked now.
        StoreRefused: the tables are those of another program.
    """
    database = Database(location, timeout_s, changes_tables=True)
    try:
        async with database.reading() as connection:
            return await connection.run_sync(_found, location)
    finally:
        await database.close()


async def migrate(
    location: Location,
    timeout_s: float,
    to: str = "head",
    first: Callable[[SchemaVersion], Awaitable[None]] | None = None,
) -> SchemaVersion:
    """Bring the tables to our version, all or nothing. Returns the version before.

    Args:
        to: another version, for tests of older files.
        first: what is done before older tables are changed, while nobody else can change them.

    Raises:
        StoreUnavailable: the database cannot be asked now.
        SchemaMismatch: they are of a newer version.
        StoreRefused: they are those of another program.
    """
    database = Database(location, timeout_s, changes_tables=True)
    try:
        async with database.writing(bounded=False) as connection:
            before = await connection.run_sync(_found_alone, location)
            if first is not None and before.found is not None and not before.is_ours:
                await first(before)
            await connection.run_sync(_upgrade, to)
            return before
    finally:
        await database.close()


def known_versions() -> frozenset[str]:
    """The versions that this program knows, its own among them."""
    return _versions(script_directory())


def newer_sentence(location: Location, version: SchemaVersion) -> str:
    """What a person is told of tables that a newer program has made."""
    return (
        f"the store {location} is of version {version.found}, which a newer rasr has made; this "
        f"one knows versions up to {version.ours}: use the newer one, or restore a backup"
    )


def _found_alone(connection: Connection, location: Location) -> SchemaVersion:
    """The version, which nobody else changes until the transaction is over."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before = _found(connection, location)
    if not before.is_known:
        raise SchemaMismatch(newer_sentence(location, before))
    return before


def _upgrade(connection: Connection, to: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _found(connection: Connection, location: Location) -> SchemaVersion:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    found = context.get_current_revision()
    if found is None and (others := set(inspect(connection).get_table_names())):
        raise StoreRefused(
            f"the database {location} has tables of another program, such as {min(others)}; "
            "name a database of its own in store.url"
        )
    script = script_directory()
    ours = script.get_current_head()
    assert ours is not None
    return SchemaVersion(found, ours, found is None or found in _versions(script))


def _versions(script: ScriptDirectory) -> frozenset[str]:
    return frozenset(one.revision for one in script.walk_revisions())


def script_directory() -> ScriptDirectory:
    """The versions and the way from each to the next."""
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    # `%` is special in Alembic's settings.
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
