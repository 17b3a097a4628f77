"""The store of a server, which is opened once there is one, and the accounts in it.

A server may start without accounts and get some while it runs; one that never gets any loads
nothing of a database and makes no file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from pathlib import Path
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
from rasr.identity.principals import Principal
from rasr.settings import StoreSettings
from rasr.store.errors import StoreError
from rasr.store.location import locate, may_be_there

if TYPE_CHECKING:
    from rasr.store.directory import StoredDirectory
    from rasr.store.store import Store


class StoreOnDemand:
    """The store of a server, which is opened when somebody asks for it.

    Whatever is wrong with the store is DirectoryUnavailable here, and tried anew at the next call.
    """

    def __init__(self, settings: StoreSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._opened: Store | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close the store, if it was opened."""
        async with self._opening:
            opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()

    async def asked(self) -> Store | None:
        """The store, to ask it something; None where there is none.

        Raises:
            DirectoryUnavailable: it cannot be opened now.
        """
        return await self._open(make=False) if self._is_there() else None

    async def kept(self) -> Store:
        """The store, which is made where there is none, because something is to be kept.

        Raises:
            DirectoryUnavailable: it cannot be opened now.
        """
        return await self._open(make=True)

    def usage_folder(self) -> Path:
        """Where usage waits until it is in the store.

        Raises:
            DirectoryUnavailable: the settings name no place.
        """
        try:
            return locate(self._settings.url, self._environ).usage_folder(self._environ)
        except StoreError as error:
            raise DirectoryUnavailable(str(error)) from error

    async def _open(self, *, make: bool) -> Store:
        if self._opened is not None:
            return self._opened
        async with self._opening:
            if self._opened is None:
                # It takes as long to import as a sentence lasts, and others speak meanwhile.
                await asyncio.to_thread(import_module, "rasr.store.directory")
                from rasr.store.store import open_store

                try:
                    self._opened = await open_store(self._settings, self._environ, make=make)
                except DirectoryUnavailable:
                    raise
                except StoreError as error:
                    raise DirectoryUnavailable(str(error)) from error
            return self._opened

    def _is_there(self) -> bool:
        # A store that was there and is gone is no store without accounts.
        if self._opened is not None:
            return True
        try:
            return may_be_there(locate(self._settings.url, self._environ))
        except StoreError as error:
            raise DirectoryUnavailable(str(error)) from error


class DirectoryOnDemand:
    """`rasr.identity.directory.Directory` over a store that is opened when it is asked.

    Without a store there are no accounts.
    """

    def __init__(self, store: StoreOnDemand) -> None:
        self._store = store

    async def close(self) -> None:
        """Close the store, if it was opened."""
        await self._store.close()

    async def has_accounts(self) -> bool:
        """True if there is any user."""
        directory = await self._asked()
        return directory is not None and await directory.has_accounts()

    async def find_key(self, access_id: str) -> AccessKey | None:
        """See the Directory."""
        directory = await self._asked()
        return None if directory is None else await directory.find_key(access_id)

    async def find_user(self, domain: str, name: str) -> User | None:
        """See the Directory."""
        directory = await self._asked()
        return None if directory is None else await directory.find_user(domain, name)

    async def policies_of(self, user_id: str) -> Sequence[PolicyGrant]:
        """See the Directory."""
        directory = await self._asked()
        return () if directory is None else await directory.policies_of(user_id)

    async def find_project(self, project_id: str) -> Project | None:
        """See the Directory."""
        directory = await self._asked()
        return None if directory is None else await directory.find_project(project_id)

    async def find_project_by_name(self, domain: str, name: str) -> Project | None:
        """See the Directory."""
        directory = await self._asked()
        return None if directory is None else await directory.find_project_by_name(domain, name)

    async def save_token(self, token: Token) -> None:
        """See the Directory."""
        directory = await self._kept()
        await directory.save_token(token)

    async def find_token(self, digest: str) -> Token | None:
        """See the Directory."""
        directory = await self._asked()
        return None if directory is None else await directory.find_token(digest)

    async def lapsed(self, principals: Collection[Principal], now: float) -> set[Principal]:
        """See the Directory."""
        directory = await self._asked()
        return set() if directory is None else await directory.lapsed(principals, now)

    async def revoke_token(self, digest: str, at: float) -> bool:
        """See the Directory."""
        directory = await self._asked()
        return directory is not None and await directory.revoke_token(digest, at)

    async def write_audit(self, entry: AuditEntry) -> None:
        """See the Directory."""
        directory = await self._kept()
        await directory.write_audit(entry)

    async def _asked(self) -> StoredDirectory | None:
        store = await self._store.asked()
        return None if store is None else _directory(store)

    async def _kept(self) -> StoredDirectory:
        return _directory(await self._store.kept())


def _directory(store: Store) -> StoredDirectory:
    # Of a store that is open it is imported already.
    from rasr.store.directory import StoredDirectory

    return StoredDirectory(store)
