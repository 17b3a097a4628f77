"""A store that is open: transactions on it, and the secrets in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.settings import StoreSettings
from rasr.store.access_keys import AccessKeys
from rasr.store.audit import Audit
from rasr.store.backup import back_up, make_file, restore
from rasr.store.buckets import Buckets
from rasr.store.callback_keys import CallbackKeys
from rasr.store.caption_channels import CaptionChannels
from rasr.store.database import Database
from rasr.store.errors import LastAdministrator, SchemaMismatch, StoreGone, StoreRefused
from rasr.store.groups import Groups
from rasr.store.interface_minutes import InterfaceMinutes
from rasr.store.job_servers import JobServers
from rasr.store.job_texts import JobTexts
from rasr.store.jobs import Jobs
from rasr.store.keyring import Keyring, add_key, make_key_file, open_keyring
from rasr.store.location import Location, Postgres, SqliteFile, locate
from rasr.store.migration import SchemaVersion, migrate, newer_sentence, schema_version
from rasr.store.policies import Policies
from rasr.store.private_files import check_private, make_private_folder
from rasr.store.projects import Projects
from rasr.store.replicas import Replicas
from rasr.store.rotation import encrypt_again
from rasr.store.uploads import Uploads
from rasr.store.usage import Usage
from rasr.store.users import Users
from rasr.store.vocabularies import Vocabularies


class Work:
    """What may be done within one transaction."""

    def __init__(self, connection: AsyncConnection, keyring: Keyring) -> None:
        self.connection = connection
        self.keyring = keyring
        self.projects = Projects(connection)
        self.users = Users(connection)
        self.groups = Groups(connection)
        self.policies = Policies(connection)
        self.keys = AccessKeys(connection, keyring)
        self.audit = Audit(connection)
        self.vocabularies = Vocabularies(connection)
        self.usage = Usage(connection)
        self.interface_minutes = InterfaceMinutes(connection)
        self.buckets = Buckets(connection, keyring)
        self.callback_keys = CallbackKeys(connection, keyring)
        self.jobs = Jobs(connection, keyring)
        self.job_texts = JobTexts(connection)
        self.job_servers = JobServers(connection)
        self.uploads = Uploads(connection)
        self.replicas = Replicas(connection)
        self.caption_channels = CaptionChannels(connection)

    @asynccontextmanager
    async def keeping_an_administrator(self, now: float) -> AsyncIterator[None]:
        """Refuse what is done within where it leaves nobody who may do everything.

        Raises:
            LastAdministrator: it does. The transaction must not be kept.
        """
        before = await self.policies.administrators(now)
        yield
        if before and not await self.policies.administrators(now):
            raise LastAdministrator(
                "nobody would be left who may do everything in all projects; give somebody else "
                "the policy 'SIS FullAccess' first, or say --force"
            )


class Store:
    """A store. `async with await open_store(…) as store:` closes its connections at the end."""

    def __init__(self, database: Database, keyring: Keyring, *, has_key_file: bool) -> None:
        self.database = database
        self._keyring = keyring
        self._has_key_file = has_key_file

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def location(self) -> Location:
        """Where it is."""
        return self.database.location

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Work]:
        """A transaction that changes nothing and sees one state of everything.

        Raises:
            StoreUnavailable: the database cannot be asked now.
        """
        async with self.database.reading() as connection:
            yield Work(connection, self._keyring)

    @asynccontextmanager
    async def writing(self, *, bounded: bool = True) -> AsyncIterator[Work]:
        """A transaction that changes all or nothing.

        Args:
            bounded: False for work on whole tables, which takes as long as it takes.

        Raises:
            StoreUnavailable: the database cannot be asked now.
        """
        async with self.database.writing(bounded=bounded) as connection:
            yield Work(connection, self._keyring)

    async def rotate(self) -> int:
        """Encrypt all secrets with the newest key: a new one, where keys are in a file of ours.

        Returns how many there are.

        Raises:
            StoreError: a secret cannot be read, or the database cannot be asked now.
        """
        async with self.writing(bounded=False) as work:
            # Within the transaction, which two processes have one after the other: each adds its
            # key to those of the other.
            if self._has_key_file and isinstance(self.location, SqliteFile):
                await asyncio.to_thread(add_key, self.location)
            return await encrypt_again(work.connection, work.keyring)

    async def scrub(self) -> None:
        """See `Database.scrub`.

        Raises:
            StoreUnavailable: the database cannot be asked now.
        """
        await self.database.scrub()

    async def close(self) -> None:
        """Close the connections."""
        await self.database.close()


async def open_store(
    settings: StoreSettings, environ: Mapping[str, str], *, make: bool = False
) -> Store:
    """The store that the settings name. Older tables in a file are brought to our version, after a
    copy of the file is made beside it.

    Args:
        make: make the file if it is not there.

    Raises:
        StoreGone: it is not there.
        StoreUnavailable: the database cannot be asked now.
        SchemaMismatch: the tables are of another version.
        StoreRefused: a place, a file or a setting cannot be used.
    """
    location = locate(settings.url, environ)
    if isinstance(location, SqliteFile):
        await asyncio.to_thread(_prepare_file, location, settings, make=make)
    keyring = await asyncio.to_thread(open_keyring, location, settings.encryption_keys)
    version = await schema_version(location, settings.timeout_s)
    if not version.is_ours:
        await _bring_up(location, version, settings.timeout_s)
    database = Database(location, settings.timeout_s)
    try:
        async with database.reading():
            pass  # the first connection makes ready what others find so
    except BaseException:
        await database.close()
        raise
    return Store(database, keyring, has_key_file=not settings.encryption_keys)


async def migrate_store(settings: StoreSettings, environ: Mapping[str, str]) -> SchemaVersion:
    """Bring the tables to our version, also those of PostgreSQL. Returns the version before.

    Raises:
        StoreError: as `open_store`.
    """
    location = locate(settings.url, environ)
    if isinstance(location, SqliteFile):
        await asyncio.to_thread(_prepare_file, location, settings, make=True)
        before = await schema_version(location, settings.timeout_s)
        if not before.is_ours:
            await _bring_up(location, before, settings.timeout_s)
        return before
    return await migrate(location, settings.timeout_s)


async def back_up_store(
    settings: StoreSettings, environ: Mapping[str, str], target: Path, *, force: bool = False
) -> Path | None:
    """Copy the store into a file, while others use it. Returns the file with the keys of its
    secrets, which is not part of the copy; None where the settings have them.

    Raises:
        StoreRefused: it is in PostgreSQL, or the target is there and `force` is not given.
        StoreError: as `open_store`.
    """
    location = locate(settings.url, environ)
    if isinstance(location, Postgres):
        raise _postgres_does_it(location, f"pg_dump --format=custom --file={target} {location}")
    await asyncio.to_thread(_prepare_file, location, settings, make=False)
    await asyncio.to_thread(back_up, location, target, settings.timeout_s, force=force)
    return None if settings.encryption_keys else location.key_file


async def restore_store(
    settings: StoreSettings, environ: Mapping[str, str], backup: Path, *, force: bool = False
) -> None:
    """Put a backup in the place of the store, all or nothing, and bring its tables to our version.

    Raises:
        StoreRefused: it is in PostgreSQL, or there is a store and `force` is not given.
        SecretsUnreadable: the keys of the backup's secrets are not here.
        StoreError: as `open_store`.
    """
    location = locate(settings.url, environ)
    if isinstance(location, Postgres):
        raise _postgres_does_it(
            location,
            f"pg_restore --clean --if-exists --single-transaction --dbname={location} {backup}",
        )
    keyring = await asyncio.to_thread(open_keyring, location, settings.encryption_keys)
    await asyncio.to_thread(restore, backup, location, keyring, settings.timeout_s, force=force)
    await migrate(location, settings.timeout_s)


def _postgres_does_it(location: Postgres, command: str) -> StoreRefused:
    return StoreRefused(f"the store {location} is backed up and restored by PostgreSQL: {command}")


def _prepare_file(location: SqliteFile, settings: StoreSettings, *, make: bool) -> None:
    try:
        check_private(location.path)
        make_private_folder(location.path.parent)
        return
    except FileNotFoundError as error:
        if not make:
            raise StoreGone(
                f"there is no store at {location}; `rasr projects create NAME` makes one"
            ) from error
    except OSError as error:
        raise StoreGone(f"the store {location} cannot be used: {error.strerror}") from error
    make_private_folder(location.path.parent)
    if not settings.encryption_keys:
        # Before the file itself: a store that is there has its keys.
        make_key_file(location)
    make_file(location)


async def _bring_up(location: Location, version: SchemaVersion, timeout_s: float) -> None:
    if not version.is_known:
        raise SchemaMismatch(newer_sentence(location, version))
    if isinstance(location, Postgres):
        found = "has no tables yet" if version.found is None else f"is of version {version.found}"
        raise SchemaMismatch(
            f"the store {location} {found}, and this rasr needs version {version.ours}: run "
            "`rasr store migrate`"
        )
    await migrate(location, timeout_s, first=partial(_keep_a_copy, location, timeout_s))


async def _keep_a_copy(location: SqliteFile, timeout_s: float, version: SchemaVersion) -> None:
    at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = location.path.with_name(f"{location.path.name}.{version.found}-{at}.backup")
    await asyncio.to_thread(back_up, location, copy, timeout_s, force=True)
