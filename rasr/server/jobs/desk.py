"""Where jobs are taken, asked for and taken back.

Nothing is loaded of what does them before there is one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING

import structlog

from rasr.identity.principals import Principal
from rasr.server.jobs.needs import Needs
from rasr.server.jobs.running import RunningJobs
from rasr.server.jobs.sent import check_name, check_parts, upload_of
from rasr.server.jobs.told import JobNumbers, Outlook
from rasr.store.errors import Unknown
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.recordings import ANALYSIS, RECORDING_FIELDS, RecordingRequest

if TYPE_CHECKING:
    from rasr.store.records import JobRecord

_log = structlog.get_logger("rasr.jobs")

BEAT_S = 5.0
"""So often a server says that it lives, and looks for what is to be done."""


class Jobs:
    """The jobs of a server, as those who ask for them see them."""

    def __init__(self, needs: Needs, environ: Mapping[str, str], beat_s: float = BEAT_S) -> None:
        """
        Args:
            beat_s: see `BEAT_S`.
        """
        self._needs = needs
        self._running = RunningJobs(needs, environ, beat_s)

    def start(self) -> None:
        """Look from now on whether there are jobs."""
        self._running.start()

    async def stop(self) -> None:
        """Do no more. What is open goes on elsewhere, or later."""
        await self._running.stop()

    def when_begun(self, call: Callable[[], None]) -> None:
        """Call it when what does jobs has been loaded, with the first of them."""
        self._running.when_begun = call

    @property
    def numbers(self) -> JobNumbers | None:
        """How jobs are doing; None before there was one."""
        return self._running.numbers

    # What is asked

    async def submit(
        self,
        project_id: str,
        principal: Principal | None,
        request: RecordingRequest,
        raw: Mapping[str, object],
    ) -> JobRecord:
        """Take a job.

        Args:
            raw: `config` of the request as it came, checked.

        Raises:
            ProtocolError: it cannot be taken.
            DirectoryUnavailable: jobs cannot be kept now.
        """
        check_name("project_id", project_id)
        works = await self._running.begun()
        upload_id = upload_of(request.data_url)
        if request.source is not None:
            works.access.check_key(request.source.key)
        elif upload_id is None:
            works.access.at_url(request.data_url)
        works.work.analysing.check(request.analysis)
        if request.callback_url is not None:
            works.access.callbacks.read(request.callback_url)
        from rasr.store.jobs import NewJob
        from rasr.store.names import new_id

        settings, now = self._needs.settings.jobs, self._needs.clock()
        kept = {
            name: raw[name]
            for name in (*RECORDING_FIELDS, ANALYSIS)
            if name in raw and name != "callback_url"
        }
        job = NewJob(
            new_id(),
            project_id,
            None if principal is None else asdict(principal),
            kept,
            request.data_url,
            request.callback_url,
            _digest(raw, request.data_url),
            upload_id,
        )
        store = await self._needs.kept().kept()
        async with store.writing() as work:
            same = await work.jobs.same(project_id, job.digest, now - settings.same_s)
            if same is not None:
                return same
            if upload_id is not None:
                try:
                    check_parts(await work.uploads.parts(project_id, upload_id))
                except Unknown as error:
                    raise ProtocolError(
                        ErrorCode.INVALID, f"'data_url' is invalid: {error}"
                    ) from None
            most = settings.per_project
            if await work.jobs.count(project_id, is_open=True) >= most:
                raise ProtocolError(
                    ErrorCode.JOBS_FULL,
                    f"{most} jobs of this project wait or run, which is the most that may "
                    "(jobs.per_project); try again when some are done",
                )
            record = await work.jobs.add(job, settings.priorities.get(project_id, 1), now)
        _log.info("job_taken", job=record.id, project=project_id)
        await works.workflows.submit(record.id, record.turn)
        return record

    async def find(self, project_id: str, job_id: str) -> tuple[JobRecord, list[str], Outlook]:
        """A job of a project, what was heard once it has ended well, and what can be said of it
        before.

        Raises:
            ProtocolError: there is no such job, or it is another project's.
            DirectoryUnavailable: nobody knows now.
        """
        store = await self._needs.kept().asked()
        if store is None:
            raise unknown_job()
        async with store.reading() as work:
            record = await work.jobs.find(job_id, project_id)
            if record is None:
                raise unknown_job()
            segments, before = [], None
            if record.is_open:
                before = await work.jobs.before(record) if record.started_at is None else None
            else:
                segments = await work.job_texts.segments(job_id)
        return record, segments, self._outlook(record, before)

    async def listed(
        self, project_id: str, limit: int, offset: int, mark: str | None = None
    ) -> tuple[int, list[tuple[JobRecord, Mapping[str, int]]]]:
        """How many jobs a project has, and some of them, the newest first, each with its marks:
        in how many places something of a list stands, by the names of the lists.

        Args:
            mark: only those in which something of this list stands.

        Raises:
            DirectoryUnavailable: nobody knows now.
        """
        store = await self._needs.kept().asked()
        if store is None:
            return 0, []
        async with store.reading() as work:
            count = await work.jobs.count(project_id, mark=mark)
            records = await work.jobs.of_project(project_id, limit, offset, mark)
            marks = await work.job_texts.marks([one.id for one in records])
        return count, [(one, marks.get(one.id, {})) for one in records]

    async def take_back(self, project_id: str, job_id: str) -> None:
        """A job is done no more, and forgotten with all that was heard.

        Raises:
            ProtocolError: there is no such job, or it is another project's.
            DirectoryUnavailable: nobody knows now.
        """
        record, _, _ = await self.find(project_id, job_id)
        works = await self._running.begun()
        store = await self._needs.kept().kept()
        async with store.writing() as work:
            await work.jobs.forget(record.id)
        await store.scrub()
        await works.workflows.cancel(record.id)
        await works.work.end(record.id)
        if record.upload_id is not None:
            await works.work.recordings.drop_upload(record.upload_id)
        _log.info("job_taken_back", job=record.id)

    def _outlook(self, record: JobRecord, before: int | None) -> Outlook:
        speed, now = self._running.speed, self._needs.clock()
        if not record.is_open or speed is None or not record.audio_ms or before is not None:
            return Outlook(before)
        left_s = max(0, record.audio_ms - record.done_ms) / 1000
        return Outlook(before, now + left_s / speed)


def unknown_job() -> ProtocolError:
    """The same for a job that never was, one that is forgotten, and one of others."""
    return ProtocolError(
        ErrorCode.NO_JOB, "task id is not found: no such job of this project, or none any more"
    )


def _digest(raw: Mapping[str, object], data_url: str) -> str:
    text = json.dumps([raw, data_url], sort_keys=True)
    return sha256(text.encode()).hexdigest()
