"""Older tables become ours with all that is in them; newer ones are left alone."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect

from rasr.settings import StoreSettings
from rasr.store.directory import StoredDirectory
from rasr.store.errors import SchemaMismatch, StoreRefused
from rasr.store.location import SqliteFile, locate
from rasr.store.migration import (
    VERSION_TABLE,
    SchemaVersion,
    migrate,
    schema_version,
    script_directory,
)
from rasr.store.schema import METADATA
from rasr.store.store import Store, migrate_store, open_store
from tools.postgres import PostgresServer

OLDER = Path(__file__).parent / "older"
HEAD = "0008"


@pytest.fixture
def older_file(sqlite_settings: StoreSettings) -> Path:
    """A file of the first version, with accounts in it, and its keys."""
    return older_version(sqlite_settings, "0001")


def older_version(sqlite_settings: StoreSettings, version: str) -> Path:
    """A file of a version, with something in it, and its keys."""
    location = locate(sqlite_settings.url, {})
    assert isinstance(location, SqliteFile)
    location.path.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(location.path)) as file:
        file.executescript((OLDER / f"{version}.sql").read_text("utf-8"))
    location.key_file.write_text((OLDER / "0001.keys").read_text("utf-8"))
    for one in (location.path, location.key_file):
        one.chmod(0o600)
    return location.path


def version_of(file: Path) -> str:
    with closing(sqlite3.connect(file)) as opened:
        (version,) = opened.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
    return str(version)


def content(file: Path) -> bytes:
    return file.read_bytes()


def set_version(file: Path, version: str) -> None:
    with closing(sqlite3.connect(file)) as opened, opened:
        opened.execute(f"UPDATE {VERSION_TABLE} SET version_num = ?", (version,))


async def test_what_the_second_version_kept_is_there(sqlite_settings: StoreSettings) -> None:
    file = older_version(sqlite_settings, "0002")
    async with await open_store(sqlite_settings, {}) as store, store.reading() as work:
        vocabulary = await work.vocabularies.get("1" * 32, "4" * 32)
        (used,) = await work.usage.sums("1" * 32, 0.0, 2e9)
        assert (vocabulary.words, used.amount) == (("Dashwood",), 61)
    assert version_of(file) == HEAD


async def test_a_file_of_the_first_version_is_brought_up_after_a_copy_is_made(
    older_file: Path, sqlite_settings: StoreSettings
) -> None:
    async with await open_store(sqlite_settings, {}) as store:
        found = await StoredDirectory(store).find_key("AKEXAMPLE00000000001")
        assert found is not None
        assert found.secret == "SKexample0000000000000000000000000000001"
        assert (found.user.name, found.project.name) == ("ann", "cn-north-4")
        (grant,) = await StoredDirectory(store).policies_of(found.user.id)
        assert (grant.policy_name, grant.group_name) == ("quiet", "team")
        async with store.writing() as work:
            (line,) = await work.audit.newest(5)
            assert (line.at, line.actor) == (1_767_323_045.25, "local:root")
            # What the first version did not have.
            await work.vocabularies.create(found.project.id, "n", "zh", "", ["w"], 0.0)
    assert version_of(older_file) == HEAD
    (copy,) = older_file.parent.glob("store.db.0001-*.backup")
    assert version_of(copy) == "0001"
    assert copy.stat().st_mode & 0o777 == 0o600
    await (await open_store(sqlite_settings, {})).close()
    assert list(older_file.parent.glob("*.backup")) == [copy]


async def test_a_file_with_usage_is_brought_up_with_all_of_it(
    sqlite_settings: StoreSettings,
) -> None:
    file = older_version(sqlite_settings, "0002")
    async with await open_store(sqlite_settings, {}) as store, store.writing() as work:
        (project,) = await work.projects.all()
        assert project.frozen_at is None
        (day,) = await work.usage.sums(project.id, 0.0, 1 << 33)
        assert (day.day, day.service, day.calls, day.amount) == ("2026-01-02", "real-time", 1, 61)
        assert await work.usage.quota(project.id, "real-time") == 3600
        await work.projects.freeze(project.id, 5.0)
        assert await work.projects.frozen_at(project.id) == 5.0
    (copy,) = file.parent.glob("store.db.0002-*.backup")
    assert version_of(copy) == "0002"


async def test_two_that_open_an_older_file_at_once_bring_it_up_once(
    older_file: Path, sqlite_settings: StoreSettings
) -> None:
    opened = await asyncio.gather(*(open_store(sqlite_settings, {}) for _ in range(4)))
    for one in opened:
        async with one.reading() as work:
            assert len(await work.users.all()) == 1
        await one.close()
    assert version_of(older_file) == HEAD


async def test_the_copy_is_of_the_older_version_also_where_another_brings_the_file_up_meanwhile(
    older_file: Path, sqlite_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, is_brought_up = asyncio.Event(), asyncio.Event()

    async def look_and_wait(*asked: Any) -> SchemaVersion:
        found = await schema_version(*asked)
        looked.set()
        await is_brought_up.wait()
        return found

    with monkeypatch.context() as slow:
        slow.setattr("rasr.store.store.schema_version", look_and_wait)
        slower = asyncio.create_task(open_store(sqlite_settings, {}))
        await looked.wait()
    await (await open_store(sqlite_settings, {})).close()
    is_brought_up.set()
    await (await slower).close()
    (copy,) = older_file.parent.glob("*.backup")
    assert version_of(copy) == "0001"


async def test_two_that_make_a_file_at_once_make_one(sqlite_settings: StoreSettings) -> None:
    opened = await asyncio.gather(*(open_store(sqlite_settings, {}, make=True) for _ in range(4)))
    for number, one in enumerate(opened):
        async with one.writing() as work:
            await work.groups.create(str(number), "", 0.0)
    async with opened[0].reading() as work:
        assert len(await work.groups.all()) == 4
    for one in opened:
        await one.close()


async def test_a_step_that_fails_leaves_the_tables_as_they_were(
    older_file: Path, sqlite_settings: StoreSettings
) -> None:
    with closing(sqlite3.connect(older_file)) as file:
        # The last table that the second version makes is there already.
        file.execute("CREATE TABLE quotas (x)")
    with pytest.raises(Exception, match="quotas already exists"):
        await open_store(sqlite_settings, {})
    assert version_of(older_file) == "0001"
    with closing(sqlite3.connect(older_file)) as file:
        names = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
    assert "vocabularies" not in names


async def test_a_newer_file_is_left_alone(older_file: Path, sqlite_settings: StoreSettings) -> None:
    set_version(older_file, "9999")
    before = content(older_file)
    for asked in (open_store(sqlite_settings, {}), migrate_store(sqlite_settings, {})):
        with pytest.raises(SchemaMismatch, match="of version 9999, which a newer rasr has made"):
            await asked
    assert version_of(older_file) == "9999"
    assert content(older_file) == before
    assert list(older_file.parent.glob("*.backup")) == []


async def test_tables_of_others_are_left_alone(
    older_file: Path, sqlite_settings: StoreSettings
) -> None:
    with closing(sqlite3.connect(older_file)) as file, file:
        file.execute(f"ALTER TABLE {VERSION_TABLE} RENAME TO alembic_version")
    for asked in (open_store(sqlite_settings, {}), migrate_store(sqlite_settings, {})):
        with pytest.raises(StoreRefused, match="has tables of another program, such as access_k"):
            await asked


async def test_tables_of_postgresql_are_changed_by_a_command_only(
    postgres: PostgresServer, empty_database: StoreSettings
) -> None:
    with pytest.raises(SchemaMismatch, match=r"has no tables yet, .*: run `rasr store migrate`"):
        await open_store(empty_database, {})
    await migrate(locate(empty_database.url, {}), 5.0, to="0001")
    with pytest.raises(SchemaMismatch, match=r"of version 0001, .*: run `rasr store migrate`"):
        await open_store(empty_database, {})
    assert (await migrate_store(empty_database, {})).found == "0001"
    assert (await migrate_store(empty_database, {})).is_ours
    await (await open_store(empty_database, {})).close()
    database = empty_database.url.rpartition("/")[2]
    postgres.run(f"UPDATE {VERSION_TABLE} SET version_num = '9999'", database)
    for asked in (open_store(empty_database, {}), migrate_store(empty_database, {})):
        with pytest.raises(SchemaMismatch, match="a newer rasr has made"):
            await asked


async def test_a_database_of_others_is_left_alone(
    postgres: PostgresServer, empty_database: StoreSettings
) -> None:
    postgres.run("CREATE TABLE theirs (x int)", empty_database.url.rpartition("/")[2])
    for asked in (open_store(empty_database, {}), migrate_store(empty_database, {})):
        with pytest.raises(StoreRefused, match="tables of another program, such as theirs"):
            await asked


async def test_postgresql_is_migrated_once_where_two_do_it(empty_database: StoreSettings) -> None:
    found = await asyncio.gather(*(migrate_store(empty_database, {}) for _ in range(3)))
    assert sorted(one.found or "" for one in found) == ["", HEAD, HEAD]


def _differences(connection: Connection) -> list[object]:
    options = {"version_table": VERSION_TABLE, "compare_type": True}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, METADATA))


async def test_the_steps_make_the_tables_that_the_schema_says(store: Store) -> None:
    async with store.reading() as work:
        assert await work.connection.run_sync(_differences) == []
        checks = await work.connection.run_sync(
            lambda sync: {
                name: sorted(str(one["name"]) for one in inspect(sync).get_check_constraints(name))
                for name in METADATA.tables
            }
        )
    assert checks == {
        name: sorted(
            f"ck_{name}_{one.name}" if not str(one.name).startswith("ck_") else str(one.name)
            for one in table.constraints
            if type(one).__name__ == "CheckConstraint"
        )
        for name, table in METADATA.tables.items()
    }


def test_there_is_a_file_of_each_version_before_ours() -> None:
    newest, *older = (one.revision for one in script_directory().walk_revisions())
    assert newest == HEAD
    assert {one.stem for one in OLDER.glob("*.sql")} == set(older)
