"""Which buckets a project may use: those of the settings, then its own in the store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from rasr.recordings.buckets import (
    Bucket,
    Credentials,
    FolderBucket,
    S3Bucket,
    S3Place,
    WayIn,
)
from rasr.recordings.faults import RecordingFault
from rasr.recordings.fetching import Fetcher
from rasr.recordings.policy import FetchPolicy
from rasr.recordings.roles import Roles
from rasr.settings import BucketSettings, RecordingSettings
from rasr.store.on_demand import StoreOnDemand
from rasr.store.records import BucketRecord
from rasr.wire.sis.errors import ErrorCode


class BucketRefused(Exception):
    """A bucket of the settings cannot be; the text is for whoever runs the server."""


class OwnBuckets(Protocol):
    """The buckets that projects have themselves."""

    async def find(self, project_id: str, name: str) -> tuple[BucketRecord, str | None] | None:
        """A bucket and the secret of its key; None where the project has none of this name.

        Raises:
            DirectoryUnavailable: nobody can say so now.
        """
        ...


class StoredBuckets:
    """The buckets in the store of a server, if it has one."""

    def __init__(self, store: StoreOnDemand | None) -> None:
        self._store = store

    async def find(self, project_id: str, name: str) -> tuple[BucketRecord, str | None] | None:
        """See OwnBuckets."""
        store = None if self._store is None else await self._store.asked()
        if store is None:
            return None
        async with store.reading() as work:
            return await work.buckets.find(project_id, name)


class ProjectBuckets:
    """Opens buckets for projects."""

    def __init__(
        self, settings: RecordingSettings, own: OwnBuckets, fetcher: Fetcher, roles: Roles
    ) -> None:
        """
        Raises:
            BucketRefused: a bucket of the settings cannot be.
        """
        self._policy = FetchPolicy.of(settings)
        self._own = own
        self._fetcher = fetcher
        self._roles = roles
        self._projects = {name: one.projects for name, one in settings.buckets.items()}
        self._of_settings: Mapping[str, Bucket] = {
            name: self._open(name, one) for name, one in settings.buckets.items()
        }

    async def find(self, project_id: str, name: str) -> Bucket:
        """The bucket of this name. It is asked for anew each time: what is revoked is gone at once.

        Raises:
            RecordingFault: the project may use none of this name, which says nothing of others'.
            DirectoryUnavailable: nobody can say so now.
        """
        projects = self._projects.get(name)
        if projects is not None and (not projects or project_id in projects):
            return self._of_settings[name]
        found = await self._own.find(project_id, name)
        if found is None:
            raise RecordingFault(
                ErrorCode.NO_DELEGATION,
                f"the project gives this server no bucket {name[:64]!r}",
            )
        return self._stored(*found)

    def _stored(self, record: BucketRecord, secret: str | None) -> Bucket:
        place = S3Place.read(
            record.name,
            record.endpoint,
            record.region,
            record.bucket,
            path_style=record.path_style,
        )
        way_in = _constant(record.access_id, secret)
        if record.role is not None:
            way_in = _by_role(self._roles, record.role, record.project_id)
        return S3Bucket(place, way_in, self._fetcher, self._policy)

    def _open(self, name: str, given: BucketSettings) -> Bucket:
        if given.kind == "folder":
            root = Path(given.folder)
            if not root.is_absolute():
                raise BucketRefused(
                    f"recordings.buckets.{name}.folder is {given.folder!r}; needed: an absolute "
                    "path"
                )
            return FolderBucket(name, root)
        if bool(given.access_id) != bool(given.secret):
            raise BucketRefused(
                f"recordings.buckets.{name} needs access_id and secret together, or neither"
            )
        try:
            place = S3Place.read(
                name, given.endpoint, given.region, given.bucket, path_style=given.path_style
            )
        except RecordingFault as fault:
            raise BucketRefused(f"recordings.buckets.{name}: {fault.message}") from fault
        return S3Bucket(
            place,
            _constant(given.access_id or None, given.secret),
            self._fetcher,
            self._policy,
        )


def _constant(access_id: str | None, secret: str | None) -> WayIn:
    known = None if access_id is None or secret is None else Credentials(access_id, secret)

    async def way_in() -> Credentials | None:
        return known

    return way_in


def _by_role(roles: Roles, role: str, project_id: str) -> WayIn:
    async def way_in() -> Credentials | None:
        return await roles.take(role, project_id)

    return way_in
