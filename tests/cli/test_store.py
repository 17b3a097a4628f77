"""`rasr store`: copies, versions, keys."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from rasr.settings import StoreSettings
from tests.cli.conftest import Rasr
from tests.store.conftest import empty_database, sqlite_settings
from tests.store.test_migration import HEAD, older_file, version_of

__all__ = ["empty_database", "older_file", "sqlite_settings"]


@pytest.fixture
def place() -> Path:
    """The file of the store."""
    return Path(os.environ["XDG_DATA_HOME"], "rasr", "store", "store.db")


def groups(rasr: Rasr) -> list[str]:
    return [one["name"] for one in json.loads(rasr("groups", "list", "--json").stdout)]


def test_a_copy_is_made_and_put_back(rasr: Rasr, place: Path, tmp_path: Path) -> None:
    rasr("groups", "create", "before")
    copy = tmp_path / "copy"
    made = rasr("store", "backup", copy)
    assert made.stdout.splitlines() == [
        f"the store is copied to {copy}",
        f"its secrets can be read only with the keys in {place}.keys, which are not part of the "
        "copy: keep them too, in another place",
    ]
    assert "say --force" in rasr("store", "backup", copy).stderr
    assert rasr("store", "backup", copy, "--force").exit_code == 0
    rasr("groups", "create", "after")
    refused = rasr("store", "restore", copy)
    assert (refused.exit_code, groups(rasr)) == (1, ["after", "before"])
    assert refused.stderr == (
        f"Error: there is a store at {place}; say --force to put the backup in its place\n"
    )
    restored = rasr("store", "restore", copy, "--force")
    assert restored.stdout == f"the store is what {copy} has\n"
    assert groups(rasr) == ["before"]
    newest = json.loads(rasr("store", "audit", "--json").stdout)[0]
    assert (newest["action"], newest["target"]) == ("store:restore", str(copy))


def test_keys_are_rotated_by_one_command(rasr: Rasr, place: Path) -> None:
    rasr("projects", "create", "a")
    rasr("users", "create", "ann")
    rasr("keys", "create", "--user", "ann", "--project", "a")
    (first,) = Path(f"{place}.keys").read_text().split()
    with closing(sqlite3.connect(place)) as file:
        (before,) = file.execute("SELECT secret FROM access_keys").fetchone()
    rotated = rasr("store", "rotate")
    assert rotated.stdout == "1 secrets are encrypted with the newest key\n"
    newest, older = Path(f"{place}.keys").read_text().split()
    assert older == first
    with closing(sqlite3.connect(place)) as file:
        (after,) = file.execute("SELECT secret FROM access_keys").fetchone()
    assert Fernet(newest).decrypt(after) == Fernet(first).decrypt(before)


def test_a_new_key_may_be_given_in_the_settings(
    rasr: Rasr, place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = rasr("store", "new-key").stdout.strip()
    monkeypatch.setenv("RASR_STORE__ENCRYPTION_KEYS", key)
    assert rasr("projects", "create", "a").exit_code == 0
    assert not Path(f"{place}.keys").exists()
    told = rasr("store", "backup", tmp_path / "copy").stdout
    assert "with the keys in store.encryption_keys, which" in told


def test_a_secret_of_the_settings_is_printed_nowhere(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = rasr("store", "new-key").stdout.strip()
    monkeypatch.setenv("RASR_STORE__ENCRYPTION_KEYS", key)
    monkeypatch.setenv("RASR_STORE__URL", "postgresql://ann:geheim@db.example/rasr")
    printed = rasr("config")
    assert printed.exit_code == 0
    assert "# encryption_keys is set, and not shown" in printed.stdout
    assert "# url is set, and not shown" in printed.stdout
    (tmp_path / "kept.toml").write_text(printed.stdout)
    again = rasr("config", "--config", tmp_path / "kept.toml")
    assert again.exit_code == 0
    monkeypatch.setenv("RASR_STORE__ENCRYPTION_KEYS", f'["{key}", 5]')
    wrong = rasr("users", "list")
    assert "store.encryption_keys is a value that is not shown; allowed: an array" in wrong.stderr
    for result in (printed, again, wrong):
        assert key not in result.output
        assert "geheim" not in result.output


def test_a_file_of_an_older_version_is_brought_up(
    rasr: Rasr,
    older_file: Path,
    sqlite_settings: StoreSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RASR_STORE__URL", sqlite_settings.url)
    assert rasr("store", "migrate").stdout == f"the store is of version {HEAD} now\n"
    assert version_of(older_file) == HEAD
    assert rasr("store", "migrate").stdout == f"the store is of version {HEAD} already\n"
    assert groups(rasr) == ["team"]


def test_a_database_of_postgresql_is_prepared_by_the_command(
    rasr: Rasr, empty_database: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RASR_STORE__URL", empty_database.url)
    monkeypatch.setenv("RASR_STORE__ENCRYPTION_KEYS", empty_database.encryption_keys[0])
    before = rasr("projects", "create", "a")
    assert "run `rasr store migrate`" in before.stderr
    assert rasr("store", "migrate").stdout == f"the store is of version {HEAD} now\n"
    assert rasr("projects", "create", "a").exit_code == 0
    refused = rasr("store", "backup", "copy")
    assert "pg_dump" in refused.stderr
    assert refused.exit_code == 1


def test_who_uses_no_accounts_does_not_import_a_database() -> None:
    script = "import sys, rasr.cli, rasr.server.service; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    found = set(done.stdout.split())
    assert "rasr.server.service" in found
    assert not found & {"sqlalchemy", "alembic", "aiosqlite", "argon2", "cryptography"}
