"""Bringing the recording of a job to this machine, once, and forgetting it."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rasr.identity.directory import DirectoryUnavailable
from rasr.recordings.faults import RecordingFault
from rasr.recordings.spool import RecordingFile
from rasr.server.jobs.tools import OpenJob, Tools
from rasr.wire.sis.errors import ErrorCode


@dataclass
class JobRecordings:
    """The recordings of jobs on this machine."""

    tools: Tools

    async def bring(self, job: OpenJob) -> None:
        """Bring the recording, unless it is here."""
        tools, job_id = self.tools, job.record.id
        whole = tools.folders.recording(job_id)
        if whole.exists():
            return
        try:
            folder = await asyncio.to_thread(tools.folders.make, job_id)
        except OSError as error:
            raise RecordingFault(
                ErrorCode.INTERNAL, f"no room for a recording: {error.strerror}", may_pass=True
            ) from error
        # Another server on this machine may take the job over meanwhile.
        part = folder / f"part-{secrets.token_hex(4)}"
        try:
            if job.record.upload_id is not None:
                await self._gather(job.record.upload_id, part)
            elif (source := job.request.source) is not None:
                project_id = job.record.project_id
                await tools.access.fetch_object(project_id, source.bucket, source.key, part)
            else:
                await tools.access.fetch_url(job.request.data_url, part)
            os.replace(part, whole)
        finally:
            part.unlink(missing_ok=True)

    async def _gather(self, upload_id: str, path: Path) -> None:
        """Put a recording together that was sent here."""
        number = 0
        async with RecordingFile(path, self.tools.settings.recordings.max_bytes) as file:
            while (part := await self._part(upload_id, number)) is not None:
                await file.write(part)
                number += 1
            await file.flush()

    async def _part(self, upload_id: str, number: int) -> bytes | None:
        return await self.tools.asked(lambda work: work.uploads.content(upload_id, number))

    async def drop_upload(self, upload_id: str) -> None:
        """Forget a recording that was sent here, unless another job needs it."""
        while await self.tools.written(lambda work: work.uploads.drop_parts(upload_id)):
            pass
        with suppress(DirectoryUnavailable):
            await (await self.tools.store.kept()).scrub()
