"""Secrets come back as long as their key is among those that are there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.settings import StoreSettings
from rasr.store.directory import StoredDirectory
from rasr.store.errors import SecretsUnreadable, StoreRefused
from rasr.store.keyring import Keyring, add_key, make_key_file, new_key, open_keyring
from rasr.store.location import Postgres, SqliteFile
from rasr.store.store import Store, open_store

NOW = 1_767_323_045.25
KEYS = [new_key() for _ in range(4)]


def keyring(*keys: str) -> Keyring:
    return Keyring("the test", lambda: keys)


@given(secret=st.text(st.characters(codec="utf-8"), max_size=60), order=st.permutations(KEYS))
def test_a_secret_comes_back_whichever_key_is_the_first_now(secret: str, order: list[str]) -> None:
    kept = keyring(KEYS[0]).encrypt(secret)
    assert keyring(*order).decrypt(kept) == secret
    assert secret == "" or secret not in kept or len(secret) < 4


@given(secret=st.text(st.characters(codec="utf-8")), rotations=st.lists(st.sampled_from(KEYS)))
def test_a_secret_goes_through_any_rotations(secret: str, rotations: list[str]) -> None:
    known = [KEYS[0]]
    kept = keyring(*known).encrypt(secret)
    for fresh in rotations:
        known = [fresh, *(one for one in known if one != fresh)]
        rotated = keyring(*known)
        kept = rotated.encrypt(rotated.decrypt(kept))
        # The older ones are needed no more.
        known = known[:1]
    assert keyring(*known).decrypt(kept) == secret


def test_a_key_that_is_not_there_is_told() -> None:
    kept = keyring(KEYS[0]).encrypt("secret")
    with pytest.raises(SecretsUnreadable, match="a key that the test does not have"):
        keyring(KEYS[1]).decrypt(kept)
    with pytest.raises(SecretsUnreadable):
        keyring(KEYS[0]).decrypt(kept[:-8] + "AAAAAAA=")


@pytest.mark.parametrize("key", ["", "short", "x" * 44, KEYS[0][:-2] + "é="])
def test_what_is_no_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(StoreRefused, match="key 2 is no key; needed: 44 letters") as refused:
        keyring(KEYS[0], key)
    assert not key or key not in str(refused.value)


def test_no_key_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="has no key"):
        keyring()
    with pytest.raises(StoreRefused, match="make a key with `rasr store new-key`"):
        open_keyring(Postgres("postgresql://localhost/rasr"), ())


def test_the_file_of_keys_is_private_and_made_once(tmp_path: Path) -> None:
    location = SqliteFile(tmp_path / "store.db")
    make_key_file(location)
    file = location.key_file
    first = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    make_key_file(location)
    assert file.read_text() == first
    kept = open_keyring(location, ()).encrypt("secret")
    add_key(location)
    newest, older = file.read_text().split()
    assert older == first.strip()
    assert newest != older
    assert open_keyring(location, ()).decrypt(kept) == "secret"
    assert [one.name for one in tmp_path.iterdir()] == ["store.db.keys"]


def test_a_file_of_keys_that_others_may_read_is_refused(tmp_path: Path) -> None:
    location = SqliteFile(tmp_path / "store.db")
    make_key_file(location)
    location.key_file.chmod(0o640)
    with pytest.raises(StoreRefused, match=r"open to other users \(mode 640\); chmod 600 "):
        open_keyring(location, ())
    location.key_file.unlink()
    with pytest.raises(SecretsUnreadable, match="bring it back"):
        open_keyring(location, ())
    location.key_file.write_bytes(b"\xff")
    location.key_file.chmod(0o600)
    with pytest.raises(StoreRefused, match="has no keys in it"):
        open_keyring(location, ())


async def a_key(store: Store) -> tuple[str, str]:
    async with store.writing() as work:
        user = await work.users.create("default", "ann", "", NOW)
        project = await work.projects.create("default", "a", "", NOW)
        key, secret = await work.keys.create(user, project, "", NOW)
    return key.id, secret


async def test_a_server_that_runs_reads_secrets_after_another_process_has_rotated(
    sqlite_settings: StoreSettings,
) -> None:
    async with await open_store(sqlite_settings, {}, make=True) as server:
        access_id, secret = await a_key(server)
        async with await open_store(sqlite_settings, {}) as command:
            assert await command.rotate() == 1
        assert isinstance(server.location, SqliteFile)
        file = server.location.key_file
        newest, _ = file.read_text().split()
        file.write_text(f"{newest}\n")  # the older one is needed by older backups alone
        found = await StoredDirectory(server).find_key(access_id)
        assert found is not None
        assert found.secret == secret


async def test_keys_of_the_settings_are_rotated_by_putting_a_new_one_first(
    settings: StoreSettings,
) -> None:
    old, new = KEYS[:2]
    for keys in ([old], [new, old], [new]):
        given = settings.model_copy(update={"encryption_keys": tuple(keys)})
        async with await open_store(given, {}, make=True) as store:
            if keys == [old]:
                access_id, secret = await a_key(store)
            else:
                assert await store.rotate() == 1
            found = await StoredDirectory(store).find_key(access_id)
            assert found is not None
            assert found.secret == secret
    with_old = settings.model_copy(update={"encryption_keys": (old,)})
    async with await open_store(with_old, {}) as store:
        with pytest.raises(SecretsUnreadable, match=r"store\.encryption_keys does not have"):
            await StoredDirectory(store).find_key(access_id)
        with pytest.raises(SecretsUnreadable):
            await store.rotate()


async def test_a_new_secret_is_encrypted_with_the_key_that_is_the_newest_then(
    sqlite_settings: StoreSettings,
) -> None:
    async with await open_store(sqlite_settings, {}, make=True) as server:
        assert isinstance(server.location, SqliteFile)
        add_key(server.location)
        newest, _ = server.location.key_file.read_text().split()
        access_id, secret = await a_key(server)
        server.location.key_file.write_text(newest)
    async with await open_store(sqlite_settings, {}) as again:
        found = await StoredDirectory(again).find_key(access_id)
        assert found is not None
        assert found.secret == secret


async def test_secrets_that_are_rotated_twice_at_once_come_back(
    sqlite_settings: StoreSettings,
) -> None:
    async with await open_store(sqlite_settings, {}, make=True) as store:
        access_id, secret = await a_key(store)
        async with await open_store(sqlite_settings, {}) as other:
            await asyncio.gather(store.rotate(), other.rotate())
        assert isinstance(store.location, SqliteFile)
        assert len(store.location.key_file.read_text().split()) == 3
        found = await StoredDirectory(store).find_key(access_id)
        assert found is not None
        assert found.secret == secret
