"""What does the jobs of a server, put together: it is started with the first job."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

import structlog

from rasr.configuration.folders import cache_folder
from rasr.identity.directory import DirectoryUnavailable
from rasr.recordings.access import RecordingAccess
from rasr.recordings.analysis.diarization import Diarizer
from rasr.server.jobs.analysing import Analysing
from rasr.server.jobs.fetching import JobRecordings
from rasr.server.jobs.folders import JobFolders
from rasr.server.jobs.hearing import Hearing
from rasr.server.jobs.identity import ServerIdentity
from rasr.server.jobs.needs import Needs
from rasr.server.jobs.tools import Tools
from rasr.server.jobs.work import JobWork
from rasr.server.jobs.workflows import Workflows, make_database_file
from rasr.store.errors import StoreError
from rasr.store.location import Postgres
from rasr.store.private_files import make_private_folder
from rasr.store.store import Store

_log = structlog.get_logger("rasr.jobs")

_SERVERS = "servers"


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """A file that was there."""

    path: Path
    device: int
    inode: int

    @classmethod
    def at(cls, path: Path) -> Self:
        """The one that is at a path now.

        Raises:
            OSError: there is none.
        """
        found = path.stat()
        return cls(path, found.st_dev, found.st_ino)

    def is_there(self) -> bool:
        """False where it was taken away, or another one is in its place."""
        try:
            return DatabaseFile.at(self.path) == self
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Works:
    """What does jobs."""

    work: JobWork
    workflows: Workflows
    access: RecordingAccess
    folders: JobFolders
    server_id: str
    database: DatabaseFile | None
    """That of the workflows; None where they are in the store's."""


async def start_works(
    needs: Needs, store: Store, environ: Mapping[str, str], stack: AsyncExitStack
) -> Works:
    """Start it.

    Args:
        stack: stops it.

    Raises:
        DirectoryUnavailable: it cannot be started now.
    """
    try:
        return await _started(needs, store, environ, stack)
    except (OSError, StoreError) as error:
        raise DirectoryUnavailable(f"jobs cannot be done here: {error}") from error


async def _started(
    needs: Needs, store: Store, environ: Mapping[str, str], stack: AsyncExitStack
) -> Works:
    assert needs.store is not None, "it is open"
    if needs.recordings is None:
        raise DirectoryUnavailable("this server has no folder for recordings; its log has why")
    settings = needs.settings
    folder = store.location.jobs_folder(environ)
    url, database = await asyncio.to_thread(_prepare, store, folder)
    identity = await asyncio.to_thread(ServerIdentity.take, folder / _SERVERS)
    stack.callback(identity.release)
    name = sha256(str(store.location).encode()).hexdigest()[:16]
    root = _recordings_folder(settings.recordings.folder, environ)
    folders = await asyncio.to_thread(JobFolders, root / name)
    access = await needs.recordings.access()
    tools = Tools(
        settings,
        needs.store,
        access,
        folders,
        needs.reader,
        Diarizer(settings.recordings),
        needs.authoriser,
        needs.recognizer,
        needs.meter,
        needs.clock,
    )
    recordings = JobRecordings(tools)
    hearing = Hearing(tools, recordings)
    work = JobWork(tools, recordings, hearing, Analysing(tools, recordings))
    workflows = Workflows(url, identity.id, settings.jobs.at_once, work)
    stack.push_async_callback(hearing.close)
    stack.push_async_callback(workflows.stop)
    await workflows.start()
    _log.info("jobs_begun", server=identity.id, at_once=settings.jobs.at_once)
    return Works(work, workflows, access, folders, identity.id, database)


def _recordings_folder(named: str, environ: Mapping[str, str]) -> Path:
    folder = Path(named) if named else cache_folder(environ) / "recordings"
    return folder.with_name(f"{folder.name}-of-jobs")


def _prepare(store: Store, folder: Path) -> tuple[str, DatabaseFile | None]:
    """Make the folder of jobs. Returns the URL of the database with the workflows, and its file
    where it has one of its own."""
    for one in (folder, folder / _SERVERS):
        make_private_folder(one)
    if isinstance(store.location, Postgres):
        return store.location.url, None
    path = store.location.workflows_file
    make_database_file(path)
    return f"sqlite:///{path}", DatabaseFile.at(path)
