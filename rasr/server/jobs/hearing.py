"""Hearing the recordings of jobs, each as one recognition, and how fast that goes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rasr.audio import SAMPLE_RATE
from rasr.identity.principals import CredentialKind, Principal
from rasr.recognition.events import Failure, FailureKind, Final
from rasr.recordings.faults import RecordingFault
from rasr.recordings.reading import TRAITS
from rasr.recordings.sentences import for_recordings, reviewed, with_all_words
from rasr.runtime.statistics import SessionStatistics
from rasr.scheduling import Priority
from rasr.server.admission import Party
from rasr.server.jobs.fetching import JobRecordings
from rasr.server.jobs.position import Position
from rasr.server.jobs.reading import Received, RecordingReading
from rasr.server.jobs.tools import OpenJob, Tools
from rasr.server.jobs.workflows import Told
from rasr.wire.dialect import Refusal
from rasr.wire.sis.analysis import sentence_json
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.request import access_request, fault_of, fault_of_failure, recognition_config

_LEAST_AUDIO_S = 0.1
_NEWEST = 0.3
"""Weight of the newest minute in the speed."""


@dataclass
class Hearing:
    """The recordings that are being heard by this server."""

    tools: Tools
    recordings: JobRecordings
    speed: float | None = None
    """Seconds of audio in a second of time, of one job, as measured lately."""
    _readings: dict[str, RecordingReading] = field(default_factory=dict)

    @property
    def jobs(self) -> set[str]:
        """Whose recordings they are."""
        return set(self._readings)

    async def close(self) -> None:
        """Give up what is being heard; it goes on elsewhere, or later."""
        for job_id in list(self._readings):
            await self.put_away(job_id)

    async def minute(self, job: OpenJob, before: Told) -> Told:
        """See `Steps`."""
        job_id = job.record.id
        at = Position.after(before)
        reading = self._readings.get(job_id)
        if reading is None or (reading.channel, reading.settled) != (at.channel, at.segments):
            # It was heard elsewhere, or by a process that is gone.
            await self.put_away(job_id)
            reading = self._readings[job_id] = await self._open(job, at)
        # Where many minutes are silent, one step passes over them all.
        minute = max(at.minute + 1, at.samples // (60 * SAMPLE_RATE))
        began, loop = asyncio.get_running_loop().time(), asyncio.get_running_loop()
        try:
            heard = await reading.until(minute)
        except BaseException:
            await self.put_away(job_id)
            raise
        if heard.is_last:
            await self.put_away(job_id)
        if heard.failure is not None:
            raise _fault_of(heard.failure)
        if heard.is_last and heard.end_sample < _LEAST_AUDIO_S * SAMPLE_RATE:
            audio_s = heard.end_sample / SAMPLE_RATE
            raise ProtocolError(
                ErrorCode.NOT_DECODED,
                f"the recording has {audio_s:g} s of audio; needed: {_LEAST_AUDIO_S} s at least",
            )
        self._measure(heard.end_sample - at.samples, loop.time() - began)
        after = at.then(minute, heard)
        await self._keep(job, after, heard.finals)
        return after.told

    async def _keep(self, job: OpenJob, at: Position, finals: Sequence[Final]) -> None:
        """Write down what was said in a minute."""
        job_id, config = job.record.id, job.request.config
        spoken = [final for final in finals if final.hypothesis.text]
        if job.request.analysis is not None:
            heard = ",".join(sentence_json(with_all_words(final, config)) for final in spoken)
            await self.tools.written(
                lambda work: work.job_texts.put_heard(
                    job_id, at.channel, at.minute, heard, at.done_ms
                )
            )
            return
        lists = self.tools.word_lists(job)
        told = [reviewed(final, config, lists) for final in spoken]
        segments = ",".join(sentence_json(segment, marks) for segment, marks in told)
        marks = Counter(mark.name for _, marks in told for mark in marks)
        await self.tools.written(
            lambda work: work.job_texts.put_minute(job_id, at.minute, segments, at.done_ms, marks)
        )

    async def _open(self, job: OpenJob, at: Position) -> RecordingReading:
        await self.recordings.bring(job)
        tools, request, record = self.tools, job.request, job.record
        principal = principal_of(record.principal)
        party = Party(record.project_id, "", principal)
        granted = await tools.authoriser.authorise(
            party, access_request(request.config, needs_slot=False)
        )
        if isinstance(granted, Refusal):
            raise fault_of(granted, request.config)
        config = for_recordings(
            recognition_config(request.config, TRAITS, granted.grant, tools.settings.session),
            with_words=request.analysis is not None or bool(tools.word_lists(job)),
        )
        samples = request.samples
        received = Received(samples.bytes_per_second)
        audio = tools.reader.audio(
            tools.recording(job), at.channels[at.channel], samples.sample_rate
        )
        statistics = SessionStatistics(
            0, "recording", "", asyncio.get_running_loop().time(), _Unheard(), record.project_id
        )
        events = tools.recognizer.recognize(
            received.counting(audio),
            config,
            granted,
            statistics,
            priority=Priority.BATCH,
            settled_segments=at.segments,
        )
        return RecordingReading(events, at.channel, at.segments, received)

    async def put_away(self, job_id: str) -> None:
        """Hear it no more; what was heard is settled, or heard again."""
        reading = self._readings.pop(job_id, None)
        if reading is not None:
            await reading.close()

    def _measure(self, samples: int, seconds: float) -> None:
        if samples > 0 and seconds > 0:
            newest = samples / SAMPLE_RATE / seconds
            before = newest if self.speed is None else self.speed
            self.speed = _NEWEST * newest + (1 - _NEWEST) * before


class _Unheard:
    """How long sentences of a recording take is of no interest to live speech."""

    def first_partial(self, seconds: float) -> None:
        pass

    def final(self, seconds: float) -> None:
        pass


def _fault_of(failure: Failure) -> ProtocolError:
    match failure.kind:
        case FailureKind.ENGINE:
            return ProtocolError(ErrorCode.ENGINE_FAILED, failure.message)
        case FailureKind.AUDIO:
            return ProtocolError(ErrorCode.NOT_DECODED, failure.message)
        case FailureKind.FULL:
            return RecordingFault(ErrorCode.FULL, failure.message, may_pass=True)
        case _:
            return fault_of_failure(failure, TRAITS)


def principal_of(kept: Mapping[str, str] | None) -> Principal | None:
    """Whoever is charged, as the store has him."""
    if kept is None:
        return None
    values: dict[str, Any] = {**kept, "kind": CredentialKind(kept["kind"])}
    return Principal(**values)
