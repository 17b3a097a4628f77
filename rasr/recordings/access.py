"""All that a server asks outside of itself for recordings: URLs, buckets, callback URLs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from rasr.recordings.buckets import parts_of
from rasr.recordings.callbacks import Callbacks
from rasr.recordings.connecting import Connector, Resolve, SystemResolver
from rasr.recordings.fetching import Fetched, Fetcher, UrlSource
from rasr.recordings.policy import FetchPolicy
from rasr.recordings.project_buckets import OwnBuckets, ProjectBuckets, StoredBuckets
from rasr.recordings.roles import Roles
from rasr.recordings.spool import RecordingFile, Spool
from rasr.settings import RecordingSettings
from rasr.store.on_demand import StoreOnDemand

URL_FIELD = "data_url"


class RecordingAccess:
    """Brings recordings, and sends answers about them."""

    def __init__(
        self, settings: RecordingSettings, spool: Spool, own: OwnBuckets, resolve: Resolve
    ) -> None:
        """
        Args:
            own: the buckets that projects have themselves.

        Raises:
            BucketRefused: a bucket of the settings cannot be.
            RecordingFault: `recordings.role_endpoint` is no URL.
        """
        connector = Connector(resolve)
        self._most_bytes = settings.max_bytes
        self._policy = FetchPolicy.of(settings)
        self._fetcher = Fetcher(settings, connector)
        roles = Roles(settings, connector, time.time)
        self._buckets = ProjectBuckets(settings, own, self._fetcher, roles)
        self.spool = spool
        """Where recordings lie while they are needed."""
        self.callbacks = Callbacks(settings, connector)

    def at_url(self, url: str) -> UrlSource:
        """The recording at a URL, for whoever is asked to fetch it later.

        Raises:
            RecordingFault: it may not be asked.
        """
        return UrlSource(self._policy.read(url, URL_FIELD), self._policy)

    def check_key(self, key: str) -> None:
        """See that there can be an object of this key, before it is fetched.

        Raises:
            RecordingFault: there cannot.
        """
        parts_of(key)

    async def fetch_url(self, url: str, path: Path) -> Fetched:
        """Fetch the recording at a URL into a file; what was there is forgotten.

        Raises:
            RecordingFault: it is not to be had, too large, or takes too long.
        """
        source = self.at_url(url)
        async with RecordingFile(path, self._most_bytes) as file:
            return await self._fetcher.fetch(source, file)

    async def fetch_object(
        self, project_id: str, bucket: str, key: str, path: Path, most_bytes: int | None = None
    ) -> Fetched:
        """Fetch an object of a bucket that a project may use into a file; what was there is
        forgotten.

        Args:
            most_bytes: it may have, where that is less than `recordings.max_bytes`.

        Raises:
            RecordingFault: it is not to be had, too large, or takes too long.
            DirectoryUnavailable: nobody can say now which buckets the project has.
        """
        found = await self._buckets.find(project_id, bucket)
        most = min(self._most_bytes, most_bytes or self._most_bytes)
        async with RecordingFile(path, most) as file:
            return await found.fetch(key, file)


@asynccontextmanager
async def open_access(
    settings: RecordingSettings, environ: Mapping[str, str], store: StoreOnDemand | None
) -> AsyncIterator[RecordingAccess]:
    """The access of a server. What a server that was killed has left in the spool is removed.

    Raises:
        SpoolRefused: the folder of recordings cannot be used.
        BucketRefused: a bucket of the settings cannot be.
        RecordingFault: `recordings.role_endpoint` is no URL.
    """
    spool = await asyncio.to_thread(Spool.of, settings.folder, environ)
    with access_over(settings, spool, store) as access:
        yield access


@contextmanager
def access_over(
    settings: RecordingSettings, spool: Spool, store: StoreOnDemand | None
) -> Iterator[RecordingAccess]:
    """The access of a server whose spool is open.

    Raises:
        BucketRefused: a bucket of the settings cannot be.
        RecordingFault: `recordings.role_endpoint` is no URL.
    """
    resolve = SystemResolver()
    try:
        yield RecordingAccess(settings, spool, StoredBuckets(store), resolve)
    finally:
        resolve.close()
