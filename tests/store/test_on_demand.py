"""A server asks for accounts before there are any, while they are made, and when they are gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rasr.identity.directory import AuditEntry, Directory, DirectoryUnavailable, Token
from rasr.settings import StoreSettings
from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand
from rasr.store.store import open_store
from tests.store.test_migration import HEAD, set_version

NOW = 1_767_323_045.25


@pytest.fixture
async def directory(settings: StoreSettings) -> AsyncIterator[Directory]:
    """Of a file that is not there yet, or of a database without accounts."""
    opened = DirectoryOnDemand(StoreOnDemand(settings, {}))
    yield opened
    await opened.close()


async def test_without_accounts_nobody_is_known(directory: Directory) -> None:
    assert not await directory.has_accounts()
    assert await directory.find_key("AK") is None
    assert await directory.find_user("default", "ann") is None
    assert list(await directory.policies_of("1" * 32)) == []
    assert await directory.find_project("1" * 32) is None
    assert await directory.find_project_by_name("default", "a") is None
    assert await directory.find_token("0" * 64) is None
    assert not await directory.revoke_token("0" * 64, NOW)


async def test_accounts_that_are_made_while_it_runs_are_found(
    settings: StoreSettings, directory: Directory
) -> None:
    assert not await directory.has_accounts()
    async with await open_store(settings, {}, make=True) as command:
        async with command.writing() as work:
            user = await work.users.create("default", "ann", "", NOW)
            project = await work.projects.create("default", "a", "", NOW)
            policy = await work.policies.get("SIS FullAccess")
            await work.policies.attach(policy, user, None, NOW)
            key, secret = await work.keys.create(user, project, "", NOW)
    found = await asyncio.gather(*(directory.find_key(key.id) for _ in range(8)))
    assert [one and one.secret for one in found] == [secret] * 8
    assert await directory.has_accounts()
    ann = await directory.find_user("default", "ann")
    here = await directory.find_project(project.id)
    assert ann is not None
    assert here is not None
    assert await directory.find_project_by_name("default", "a") == here
    (grant,) = await directory.policies_of(ann.id)
    assert grant.policy_name == "SIS FullAccess"
    token = Token("0" * 64, ann, here, NOW, NOW + 1)
    await directory.save_token(token)
    assert await directory.find_token(token.digest) == token
    assert await directory.revoke_token(token.digest, NOW)


async def test_a_line_of_the_audit_makes_a_store_where_there_is_none(
    sqlite_settings: StoreSettings,
) -> None:
    directory = DirectoryOnDemand(StoreOnDemand(sqlite_settings, {}))
    await directory.write_audit(AuditEntry(NOW, "operator", "iam:token:create", "ann"))
    await directory.close()
    async with await open_store(sqlite_settings, {}) as store, store.reading() as work:
        assert len(await work.audit.newest(5)) == 1


async def test_who_has_had_accounts_is_not_open_because_they_are_gone(
    sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    async with await open_store(sqlite_settings, {}, make=True) as store, store.writing() as work:
        await work.users.create("default", "ann", "", NOW)
    directory = DirectoryOnDemand(StoreOnDemand(sqlite_settings, {}))
    assert await directory.has_accounts()
    os.rename(tmp_path / "store", tmp_path / "away")
    with pytest.raises(DirectoryUnavailable, match="is gone"):
        await directory.has_accounts()
    os.rename(tmp_path / "away", tmp_path / "store")
    assert await directory.has_accounts()
    await directory.close()


async def test_a_store_that_cannot_be_used_is_told_and_tried_again(
    sqlite_settings: StoreSettings, tmp_path: Path
) -> None:
    async with await open_store(sqlite_settings, {}, make=True) as store, store.writing() as work:
        await work.users.create("default", "ann", "", NOW)

    file = tmp_path / "store" / "store.db"
    directory = DirectoryOnDemand(StoreOnDemand(sqlite_settings, {}))
    set_version(file, "9999")
    with pytest.raises(DirectoryUnavailable, match="a newer rasr has made"):
        await directory.has_accounts()
    set_version(file, HEAD)
    assert await directory.has_accounts()
    await directory.close()


async def test_tables_of_postgresql_that_are_older_are_told_with_the_command(
    empty_database: StoreSettings,
) -> None:
    directory = DirectoryOnDemand(StoreOnDemand(empty_database, {}))
    with pytest.raises(DirectoryUnavailable, match="run `rasr store migrate`"):
        await directory.has_accounts()
    await directory.close()


def test_without_accounts_nothing_of_a_database_is_loaded(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from rasr.settings import StoreSettings\n"
        "from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand\n"
        f"store = StoreOnDemand(StoreSettings(), {{'XDG_DATA_HOME': {str(tmp_path)!r}}})\n"
        "print(asyncio.run(DirectoryOnDemand(store).has_accounts()))\n"
        "print(*{'sqlalchemy', 'alembic', 'aiosqlite', 'cryptography'} & set(sys.modules))\n"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "False\n\n"
    assert os.listdir(tmp_path) == []
