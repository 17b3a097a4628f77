"""The directory of accounts of a server, whose store is opened once there is one.

A server may start without accounts and get some while it runs; one that never gets any loads
nothing of a database and makes no file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from rasr.identity.directory import (
    AccessKey,
    AuditEntry,
    DirectoryUnavailable,
    Project,
    Token,
    User,
)
from rasr.identity.policies import PolicyGrant
from rasr.settings import StoreSettings
from rasr.store.errors import StoreError
from rasr.store.location import locate, may_be_there

if TYPE_CHECKING:
    from rasr.store.directory import StoredDirectory


class DirectoryOnDemand:
    """`rasr.identity.directory.Directory`. Without a store it has no accounts.

    Whatever is wrong with the store is DirectoryUnavailable here, and tried anew at the next call.
    """

    def __init__(self, settings: StoreSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._opened: StoredDirectory | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close the store, if it was opened."""
        async with self._opening:
            opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()

    async def has_accounts(self) -> bool:
        """True if there is any user."""
        async with self._asked() as directory:
            return directory is not None and await directory.has_accounts()

    async def find_key(self, access_id: str) -> AccessKey | None:
        """See the Directory."""
        async with self._asked() as directory:
            return None if directory is None else await directory.find_key(access_id)

    async def find_user(self, domain: str, name: str) -> User | None:
        """See the Directory."""
        async with self._asked() as directory:
            return None if directory is None else await directory.find_user(domain, name)

    async def policies_of(self, user_id: str) -> Sequence[PolicyGrant]:
        """See the Directory."""
        async with self._asked() as directory:
            return () if directory is None else await directory.policies_of(user_id)

    async def find_project(self, project_id: str) -> Project | None:
        """See the Directory."""
        async with self._asked() as directory:
            return None if directory is None else await directory.find_project(project_id)

    async def find_project_by_name(self, domain: str, name: str) -> Project | None:
        """See the Directory."""
        async with self._asked() as directory:
            return None if directory is None else await directory.find_project_by_name(domain, name)

    async def save_token(self, token: Token) -> None:
        """See the Directory."""
        async with self._kept() as directory:
            await directory.save_token(token)

    async def find_token(self, digest: str) -> Token | None:
        """See the Directory."""
        async with self._asked() as directory:
            return None if directory is None else await directory.find_token(digest)

    async def revoke_token(self, digest: str, at: float) -> bool:
        """See the Directory."""
        async with self._asked() as directory:
            return directory is not None and await directory.revoke_token(digest, at)

    async def write_audit(self, entry: AuditEntry) -> None:
        """See the Directory."""
        async with self._kept() as directory:
            await directory.write_audit(entry)

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[StoredDirectory | None]:
        """The store as a directory; None where there is no store."""
        with _unavailable():
            yield await self._directory(make=False) if self._is_there() else None

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[StoredDirectory]:
        """The store as a directory, which is made where something is to be kept."""
        with _unavailable():
            yield await self._directory(make=True)

    async def _directory(self, *, make: bool) -> StoredDirectory:
        if self._opened is not None:
            return self._opened
        async with self._opening:
            if self._opened is None:
                # They take as long to import as a sentence lasts, and others speak meanwhile.
                await asyncio.to_thread(import_module, "rasr.store.directory")
                from rasr.store.directory import StoredDirectory
                from rasr.store.store import open_store

                store = await open_store(self._settings, self._environ, make=make)
                self._opened = StoredDirectory(store)
            return self._opened

    def _is_there(self) -> bool:
        # A store that was there and is gone is no store without accounts.
        if self._opened is not None:
            return True
        return may_be_there(locate(self._settings.url, self._environ))


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except DirectoryUnavailable:
        raise
    except StoreError as error:
        raise DirectoryUnavailable(str(error)) from error
