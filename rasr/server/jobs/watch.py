"""Servers look after each other's jobs, and after those whose time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from rasr.server.jobs.needs import Needs
from rasr.server.jobs.sent import KEPT_S
from rasr.server.jobs.told import JobNumbers
from rasr.server.jobs.works import Works
from rasr.server.silence import Silence
from rasr.store.store import Store
from rasr.wire.sis.errors import ErrorCode

_log = structlog.get_logger("rasr.jobs")


class Watch:
    """Of one server."""

    def __init__(self, needs: Needs, works: Works) -> None:
        self._needs = needs
        self._works = works
        self._silence = Silence()

    async def again(self, store: Store) -> None:
        """See that all that is to be done is known to whoever does it, and nothing else is here."""
        workflows = self._works.workflows
        async with store.reading() as work:
            records = await work.jobs.open_ones()
            untold = await work.jobs.untold()
        await self._tidy(store)
        await workflows.begin_anew([one.id for one in records], untold)
        for record in records:
            await workflows.submit(record.id, record.turn)
        for job_id in untold:
            await workflows.call_back(job_id)

    async def _tidy(self, store: Store) -> None:
        """See that nothing is here of jobs that are over, wherever they were ended."""
        works = self._works
        # First what is here: what comes after that is of jobs that come after that.
        here = await asyncio.to_thread(works.folders.found) | works.work.hearing.jobs
        if not here:
            return
        async with store.reading() as work:
            needed = await work.jobs.still_open(here)
        for job_id in here - needed:
            await works.work.end(job_id)

    async def beat(self, store: Store) -> tuple[JobNumbers, list[str]]:
        """Say that this server lives. Returns how jobs are doing, and which servers are heard of no
        more. It takes no longer where there is much to look after."""
        works, clock = self._works, self._needs.clock
        async with store.writing() as work:
            await clock.follow(work)
            beats = await work.job_servers.beat(works.server_id)
            states, oldest = await work.jobs.by_state(), await work.jobs.oldest_waiting()
        waits_s = 0.0 if oldest is None else max(0.0, clock() - oldest)
        by_state = {state.value.lower(): count for state, count in states.items()}
        numbers = JobNumbers(by_state, waits_s, works.work.hearing.speed)
        return numbers, self._silence.after(works.server_id, beats)

    async def look_after(self, store: Store, silent: Sequence[str]) -> None:
        """Take over from servers that are heard of no more; end, forget and clean up what is to be.

        It takes as long as it takes: whoever does nothing else meanwhile looks dead.
        """
        works, settings = self._works, self._needs.settings.jobs
        now = self._needs.clock()
        await self._forget_expired(store, now)
        async with store.reading() as work:
            overdue = await work.jobs.overdue(now - settings.timeout_s)
            blocked = await work.jobs.of_blocked()
        for server_id in silent:
            count = await works.workflows.take_over(server_id)
            _log.warning("jobs_taken_over", server=server_id, jobs=count)
            async with store.writing() as work:
                await work.job_servers.leave(server_id)
            await self.again(store)
        for job_id in overdue:
            await self._give_up(job_id, ErrorCode.JOB_LATE, works.work.late)
        for job_id in blocked:
            await self._give_up(job_id, ErrorCode.FROZEN, "the project is blocked")
        await self._tidy(store)
        async with store.reading() as work:
            needless = await work.uploads.needless(now - KEPT_S)
        for upload_id in needless:
            await works.work.recordings.drop_upload(upload_id)

    async def _forget_expired(self, store: Store, now: float) -> None:
        count = 0
        while True:
            async with store.writing() as work:
                expired = await work.jobs.forget_expired(now)
            if not expired:
                break
            # At once: what comes next may fail, and these nobody finds again.
            await store.scrub()
            await self._works.workflows.forget(expired)
            count += len(expired)
        if count:
            _log.info("jobs_expired", jobs=count)

    async def _give_up(self, job_id: str, code: ErrorCode, sentence: str) -> None:
        works = self._works
        if await works.work.give_up(job_id, code, sentence):
            await works.workflows.cancel(job_id)
            await works.workflows.call_back(job_id)
