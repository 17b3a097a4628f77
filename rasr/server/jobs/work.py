"""The steps of a job. Each says in the store what it has done; done twice it is as done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from rasr.audio import SAMPLE_RATE
from rasr.identity.directory import DirectoryUnavailable
from rasr.media.places import Places
from rasr.recordings.deliveries import Delivery, DeliveryState
from rasr.recordings.faults import RecordingFault
from rasr.runtime.recognizer import ServerFault
from rasr.server.jobs.analysing import Analysing
from rasr.server.jobs.fetching import JobRecordings
from rasr.server.jobs.hearing import Hearing, principal_of
from rasr.server.jobs.position import Position
from rasr.server.jobs.reading import ReadingClosed
from rasr.server.jobs.told import callback_answer
from rasr.server.jobs.tools import AGAIN_S, OpenJob, SecretLost, Tools
from rasr.server.jobs.workflows import Told
from rasr.store.errors import SecretsUnreadable
from rasr.usage.meter import Charge
from rasr.usage.services import Service
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.recordings import read_recording_request

_log = structlog.get_logger("rasr.jobs")

_SENT_AT_ONCE = 8
_NO_MORE: Told = {"over": True}
_OF_OTHERS = (ErrorCode.DOWNLOAD_FAILED, ErrorCode.BUCKET_FAILED, ErrorCode.NO_DELEGATION)
"""Faults of those who have the recording, and were asked as often as the settings allow: a host
that is gone must not keep the jobs of others waiting."""

_LOST = (
    "the server has lost the key of a secret that it needs for this; whoever runs it finds more in "
    "docs/store.md"
)


class _NotOpen(Exception):
    """The job is over, or gone."""


@dataclass
class JobWork:
    """See `rasr.server.jobs.workflows.Steps`."""

    tools: Tools
    recordings: JobRecordings
    hearing: Hearing
    analysing: Analysing
    _sending: Places = field(default_factory=lambda: Places(_SENT_AT_ONCE))

    # The steps

    async def fetch(self, job_id: str) -> Told:
        """See `Steps`."""
        return await self._step(job_id, self._fetch)

    async def probe(self, job_id: str) -> Told:
        """See `Steps`."""
        return await self._step(job_id, self._probe)

    async def minute(self, job_id: str, before: Told) -> Told:
        """See `Steps`."""
        return await self._step(job_id, lambda job: self.hearing.minute(job, before))

    async def analyse(self, job_id: str, heard: Told) -> Told:
        """See `Steps`."""
        return await self._step(job_id, lambda job: self._analyse(job, heard))

    async def store(self, job_id: str, heard: Told) -> Told:
        """See `Steps`."""
        return await self._step(job_id, lambda job: self._store(job, heard))

    async def deliver(self, job_id: str) -> Told:
        """See `Steps`."""
        tools = self.tools
        record = await tools.asked(lambda work: work.jobs.find(job_id))
        if record is None or record.delivery is None:
            return {}
        # Receivers of one project that do not answer keep those of others waiting for one of them.
        async with self._sending.place(record.project_id):
            segments = await tools.asked(lambda work: work.job_texts.segments(job_id))
            try:
                _, url = await tools.asked(lambda work: work.jobs.urls(job_id))
                if url is None:
                    return {}
                key = await tools.asked(lambda work: work.callback_keys.find(record.project_id))
            except SecretLost:
                before = delivery_of(record.delivery, "")
                after = before.failed(tools.clock(), _LOST, 0.0, may_pass=False)
            else:
                before = delivery_of(record.delivery, url)
                answer = callback_answer(record, segments)
                after = await tools.access.callbacks.deliver(before, answer, key, tools.clock())
            told = kept_of(after)
            is_over = after.state is not DeliveryState.WAITING
            await self.tools.written(
                lambda work: work.jobs.delivered(job_id, told, is_over=is_over)
            )
        if is_over:
            _log.info("job_told", job=job_id, state=after.state, attempts=after.attempts)
        return {} if after.next_at is None else {"pause_s": max(0.0, after.next_at - tools.clock())}

    async def give_up(self, job_id: str, code: ErrorCode, sentence: str) -> bool:
        """A job has failed. False where it was over before."""
        from rasr.store.records import JobState

        tools = self.tools
        now = tools.clock()
        delivery = await self._delivery(job_id, now)
        told = await self.tools.written(
            lambda work: work.jobs.end(
                job_id,
                JobState.ERROR,
                now,
                tools.settings.jobs.kept_s,
                fault=(code.value, sentence),
                delivery=delivery,
            )
        )
        await self.end(job_id)
        if told:
            _log.info("job_failed", job=job_id, code=code.value)
            # What was heard of it stands in the log of the database.
            with suppress(DirectoryUnavailable):
                await (await tools.store.kept()).scrub()
        return told

    async def end(self, job_id: str) -> None:
        """A job needs nothing of this machine any more."""
        await self.hearing.put_away(job_id)
        await asyncio.to_thread(self.tools.folders.remove, job_id)

    # What they have in common

    async def _step(self, job_id: str, do: Callable[[OpenJob], Coroutine[Any, Any, Told]]) -> Told:
        """Do it, until it is done or there is no more use in it."""
        tools = self.tools
        job: OpenJob | None = None
        while True:
            try:
                job = await self._job(job_id)
                if tools.clock() >= job.deadline:
                    await self.give_up(job_id, ErrorCode.JOB_LATE, self.late)
                    return self._failed(job)
                return await do(job)
            except _NotOpen:
                await self.end(job_id)
                return _NO_MORE
            except ReadingClosed:
                pass  # The job is over, or gone.
            except RecordingFault as error:
                await self.hearing.put_away(job_id)
                if not error.may_pass or error.code in _OF_OTHERS:
                    await self.give_up(job_id, error.code, error.message)
                    return self._failed(job)
                _log.warning("job_waits", job=job_id, code=error.code.value)
                await tools.wait(AGAIN_S)
            except (SecretLost, SecretsUnreadable):
                await self.give_up(job_id, ErrorCode.INTERNAL, _LOST)
                return self._failed(job)
            except ProtocolError as error:
                await self.give_up(job_id, error.code, error.message)
                return self._failed(job)
            except DirectoryUnavailable as error:
                _log.warning("job_waits_for_store", job=job_id, reason=str(error))
                await tools.wait(AGAIN_S)
            except Exception as error:
                if not await self._is_open(job_id):
                    # Whoever has ended it has taken away what was here of it.
                    await self.end(job_id)
                    return _NO_MORE
                if not isinstance(error, ServerFault):
                    _log.exception("job_step_failed", job=job_id)
                sentence = "a fault of the server; its log has it"
                await self.give_up(job_id, ErrorCode.INTERNAL, sentence)
                return self._failed(job)

    def _failed(self, job: OpenJob | None) -> Told:
        calls_back = job is not None and job.request.callback_url is not None
        return {**_NO_MORE, "calls_back": calls_back}

    @property
    def late(self) -> str:
        """The sentence for a job that was not done in time."""
        limit_s = self.tools.settings.jobs.timeout_s
        return f"the job was not done within {limit_s:g} s (jobs.timeout_s)"

    async def _is_open(self, job_id: str) -> bool:
        record = await self.tools.asked(lambda work: work.jobs.find(job_id))
        return record is not None and record.is_open

    async def _job(self, job_id: str) -> OpenJob:
        record = await self.tools.asked(lambda work: work.jobs.find(job_id))
        if record is None or not record.is_open:
            raise _NotOpen
        data_url, callback_url = await self.tools.asked(lambda work: work.jobs.urls(job_id))
        config = dict(record.request)
        if callback_url is not None:
            config["callback_url"] = callback_url
        document = {"config": config, "data_url": data_url}
        request = read_recording_request(document)
        return OpenJob(record, request, record.created_at + self.tools.settings.jobs.timeout_s)

    async def _fetch(self, job: OpenJob) -> Told:
        tools, job_id = self.tools, job.record.id
        now = tools.clock()
        await self.tools.written(lambda work: work.jobs.start(job_id, now))
        await self.recordings.bring(job)
        return {}

    async def _probe(self, job: OpenJob) -> Told:
        await self.recordings.bring(job)
        tools = self.tools
        info, options = await tools.reader.info(tools.recording(job)), job.request.analysis
        length_s = info.duration_s
        self.analysing.check(options, length_s)
        if length_s is not None and length_s > 0:
            audio_ms = round(length_s * 1000)
            await tools.written(lambda work: work.jobs.measured(job.record.id, audio_ms))
        channels = (None,) if options is None else options.channels_of(info.channels)
        return Position(channels).told

    async def _analyse(self, job: OpenJob, heard: Told) -> Told:
        await self.analysing.analyse(job)
        return heard

    # The end

    async def _store(self, job: OpenJob, heard: Told) -> Told:
        from rasr.store.records import JobState

        tools, record = self.tools, job.record
        at = Position.after(heard)
        audio_s = at.longest / SAMPLE_RATE
        now = tools.clock()
        principal = principal_of(record.principal)
        if principal is not None:
            # Twice is as once, and a job that is told of is charged.
            tools.meter.charge(
                Charge(record.id, principal, Service.RECORDINGS, now, audio_s, len(at.channels))
            )
        delivery = await self._delivery(record.id, now)
        # Whoever hears that the job is finished finds nothing of it in its folder any more.
        await self.end(record.id)
        await tools.written(
            lambda work: work.jobs.end(
                record.id,
                JobState.FINISHED,
                now,
                tools.settings.jobs.kept_s,
                audio_ms=round(audio_s * 1000),
                delivery=delivery,
            )
        )
        if record.upload_id is not None:
            await self.recordings.drop_upload(record.upload_id)
        _log.info("job_finished", job=record.id, audio_s=round(audio_s, 1))
        return {"calls_back": delivery is not None}

    async def _delivery(self, job_id: str, now: float) -> Mapping[str, Any] | None:
        try:
            _, url = await self.tools.asked(lambda work: work.jobs.urls(job_id))
        except SecretLost:
            return None
        return None if url is None else kept_of(Delivery.begin(job_id, url, now))


def delivery_of(kept: Mapping[str, Any], url: str) -> Delivery:
    """An answer on its way, as the store has it."""
    return Delivery(**{**kept, "url": url, "state": DeliveryState(kept["state"])})


def kept_of(delivery: Delivery) -> dict[str, Any]:
    """An answer on its way, for the store: without its URL."""
    return {
        "id": delivery.id,
        "began_at": delivery.began_at,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "next_at": delivery.next_at,
        "ended_at": delivery.ended_at,
        "fault": delivery.fault,
    }
