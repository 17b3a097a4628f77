"""Flash transcription: a recording out of a bucket or in the body, its text in the answer.

Each channel is a recognition of its own, in the way of continuous recognition. The recording lies
in the spool and nowhere else, and is gone when the call is over, however it ends.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response

from rasr.identity.principals import project_of
from rasr.recordings.analysis import word_lists_of
from rasr.recordings.reading import TRAITS, Recording
from rasr.recordings.sentences import for_recordings, reviewed
from rasr.recordings.spool import RecordingFile
from rasr.runtime.access import Access
from rasr.runtime.statistics import SessionStatistics
from rasr.server.auth.answers import BAD_REQUEST, Refused
from rasr.server.auth.call import network_of
from rasr.server.http.flash_places import FlashPlace, FlashPlaces
from rasr.server.http.interface import Interface, SisRequest, add_interface, error_body
from rasr.server.http.late_answers import (
    EVENT_STREAM,
    PROMPT_S,
    LateAnswer,
    ProgressAnswer,
)
from rasr.server.origins import OriginRule
from rasr.server.recordings import Recordings
from rasr.server.state import ServerState
from rasr.tasks import awaited, given_up
from rasr.usage.meter import Charge
from rasr.usage.services import Service
from rasr.wire.dialect import Refusal
from rasr.wire.sis.analysis import sentence_json
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.flash import (
    MOST_AUDIO_S,
    MOST_BYTES,
    MOST_CHANNELS,
    FlashCall,
    flash_json,
    read_flash,
)
from rasr.wire.sis.request import access_request, fault_of, recognition_config

INTERFACE = Interface("POST", "/v1/{project_id}/asr/flash", streams=True)
_MODE = "flash"
"""For the log and the statistics."""
_UPLOAD_S = 600.0
"""100 MB at 1.4 Mbit/s."""
_CHANNELS_AT_ONCE = 2
"""Of one call; more wait their turn."""


@dataclass(slots=True)
class _Progress:
    """How far a call is."""

    total_s: float | None = None
    """Of all channels together; None where nobody knows."""
    channels: list[SessionStatistics] = field(default_factory=list)
    uploaded: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once nothing more of the request is to come."""
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the recording is there and can be read."""

    def told(self) -> dict[str, Any]:
        heard_s = sum(max(0.0, one.audio_s - one.backlog_s) for one in self.channels)
        percent = None
        if self.total_s:
            percent = round(min(100.0, 100 * heard_s / self.total_s), 1)
        return {
            "state": "RECOGNISING" if self.channels else "FETCHING",
            "percent": percent,
            "recognised_ms": round(heard_s * 1000),
        }


def add_flash(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve flash transcription."""
    add_interface(app, state, origins, INTERFACE, _FlashCalls(state).answer)


