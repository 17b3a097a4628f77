"""Each test of a store runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rasr.settings import StoreSettings
from rasr.store.keyring import new_key
from rasr.store.store import Store, migrate_store, open_store
from tests.processes import LONG_S
from tools.postgres import PostgresServer

KEY = new_key()


def patient(url: str, *keys: str) -> StoreSettings:
    """Of a store that is waited for as long as a slow machine takes. Tests of what is held by
    others have bounds of their own."""
    return StoreSettings(url=url, encryption_keys=keys, timeout_s=LONG_S)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases wait two seconds for what others hold; to say so they have as long as all others,
    however late a busy machine comes to it."""
    monkeypatch.setattr("rasr.store.database._WAIT_SHARE", 2.0 / LONG_S)


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> StoreSettings:
    """A file that is not there yet."""
    return patient(f"sqlite:///{tmp_path}/store/store.db")


@pytest.fixture
def empty_database(postgres: PostgresServer) -> Iterator[StoreSettings]:
    """A database without tables."""
    name = postgres.make_database()
    yield patient(postgres.url(name), KEY)
    postgres.remove_database(name)


@pytest.fixture(scope="session")
def template(postgres: PostgresServer) -> str:
    """A database with the tables, to be copied: that is faster than making them."""
    name = postgres.make_database()
    settings = patient(postgres.url(name), KEY)
    asyncio.run(migrate_store(settings, {}))
    return name


@pytest.fixture
def postgres_settings(postgres: PostgresServer, template: str) -> Iterator[StoreSettings]:
    """A database with the tables and nothing in them."""
    name = postgres.make_database(template)
    yield patient(postgres.url(name), KEY)
    postgres.remove_database(name)


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest) -> StoreSettings:
    """Both, one after the other."""
    found: StoreSettings = request.getfixturevalue(f"{request.param}_settings")
    return found


@pytest.fixture
async def store(settings: StoreSettings) -> AsyncIterator[Store]:
    """A new store that is open."""
    async with await open_store(settings, {}, make=True) as opened:
        yield opened
