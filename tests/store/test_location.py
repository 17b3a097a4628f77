"""Where a store is, and who else may read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rasr.settings import StoreSettings
from rasr.store.errors import StoreGone, StoreRefused
from rasr.store.location import Postgres, SqliteFile, locate
from rasr.store.store import open_store


def test_the_usual_file_is_among_the_users_data() -> None:
    assert locate("", {"XDG_DATA_HOME": "/data"}) == SqliteFile(Path("/data/rasr/store/store.db"))


def test_a_file_and_a_database_are_named_by_urls() -> None:
    assert locate("sqlite:////srv/a%20b/c.db", {}) == SqliteFile(Path("/srv/a b/c.db"))
    place = locate("postgresql://ann:geheim@db.example/rasr?sslpassword=geheim", {})
    assert isinstance(place, Postgres)
    assert str(place) == "postgresql://ann@db.example/rasr"


@pytest.mark.parametrize(
    ("url", "came"),
    [
        ("/srv/store.db", "has no scheme"),
        ("mysql://ann:geheim@db/rasr", "begins with 'mysql'"),
        ("sqlite:///relative.db", "is 'sqlite:///relative.db'"),
        ("sqlite://host/store.db", "is 'sqlite://host/store.db'"),
        ("sqlite:////store.db?mode=ro", "is 'sqlite:////store.db"),
        ("sqlite://", "is 'sqlite://'"),
        ("postgresql://[geheim/rasr", "is not a URL"),
    ],
)
def test_what_is_no_place_is_refused(url: str, came: str) -> None:
    with pytest.raises(StoreRefused, match=r"allowed: sqlite:////absolute.* or postgresql:") as no:
        locate(url, {})
    assert f"store.url {came}" in str(no.value)
    assert "geheim" not in str(no.value)


async def test_nothing_is_made_where_nobody_asks_for_it(
    sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    with pytest.raises(StoreGone, match=r"there is no store at .*; `rasr projects create"):
        await open_store(sqlite_settings, {})
    assert os.listdir(tmp_path) == []


async def test_a_file_that_is_made_is_for_its_owner_only(
    sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    async with await open_store(sqlite_settings, {}, make=True) as store:
        async with store.writing() as work:
            await work.groups.create("team", "", 0.0)
        folder = tmp_path / "store"
        files = {one.name: one.stat().st_mode & 0o777 for one in folder.iterdir()}
        # While it is open there are a log and its index too.
        assert set(files) == {"store.db", "store.db-wal", "store.db-shm", "store.db.keys"}
        assert set(files.values()) == {0o600}
        assert folder.stat().st_mode & 0o777 == 0o700
        async with store.reading() as work:
            mode = await work.connection.exec_driver_sql("PRAGMA journal_mode")
            assert mode.scalar_one() == "wal"
            checks = await work.connection.exec_driver_sql("PRAGMA foreign_keys")
            assert checks.scalar_one() == 1


async def test_what_others_may_read_is_refused(
    sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    folder = tmp_path / "store"
    folder.mkdir(mode=0o755)
    with pytest.raises(StoreRefused, match=r"open to other users \(mode 755\); chmod 700 "):
        await open_store(sqlite_settings, {}, make=True)
    folder.chmod(0o700)
    await (await open_store(sqlite_settings, {}, make=True)).close()
    (folder / "store.db").chmod(0o604)
    with pytest.raises(StoreRefused, match=r"open to other users \(mode 604\); chmod 600 "):
        await open_store(sqlite_settings, {})


async def test_a_path_of_odd_letters_is_taken_as_it_is(tmp_path: Path) -> None:
    settings = StoreSettings(url=f"sqlite:///{tmp_path}/s%3F/100%25 %23语.db")
    async with await open_store(settings, {}, make=True):
        pass
    assert (tmp_path / "s?" / "100% #语.db").exists()


async def test_without_room_for_a_folder_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = StoreSettings(url=f"sqlite:///{tmp_path}/file/store/store.db")
    with pytest.raises((StoreRefused, StoreGone), match="file"):
        await open_store(settings, {}, make=True)