class _FlashCalls:
    """Answers calls."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._places = FlashPlaces(state.settings.recordings.flash_calls)

    async def answer(self, request: SisRequest) -> Response:
        call = read_flash(request.query)
        await self._state.meter.check(request.principal, Service.FLASH)
        # Before anything is fetched: what is served, and the hot words.
        (await self._access(request, call)).close()
        progress = _Progress()
        work = awaited(self._body(request, call, progress), name="flash")
        try:
            # An answer that began while the client still sends would end that.
            await _first(work, progress.uploaded)
            tells = EVENT_STREAM in request.accept
            # What is wrong is mostly found before, and has a status then.
            await _first(work, progress.begun if tells else None, PROMPT_S)
        except BaseException:
            await given_up(work)
            raise
        if work.done() and (work.exception() is not None or not tells):
            return Response(work.result(), media_type="application/json")
        if tells:
            return ProgressAnswer(work, progress.told, error_body)
        return LateAnswer(work, error_body)

    async def _body(self, request: SisRequest, call: FlashCall, progress: _Progress) -> bytes:
        """The answer to a call whose query is valid."""
        recordings = self._state.recordings
        if recordings is None:
            raise ProtocolError(
                ErrorCode.INTERNAL, "this server has no folder for recordings; its log has why"
            )
        party = request.party
        caller = project_of(party.principal) or network_of(party.address)
        with self._state.connections.answering(), self._places.place(caller) as place:
            async with self._here(recordings, request, call, progress, place) as path:
                recording = Recording(path, call.declared, MOST_AUDIO_S)
                return await self._recognised(request, call, recording, progress)

    @asynccontextmanager
    async def _here(
        self,
        recordings: Recordings,
        request: SisRequest,
        call: FlashCall,
        progress: _Progress,
        place: FlashPlace,
    ) -> AsyncIterator[Path]:
        """The recording as a file, which is gone at the end."""
        async with recordings.spool.place() as folder:
            path = folder / "recording"
            async with self._places.coming(place):
                if call.source is None:
                    await _upload(request, path)
                else:
                    progress.uploaded.set()
                    source = call.source
                    access = await recordings.access()
                    await access.fetch_object(
                        request.project_id, source.bucket, source.key, path, MOST_BYTES
                    )
            progress.uploaded.set()
            yield path

    async def _recognised(
        self, request: SisRequest, call: FlashCall, recording: Recording, progress: _Progress
    ) -> bytes:
        info = await self._state.reader.info(recording)
        channels = 1 if call.first_channel_only else info.channels
        if channels > MOST_CHANNELS:
            raise ProtocolError(
                ErrorCode.INVALID,
                f"the recording has {channels} channels; allowed: {MOST_CHANNELS}, or "
                "first_channel_only=yes",
            )
        progress.begun.set()
        if info.duration_s is not None:
            progress.total_s = info.duration_s * channels
        trace_id, turn = str(uuid.uuid4()), asyncio.Semaphore(_CHANNELS_AT_ONCE)

        async def one(channel: int) -> tuple[float, list[str]]:
            async with turn:
                return await self._channel(request, call, recording, channel, trace_id, progress)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(number)) for number in range(channels)]
        except BaseExceptionGroup as errors:
            # The others were given up because of it.
            raise errors.exceptions[0] from None
        heard = [task.result() for task in tasks]
        audio_s = max(seconds for seconds, _ in heard)
        if request.principal is not None:
            self._state.meter.charge(
                Charge(trace_id, request.principal, Service.FLASH, time.time(), audio_s, channels)
            )
        return flash_json(trace_id, round(audio_s * 1000), [texts for _, texts in heard])

    async def _channel(
        self,
        request: SisRequest,
        call: FlashCall,
        recording: Recording,
        channel: int,
        trace_id: str,
        progress: _Progress,
    ) -> tuple[float, list[str]]:
        """Seconds of audio of a channel, and its sentences."""
        access = await self._access(request, call)
        connections = self._state.connections
        with connections.call(_MODE, request.party, left="given up") as statistics:
            statistics.trace_id = trace_id
            statistics.model = call.config.property.name
            statistics.engine = access.grant.engine.name
            progress.channels.append(statistics)
            config = recognition_config(
                call.config, TRAITS, access.grant, self._state.settings.session
            )
            lists = word_lists_of(self._state.settings.recordings.word_lists, request.project_id)
            config = for_recordings(config, with_words=bool(lists))
            finals = self._state.reader.sentences(recording, channel, config, access, statistics)
            async with aclosing(finals) as told:
                texts = [
                    sentence_json(*reviewed(final, call.config, lists))
                    async for final in told
                    if final.hypothesis.text
                ]
            return statistics.audio_s, texts

    async def _access(self, request: SisRequest, call: FlashCall) -> Access:
        """Leave to recognise. It takes no admission slot: recordings give way to who speaks."""
        asked = access_request(call.config, needs_slot=False)
        access = await self._state.authoriser.authorise(request.party, asked)
        if isinstance(access, Refusal):
            raise fault_of(access, call.config)
        return access


async def _upload(request: SisRequest, path: Path) -> None:
    """Write the body of a request as it comes.

    Raises:
        ProtocolError: there is none, or it is too large.
        Refused: it takes too long.
    """
    try:
        async with asyncio.timeout(_UPLOAD_S), RecordingFile(path, MOST_BYTES) as file:
            async for piece in request.pieces:
                await file.write(piece)
            await file.flush()
            if not file.size:
                raise ProtocolError(
                    ErrorCode.MISSING,
                    "there is no recording; needed: obs_bucket_name and obs_object_key, or the "
                    "recording as the body of the request",
                )
    except TimeoutError:
        raise Refused(
            408, BAD_REQUEST, f"the body was not here within {_UPLOAD_S:g} s", "body too slow"
        ) from None


async def _first(
    work: asyncio.Future[bytes], event: asyncio.Event | None, timeout_s: float | None = None
) -> None:
    """Wait until the work is done, or the event is there."""
    waiting: set[asyncio.Future[Any]] = set()
    if event is not None:
        waiting.add(awaited(event.wait(), name="flash-event"))
    try:
        await asyncio.wait({work, *waiting}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
