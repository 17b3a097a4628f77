"""What the steps of a job work with, and the store as they ask it: for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import structlog

from rasr.identity.directory import DirectoryUnavailable
from rasr.recordings.access import RecordingAccess
from rasr.recordings.analysis import WordList, word_lists_of
from rasr.recordings.analysis.diarization import Diarizer
from rasr.recordings.reading import Recording, RecordingReader
from rasr.runtime.recognizer import Recognizer
from rasr.server.access import Authoriser
from rasr.server.jobs.folders import JobFolders
from rasr.server.jobs.needs import StoreClock
from rasr.settings import Settings
from rasr.store.errors import SecretsUnreadable
from rasr.store.on_demand import StoreOnDemand
from rasr.usage.meter import Meter
from rasr.wire.sis.recordings import RecordingRequest

if TYPE_CHECKING:
    from rasr.store.records import JobRecord
    from rasr.store.store import Work

_log = structlog.get_logger("rasr.jobs")

ResultT = TypeVar("ResultT")

AGAIN_S = 2.0
"""After what may pass: a store that is gone, a disk that is full, a machine that is busy."""


class SecretLost(Exception):
    """A URL or a key in the store was encrypted with a key that is not here any more."""


@dataclass
class Tools:
    """What the steps work with."""

    settings: Settings
    store: StoreOnDemand
    access: RecordingAccess
    folders: JobFolders
    reader: RecordingReader
    diarizer: Diarizer
    authoriser: Authoriser
    recognizer: Recognizer
    meter: Meter
    clock: StoreClock
    """Seconds since 1970."""
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def asked(self, ask: Callable[[Work], Awaitable[ResultT]]) -> ResultT:
        """What the store says; it is asked again as long as it does not answer.

        Raises:
            SecretLost: of what was asked for: nobody can read it any more.
        """
        return await self._until_there(ask, reads=True)

    async def written(self, write: Callable[[Work], Awaitable[ResultT]]) -> ResultT:
        """What comes of a change; it is tried again as long as the store does not answer."""
        return await self._until_there(write, reads=False)

    def recording(self, job: OpenJob) -> Recording:
        """The recording of a job, which is here."""
        request = job.request
        return Recording(
            self.folders.recording(job.record.id),
            request.file_format or request.samples,
            self.settings.jobs.max_audio_s,
        )

    def word_lists(self, job: OpenJob) -> list[WordList]:
        """What is marked in the recording of a job."""
        return word_lists_of(self.settings.recordings.word_lists, job.record.project_id)

    async def _until_there(
        self, do: Callable[[Work], Awaitable[ResultT]], *, reads: bool
    ) -> ResultT:
        while True:
            try:
                store = await self.store.kept()
                async with store.reading() if reads else store.writing() as work:
                    try:
                        return await do(work)
                    except SecretsUnreadable as error:
                        # A store that is open has its keys: this one is not among them.
                        raise SecretLost from error
            except DirectoryUnavailable as error:
                _log.warning("job_waits_for_store", reason=str(error))
                await self.wait(AGAIN_S)


@dataclass
class OpenJob:
    """A job as a step finds it."""

    record: JobRecord
    request: RecordingRequest
    deadline: float
