"""Copies of a store in one file of SQLite, made and taken back while others use it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from rasr.store.errors import SchemaMismatch, StoreBusy, StoreRefused
from rasr.store.faults import faults_as_ours
from rasr.store.keyring import Keyring
from rasr.store.location import SqliteFile
from rasr.store.migration import VERSION_TABLE, known_versions
from rasr.store.private_files import make_private_file, make_private_folder, new_name, put_in_place
from rasr.store.schema import SECRETS

_RETRY_S = 0.05
_ALL_PAGES = -1
"""In one step: a copy of one state, however much is written meanwhile."""


def back_up(source: SqliteFile, target: Path, timeout_s: float, *, force: bool = False) -> None:
    """Copy a store into a file of mode 0600, which is whole or not there.

    Raises:
        StoreRefused: the target is there, and `force` is not given.
        StoreUnavailable: one of the two files cannot be used now.
    """
    if target.exists() and not force:
        raise StoreRefused(f"{target} is there already; choose another name, or say --force")
    with faults_as_ours(SqliteFile(target)), _fresh(target) as fresh:
        with (
            faults_as_ours(source),
            closing(_open(source.path, timeout_s)) as copied,
            closing(_open(fresh, timeout_s)) as copy,
        ):
            _copy(copied, copy, source, timeout_s)
            # One file alone: without a log beside it.
            copy.execute("PRAGMA journal_mode = DELETE")


def restore(
    backup: Path, location: SqliteFile, keyring: Keyring, timeout_s: float, *, force: bool = False
) -> None:
    """Put what a backup has in the place of a store, all or nothing. Whoever has the store open
    sees it from his next transaction on. What is known beside it of jobs is of the store that was
    there, and goes: servers begin anew with what is open in this one.

    Raises:
        StoreRefused: the store is there, and `force` is not given; or this is no backup.
        SecretsUnreadable: the keys of its secrets are not here.
        SchemaMismatch: a newer program made it.
        StoreUnavailable: one of the two files cannot be used now.
    """
    is_there = location.path.exists()
    if is_there and not force:
        raise StoreRefused(
            f"there is a store at {location}; say --force to put the backup in its place"
        )
    with faults_as_ours(SqliteFile(backup)), closing(_open(backup, timeout_s, "ro")) as source:
        _check(source, backup, keyring)
        make_private_folder(location.path.parent)
        with faults_as_ours(location):
            if is_there:
                # In its place, through the locks that others who have it open know.
                with closing(_open(location.path, timeout_s)) as store:
                    _copy(source, store, location, timeout_s)
            else:
                with _fresh(location.path) as fresh, closing(_open(fresh, timeout_s)) as store:
                    _copy(source, store, location, timeout_s)
                    store.execute("PRAGMA journal_mode = WAL")
            workflows = location.workflows_file
            for one in workflows.parent.glob(f"{workflows.name}*"):
                one.unlink(missing_ok=True)


def make_file(location: SqliteFile) -> None:
    """Make an empty file of mode 0600 with a log, unless there is one.

    Raises:
        StoreUnavailable: it cannot be made.
    """
    with faults_as_ours(location), _fresh(location.path, replace=False) as fresh:
        with closing(_open(fresh, 0.0)) as store:
            store.execute("PRAGMA journal_mode = WAL")


def _check(source: sqlite3.Connection, backup: Path, keyring: Keyring) -> None:
    try:
        (version,) = source.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()
        (verdict,) = source.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        raise StoreRefused(f"{backup} is no backup of a store: {error}") from error
    if verdict != "ok":
        raise StoreRefused(f"{backup} is damaged: {verdict}")
    if version not in known_versions():
        raise SchemaMismatch(
            f"{backup} is of version {version}, which a newer rasr has made; use that one"
        )
    tables = {name for (name,) in source.execute("SELECT name FROM sqlite_master")}
    for column in SECRETS:
        # A backup of an older version has fewer.
        if column.table.name not in tables:
            continue
        for (secret,) in source.execute(f"SELECT {column.name} FROM {column.table.name}"):
            if secret is not None:
                keyring.decrypt(secret)


def _copy(
    source: sqlite3.Connection, target: sqlite3.Connection, of: SqliteFile, timeout_s: float
) -> None:
    until = time.monotonic() + timeout_s

    def go_on(status: int, remaining: int, total: int) -> None:
        # Where somebody holds a lock, it would be tried for ever.
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > until:
            raise StoreBusy(f"the store {of} is held by others for longer than store.timeout_s")

    source.backup(target, pages=_ALL_PAGES, progress=go_on, sleep=_RETRY_S)


def _open(file: Path, timeout_s: float, mode: str = "rw") -> sqlite3.Connection:
    address = f"file:{quote(str(file.absolute()))}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=timeout_s, isolation_level=None)


@contextmanager
def _fresh(target: Path, *, replace: bool = True) -> Iterator[Path]:
    """An empty private file that takes the place of `target` if all goes well."""
    fresh = make_private_file(new_name(target))
    try:
        yield fresh
        put_in_place(fresh, target, replace=replace)
    finally:
        fresh.unlink(missing_ok=True)
