"""A backup has one state of everything, and comes back as it was."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from rasr.settings import StoreSettings
from rasr.store import backup
from rasr.store.errors import (
    SchemaMismatch,
    SecretsUnreadable,
    StoreBusy,
    StoreGone,
    StoreRefused,
)
from rasr.store.location import SqliteFile, locate
from rasr.store.migration import VERSION_TABLE
from rasr.store.store import Store, back_up_store, open_store, restore_store
from tests.store.test_migration import HEAD, OLDER, version_of
from tests.store.test_projects_apart import S3

NOW = 1_767_323_045.25


@pytest.fixture
async def server(sqlite_settings: StoreSettings) -> AsyncIterator[Store]:
    """A store that a server has open, with a key in it."""
    async with await open_store(sqlite_settings, {}, make=True) as opened:
        async with opened.writing() as work:
            user = await work.users.create("default", "ann", "", NOW)
            project = await work.projects.create("default", "a", "", NOW)
            await work.keys.create(user, project, "", NOW)
        yield opened


async def groups_of(store: Store) -> list[str]:
    async with store.reading() as work:
        return [one.name for one in await work.groups.all()]


async def add_group(store: Store, name: str) -> None:
    async with store.writing() as work:
        await work.groups.create(name, "", NOW)


async def test_a_backup_is_made_and_restored_while_a_server_runs(
    server: Store, sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    await add_group(server, "before")
    async with server.writing() as work:
        # What is not done is not in it, and does not keep it waiting.
        await work.groups.create("unfinished", "", NOW)
        keys = await back_up_store(sqlite_settings, {}, copy)
    assert isinstance(server.location, SqliteFile)
    assert keys == server.location.key_file
    assert os.stat(copy).st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path)) == ["copy", "store"]
    assert await groups_of(server) == ["before", "unfinished"]
    with pytest.raises(StoreRefused, match="say --force to put the backup in its place"):
        await restore_store(sqlite_settings, {}, copy)
    assert await groups_of(server) == ["before", "unfinished"]
    await restore_store(sqlite_settings, {}, copy, force=True)
    # The server that runs goes on with what was restored.
    assert await groups_of(server) == ["before"]
    await add_group(server, "after")
    async with await open_store(sqlite_settings, {}) as again:
        assert await groups_of(again) == ["after", "before"]


async def test_a_backup_overwrites_nothing_unless_told(
    server: Store, sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    copy.write_text("mine")
    with pytest.raises(StoreRefused, match="is there already; choose another name, or say --force"):
        await back_up_store(sqlite_settings, {}, copy)
    assert copy.read_text() == "mine"
    await back_up_store(sqlite_settings, {}, copy, force=True)
    assert version_of(copy) == HEAD


async def test_a_backup_comes_back_where_there_is_no_store(
    server: Store, sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    await back_up_store(sqlite_settings, {}, copy)
    elsewhere = StoreSettings(url=f"sqlite:///{tmp_path}/new/store.db")
    with pytest.raises(SecretsUnreadable, match=r"new/store\.db\.keys is not there"):
        await restore_store(elsewhere, {}, copy)
    place, before = locate(elsewhere.url, {}), server.location
    assert isinstance(place, SqliteFile)
    assert isinstance(before, SqliteFile)
    place.path.parent.mkdir(mode=0o700)
    shutil.copy(before.key_file, place.key_file)
    await restore_store(elsewhere, {}, copy)
    async with await open_store(elsewhere, {}) as store:
        async with store.reading() as work:
            assert len(await work.keys.all()) == 1
    assert os.stat(place.path).st_mode & 0o777 == 0o600


async def test_a_backup_with_a_bucket_whose_secret_nobody_can_read_is_refused(
    sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    async with await open_store(sqlite_settings, {}, make=True) as store:
        async with store.writing() as work:
            project = await work.projects.create("default", "a", "", 0.0)
            key = ("AK", "geheim")
            await work.buckets.add(project, "calls", 0.0, key=key, **S3)
            await work.buckets.add(project, "open", 0.0, **S3)
    await back_up_store(sqlite_settings, {}, copy)
    await restore_store(sqlite_settings, {}, copy, force=True)
    other = StoreSettings(url=f"sqlite:///{tmp_path}/other/store.db")
    async with await open_store(other, {}, make=True):
        with pytest.raises(SecretsUnreadable, match="add the older keys behind the first one"):
            await restore_store(other, {}, copy, force=True)


async def test_a_backup_whose_secrets_nobody_can_read_is_refused(
    server: Store, sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    await back_up_store(sqlite_settings, {}, copy)
    other = StoreSettings(url=f"sqlite:///{tmp_path}/other/store.db")
    async with await open_store(other, {}, make=True) as store:
        await add_group(store, "mine")
        with pytest.raises(SecretsUnreadable, match="add the older keys behind the first one"):
            await restore_store(other, {}, copy, force=True)
        assert await groups_of(store) == ["mine"]


async def test_an_older_backup_is_brought_up(
    server: Store, sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with closing(sqlite3.connect(copy)) as file:
        file.executescript((OLDER / "0001.sql").read_text("utf-8"))
    assert isinstance(server.location, SqliteFile)
    with server.location.key_file.open("a") as keys:
        keys.write((OLDER / "0001.keys").read_text("utf-8"))
    await restore_store(sqlite_settings, {}, copy, force=True)
    assert version_of(server.location.path) == HEAD
    async with server.reading() as work:
        assert [one.name for one in await work.groups.all()] == ["team"]
        _, tables = await work.vocabularies.page("1" * 32, limit=10)
        assert tables == []
    assert version_of(copy) == "0001"


async def test_what_is_no_backup_is_refused(
    server: Store, sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with pytest.raises(StoreGone, match="copy cannot be used now: unable to open"):
        await restore_store(sqlite_settings, {}, copy, force=True)
    copy.write_text("no database, and long enough to be looked at" * 100)
    with pytest.raises(StoreRefused, match="is no backup of a store: file is not a database"):
        await restore_store(sqlite_settings, {}, copy, force=True)
    copy.unlink()
    with closing(sqlite3.connect(copy)) as file, file:
        file.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StoreRefused, match=f"no backup of a store: no such table: {VERSION_TABLE}"):
        await restore_store(sqlite_settings, {}, copy, force=True)
    await back_up_store(sqlite_settings, {}, copy, force=True)
    whole = copy.read_bytes()
    with closing(sqlite3.connect(copy)) as file, file:
        file.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="of version 9999, which a newer rasr has made"):
        await restore_store(sqlite_settings, {}, copy, force=True)
    copy.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreRefused, match=r"copy is (damaged|no backup of a store)"):
        await restore_store(sqlite_settings, {}, copy, force=True)
    async with server.reading() as work:
        assert len(await work.keys.all()) == 1


async def test_a_backup_that_fails_leaves_nothing_behind(
    server: Store, sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    with pytest.raises(StoreGone, match="none"):
        await back_up_store(sqlite_settings, {}, tmp_path / "none" / "copy")

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backup, "_copy", fail)
        with pytest.raises(sqlite3.OperationalError):
            await back_up_store(sqlite_settings, {}, tmp_path / "copy")
    assert os.listdir(tmp_path) == ["store"]


async def test_a_store_that_somebody_writes_to_is_not_waited_for_for_ever(
    server: Store, sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    hasty = sqlite_settings.model_copy(update={"timeout_s": 2.0})
    await back_up_store(sqlite_settings, {}, copy)
    async with server.writing():
        with pytest.raises(StoreBusy, match=r"held by others for longer than store\.timeout_s"):
            await restore_store(hasty, {}, copy, force=True)
    await restore_store(sqlite_settings, {}, copy, force=True)


async def test_a_backup_is_of_one_moment_however_much_is_written_meanwhile(
    server: Store, sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    """Each transaction adds two groups; no backup has an odd number of them."""
    over = asyncio.Event()

    async def write() -> None:
        number = 0
        while not over.is_set():
            async with server.writing() as work:
                for half in "ab":
                    await work.groups.create(f"{number}{half}", "", NOW)
            number += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        for turn in range(5):
            copy = tmp_path / str(turn)
            await back_up_store(sqlite_settings, {}, copy)
            with closing(sqlite3.connect(copy)) as file:
                (count,) = file.execute("SELECT count(*) FROM groups").fetchone()
            assert count % 2 == 0
        over.set()


async def test_postgresql_has_its_own_tools(
    postgres_settings: StoreSettings, tmp_path: Path
) -> None:
    with pytest.raises(StoreRefused, match=r"pg_dump --format=custom --file=.*copy postgresql://"):
        await back_up_store(postgres_settings, {}, tmp_path / "copy")
    with pytest.raises(StoreRefused, match="pg_restore --clean --if-exists --single-transaction"):
        await restore_store(postgres_settings, {}, tmp_path / "copy")
