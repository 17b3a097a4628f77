"""Where recordings come from, and where they lie, for one server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from rasr.recordings.access import RecordingAccess, open_access
from rasr.recordings.faults import RecordingFault
from rasr.recordings.project_buckets import BucketRefused
from rasr.recordings.spool import SpoolRefused
from rasr.server.errors import StartError
from rasr.settings import RecordingSettings
from rasr.store.on_demand import StoreOnDemand

_log = structlog.get_logger("rasr.recordings")


@asynccontextmanager
async def recording_access(
    settings: RecordingSettings, store: StoreOnDemand | None
) -> AsyncIterator[RecordingAccess | None]:
    """The access of a server; None where its default folder cannot be used: whoever speaks live
    needs none.

    Raises:
        StartError: the settings name something that cannot be.
    """
    async with AsyncExitStack() as stack:
        access = None
        try:
            access = await stack.enter_async_context(open_access(settings, os.environ, store))
        except SpoolRefused as error:
            if settings.folder:
                raise StartError(str(error)) from error
            _log.warning("no_folder_for_recordings", why=str(error))
        except (BucketRefused, RecordingFault) as error:
            raise StartError(str(error)) from error
        yield access
