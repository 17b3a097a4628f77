"""Where the recordings of one server lie, and what brings them from elsewhere.

What was left there is removed at the start; the rest is loaded when somebody asks for it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import structlog

from rasr.recordings.faults import RecordingFault
from rasr.recordings.spool import Spool, SpoolRefused
from rasr.server.errors import StartError
from rasr.settings import RecordingSettings
from rasr.store.on_demand import StoreOnDemand

if TYPE_CHECKING:
    from rasr.recordings.access import RecordingAccess

_log = structlog.get_logger("rasr.recordings")


class Recordings:
    """One server's."""

    def __init__(
        self,
        settings: RecordingSettings,
        store: StoreOnDemand | None,
        spool: Spool,
        stack: AsyncExitStack,
    ) -> None:
        """
        Args:
            stack: closes what is opened.
        """
        self._settings = settings
        self._store = store
        self._stack = stack
        self._access: RecordingAccess | None = None
        self._opening = asyncio.Lock()
        self.spool = spool
        """Where recordings lie while they are needed."""

    async def access(self) -> RecordingAccess:
        """What brings recordings from elsewhere.

        Raises:
            BucketRefused: a bucket of the settings cannot be.
            RecordingFault: `recordings.role_endpoint` is no URL.
        """
        async with self._opening:
            if self._access is None:
                # It takes as long to import as some words last, and others speak meanwhile.
                await asyncio.to_thread(import_module, "rasr.recordings.access")
                from rasr.recordings.access import access_over

                opened = access_over(self._settings, self.spool, self._store)
                self._access = self._stack.enter_context(opened)
            return self._access

    async def check(self) -> None:
        """See that what the settings name can be.

        Raises:
            StartError: it cannot.
        """
        if not (self._settings.buckets or self._settings.role_endpoint):
            return
        from rasr.recordings.project_buckets import BucketRefused

        try:
            await self.access()
        except (BucketRefused, RecordingFault) as error:
            raise StartError(str(error)) from error


@asynccontextmanager
async def open_recordings(
    settings: RecordingSettings, store: StoreOnDemand | None
) -> AsyncIterator[Recordings | None]:
    """The recordings of a server; None where their default folder cannot be used: whoever speaks
    live needs none.

    Raises:
        StartError: the settings name something that cannot be.
    """
    async with AsyncExitStack() as stack:
        recordings = None
        try:
            spool = await asyncio.to_thread(Spool.of, settings.folder, os.environ)
        except SpoolRefused as error:
            if settings.folder:
                raise StartError(str(error)) from error
            _log.warning("no_folder_for_recordings", why=str(error))
        else:
            recordings = Recordings(settings, store, spool, stack)
            await recordings.check()
        yield recordings
