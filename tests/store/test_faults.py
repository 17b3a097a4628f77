"""A disk that is full, a database that is locked or gone: one clear error each, in time, and what
comes back is used again.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, IntegrityError

from rasr.identity.directory import DirectoryUnavailable
from rasr.settings import StoreSettings
from rasr.store.errors import (
    AlreadyThere,
    StoreBusy,
    StoreCrowded,
    StoreFull,
    StoreGone,
    StoreRefused,
)
from rasr.store.location import SqliteFile
from rasr.store.records import UsageRow
from rasr.store.store import Store, open_store
from tests.processes import LONG_S, until
from tools.postgres import PostgresServer

NOW = 1_767_323_045.25


async def count(store: Store) -> int:
    async with store.reading() as work:
        return len(await work.groups.all())


async def add(store: Store, name: str) -> None:
    async with store.writing() as work:
        await work.groups.create(name, "", NOW)


def path_of(store: Store) -> str:
    assert isinstance(store.location, SqliteFile)
    return str(store.location.path)


@pytest.mark.usefixtures("hasty")
async def test_a_file_that_another_process_writes_to_is_busy(
    sqlite_settings: StoreSettings,
) -> None:
    async with await open_store(sqlite_settings, {}, make=True) as store:
        with closing(sqlite3.connect(path_of(store), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreBusy, match=r"held by others for longer.*database is locked"):
                await add(store, "a")
            # Who reads is not kept waiting.
            assert await count(store) == 0
            other.execute("ROLLBACK")
        await add(store, "a")


async def test_whoever_waits_for_a_file_stops_when_he_is_told_to(
    sqlite_settings: StoreSettings,
) -> None:
    patient = sqlite_settings.model_copy(update={"timeout_s": 50 * LONG_S})
    async with await open_store(patient, {}, make=True) as store:
        waits = asyncio.Event()

        @event.listens_for(store.database.engine.sync_engine, "before_cursor_execute")
        def notice(*told: Any) -> None:
            if told[2] == "BEGIN IMMEDIATE":
                waits.set()

        with closing(sqlite3.connect(path_of(store), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            adding = asyncio.create_task(add(store, "a"))
            await waits.wait()
            adding.cancel()
            done, _ = await asyncio.wait({adding}, timeout=LONG_S)
            other.execute("ROLLBACK")
        assert done
        await add(store, "a")
        assert await count(store) == 1


async def test_whoever_waits_for_a_file_has_his_turn(sqlite_settings: StoreSettings) -> None:
    patient = sqlite_settings.model_copy(update={"timeout_s": 50 * LONG_S})
    async with await open_store(patient, {}, make=True) as store:
        tries: list[str] = []

        @event.listens_for(store.database.engine.sync_engine, "before_cursor_execute")
        def notice(*told: Any) -> None:
            tries.extend(one for one in told[2:3] if one == "BEGIN IMMEDIATE")

        with closing(sqlite3.connect(path_of(store), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            adding = [asyncio.create_task(add(store, name)) for name in "abcdefgh"]
            await until(lambda: len(tries) > len(adding))
            other.execute("ROLLBACK")
        await asyncio.gather(*adding)
        assert await count(store) == len(adding)


@pytest.mark.usefixtures("hasty")
async def test_a_row_that_another_process_holds_is_busy(
    postgres_settings: StoreSettings,
) -> None:
    async with await open_store(postgres_settings, {}) as store:
        async with store.writing() as work:
            user = await work.users.create("default", "ann", "", NOW)
        other = await asyncpg.connect(postgres_settings.url)
        try:
            async with other.transaction():
                await other.execute("SELECT * FROM users FOR UPDATE")

                async def block() -> None:
                    async with store.writing() as work:
                        await work.users.block(user.id, NOW)

                with pytest.raises(StoreBusy, match=r"held by others for longer.*lock timeout"):
                    await block()
            await block()
        finally:
            await other.close()


@pytest.mark.usefixtures("hasty")
async def test_all_connections_in_use_is_busy(settings: StoreSettings) -> None:
    async with await open_store(settings, {}, make=True) as store:
        async with store.reading(), store.reading(), store.reading(), store.reading():
            with pytest.raises(StoreBusy, match="asked too much at once"):
                await count(store)
        assert await count(store) == 0


@pytest.mark.usefixtures("hasty")
async def test_more_than_it_can_answer_in_time_are_told_so(settings: StoreSettings) -> None:
    async with await open_store(settings, {}, make=True) as store:
        gets_in, may_leave = asyncio.Event(), asyncio.Event()

        async def stay() -> None:
            async with store.reading():
                gets_in.set()
                await may_leave.wait()

        async with store.reading(), store.reading(), store.reading():
            async with store.reading():
                first = asyncio.create_task(stay())
                second = asyncio.create_task(count(store))
                for _ in range(100):
                    # Both come to wait, one after the other.
                    await asyncio.sleep(0)
            # One is answered while the second waits, and the first has its place.
            await gets_in.wait()
            with pytest.raises(StoreCrowded, match="asked by too many at once"):
                await second
        may_leave.set()
        await first


async def test_a_full_disk_is_told_and_loses_nothing(sqlite_settings: StoreSettings) -> None:
    async with await open_store(sqlite_settings, {}, make=True) as store:
        await add(store, "before")
        full = True

        @event.listens_for(store.database.engine.sync_engine, "begin")
        def bound(connection: Connection) -> None:
            # SQLite's own bound on the size of a file answers as a full disk does.
            pages = 1 if full else 1 << 30
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        async def fill() -> None:
            async with store.writing() as work:
                project = await work.projects.create("default", "a", "", NOW)
                words = ["w" * 32] * 1024
                await work.vocabularies.create(project.id, "v", "zh", "", words, NOW)

        with pytest.raises(StoreFull, match=r"has no room left: free some on its disk: database"):
            await fill()
        assert await count(store) == 1
        full = False
        await fill()


async def test_a_full_disk_of_postgresql_is_told(postgres_settings: StoreSettings) -> None:
    async with await open_store(postgres_settings, {}) as store:
        admin = await asyncpg.connect(postgres_settings.url)
        try:
            await admin.execute(
                """
                CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
                CREATE TRIGGER full_disk BEFORE INSERT ON groups EXECUTE FUNCTION full_disk();
                """
            )
            with pytest.raises(StoreFull, match=r"has no room left.*could not extend file"):
                await add(store, "a")
            await admin.execute("DROP TRIGGER full_disk ON groups")
        finally:
            await admin.close()
        await add(store, "a")


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_a_file_that_is_gone_and_comes_back_is_used_again(
    sqlite_settings: StoreSettings, what: str
) -> None:
    async with await open_store(sqlite_settings, {}, make=True) as store:
        await add(store, "a")
        place = path_of(store) if what == "file" else os.path.dirname(path_of(store))
        os.rename(place, f"{place}.away")
        for _ in range(2):
            with pytest.raises(StoreGone, match="is gone: No such file"):
                await add(store, "b")
        assert os.path.basename(place) not in os.listdir(os.path.dirname(place))
        os.rename(f"{place}.away", place)
        await add(store, "b")
        assert await count(store) == 2


async def test_a_file_in_place_of_another_is_read_anew(sqlite_settings: StoreSettings) -> None:
    async with await open_store(sqlite_settings, {}, make=True) as store:
        await add(store, "a")
        path = path_of(store)
        with closing(sqlite3.connect(path)) as first, closing(sqlite3.connect(f"{path}.2")) as copy:
            first.backup(copy)
        await add(store, "b")
        for rest in ("-wal", "-shm"):
            os.unlink(path + rest)
        os.rename(f"{path}.2", path)
        assert await count(store) == 1


async def test_a_file_that_is_damaged_is_told(sqlite_settings: StoreSettings) -> None:
    store = await open_store(sqlite_settings, {}, make=True)
    path = path_of(store)
    await store.close()
    with open(path, "r+b") as file:  # noqa: ASYNC230
        file.write(b"not what was here")
    with pytest.raises(StoreGone, match="cannot be used now: file is not a database"):
        await open_store(sqlite_settings, {})


async def test_tables_that_are_gone_are_told(settings: StoreSettings) -> None:
    async with await open_store(settings, {}, make=True) as store:
        async with store.writing() as work:
            await work.connection.exec_driver_sql("DROP TABLE audit")
            await work.connection.exec_driver_sql("ALTER TABLE groups RENAME TO away")
        with pytest.raises(StoreGone, match=r"cannot be used now: .*groups"):
            await count(store)


async def test_a_mistake_of_ours_is_not_told_as_a_fault_of_the_database(
    settings: StoreSettings,
) -> None:
    async with await open_store(settings, {}, make=True) as store:

        async def write_for_nobody() -> None:
            async with store.writing() as work:
                await work.usage.write("no such project", [UsageRow("1", "rasr", NOW, 1)])

        with pytest.raises(IntegrityError):
            await write_for_nobody()


async def test_a_server_that_ends_our_connections_is_asked_again(
    postgres: PostgresServer, postgres_settings: StoreSettings
) -> None:
    async with await open_store(postgres_settings, {}) as store:
        await add(store, "a")
        name = postgres_settings.url.rpartition("/")[2]
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        postgres.run(ended)
        # Its loss is noticed before a transaction begins.
        assert await count(store) == 1

        async def lose() -> None:
            async with store.writing() as work:
                await work.groups.create("b", "", NOW)
                postgres.run(ended)
                await work.groups.create("c", "", NOW)

        with pytest.raises(StoreGone):
            await lose()
        assert await count(store) == 1


@pytest.mark.parametrize("value", ["a\0b", "a" * 1000])
async def test_a_value_that_no_row_can_have_is_a_mistake_of_ours(
    postgres_settings: StoreSettings, value: str
) -> None:
    async with await open_store(postgres_settings, {}) as store:
        with pytest.raises(DBAPIError):
            async with store.writing() as work:
                await work.uploads.begin(value, NOW, 10)
        await add(store, "a")


async def test_a_database_that_is_gone_and_comes_back_is_used_again(
    postgres: PostgresServer, postgres_settings: StoreSettings
) -> None:
    async with await open_store(postgres_settings, {}) as store:
        await add(store, "a")
        name = postgres_settings.url.rpartition("/")[2]
        postgres.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        postgres.run(f'ALTER DATABASE "{name}" RENAME TO "{name}_away"')
        for _ in range(2):
            with pytest.raises(StoreGone, match=r"cannot be used now.*does not exist"):
                await count(store)
        postgres.run(f'ALTER DATABASE "{name}_away" RENAME TO "{name}"')
        assert await count(store) == 1


async def test_a_server_that_does_not_answer_is_given_up(
    postgres: PostgresServer, postgres_settings: StoreSettings
) -> None:
    settings = postgres_settings.model_copy(update={"timeout_s": 2.0})
    async with await open_store(settings, {}) as store:
        await add(store, "a")
        with postgres.frozen():
            for _ in range(2):
                with pytest.raises(StoreGone):
                    await count(store)
            with pytest.raises(StoreGone):
                await open_store(settings, {})
        assert await count(store) == 1


async def test_nobody_at_the_address_is_told(postgres_settings: StoreSettings) -> None:
    nowhere = postgres_settings.model_copy(update={"url": "postgresql://127.0.0.1:1/rasr"})
    with pytest.raises(StoreGone, match=r"postgresql://127\.0\.0\.1:1/rasr cannot be used now"):
        await open_store(nowhere, {})


async def test_an_address_that_the_driver_does_not_take_is_refused_without_its_password() -> None:
    url = "postgresql://ann:geheim@127.0.0.1:x/rasr"
    keys = StoreSettings().model_copy(update={"url": url, "encryption_keys": ("A" * 43 + "=",)})
    with pytest.raises(StoreRefused, match=r"store\.url cannot be used") as refused:
        await open_store(keys, {})
    assert "geheim" not in str(refused.value)


async def test_without_the_driver_it_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "asyncpg", None)
    settings = StoreSettings(url="postgresql://h/d", encryption_keys=("A" * 43 + "=",))
    with pytest.raises(StoreRefused, match=r"pip install asyncpg"):
        await open_store(settings, {})


async def test_of_two_that_take_one_name_at_once_one_is_refused(
    postgres_settings: StoreSettings,
) -> None:
    """SQLite has one writer at a time; in PostgreSQL the second one finds the name taken late."""
    async with await open_store(postgres_settings, {}) as store:
        other = await asyncpg.connect(postgres_settings.url)
        try:

            async def be_late() -> None:
                async with store.writing() as work:
                    assert await work.groups.find("a") is None
                    await other.execute("INSERT INTO groups VALUES ($1, 'a', '', now())", "1" * 32)
                    await work.connection.exec_driver_sql(
                        f"INSERT INTO groups VALUES ('{'2' * 32}', 'a', '', now())"
                    )

            with pytest.raises(AlreadyThere, match="somebody else has just taken this name"):
                await be_late()
        finally:
            await other.close()
        assert await count(store) == 1


@pytest.mark.parametrize("fault", [StoreBusy, StoreFull, StoreGone])
def test_a_fault_of_the_database_is_one_of_the_directory(fault: type[Exception]) -> None:
    assert issubclass(fault, DirectoryUnavailable)


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_connections_of_transactions_that_were_open_at_the_end_are_closed(
    sqlite_settings: StoreSettings, tmp_path: Path, is_replaced: bool
) -> None:
    """At the end of the store, or of the file that it was in."""
    opened = await open_store(sqlite_settings, {}, make=True)
    async with opened.reading() as work:
        if is_replaced:
            assert isinstance(opened.location, SqliteFile)
            copy = tmp_path / "copy"
            copy.write_bytes(opened.location.path.read_bytes())
            copy.replace(opened.location.path)
            async with opened.reading() as other:
                await other.groups.all()
        else:
            await opened.close()
        await work.groups.all()
    if is_replaced:
        await opened.close()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del opened, work
        gc.collect()
    assert [str(one.message) for one in told] == []
