"""One-sentence recognition over HTTP: a whole recording comes in, its text goes out.

It is the recognition of the websocket at the same path, with the same engine, hot words, bounds and
numbers, so that the same recording has the same text. A file is decoded first, and takes an
admission slot only when it turned out to be audio.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, NoReturn

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from rasr.audio import AudioFileError, AudioFormat
from rasr.media import AudioTooLong, DecodingLate, DecodingUnavailable, Limits, file_of
from rasr.recognition.events import Failure, FailureKind, Final, LimitReached, Warning
from rasr.runtime.access import Access
from rasr.runtime.statistics import SessionStatistics
from rasr.server.admission import Party
from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.origins import OriginRule
from rasr.server.state import ServerState
from rasr.usage.meter import Charge
from rasr.usage.services import Service
from rasr.wire.dialect import Refusal
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.sis.modes import MODE_TRAITS, Mode
from rasr.wire.sis.request import access_request, fault_of, fault_of_failure, recognition_config
from rasr.wire.sis.results import segment_of
from rasr.wire.sis.short_audio import (
    MOST_CHARACTERS,
    ShortAudio,
    read_short_audio,
    short_audio_body,
    too_long,
)

_TRAITS = MODE_TRAITS[Mode.ONE_SENTENCE]
_LIMITS = Limits(audio_s=_TRAITS.max_audio_s)
_CONFIG_BYTES = 512 << 10
"""Beside `data`: a configuration with a thousand hot words takes 40 KiB, line breaks in 4 MB of
base64 take 220."""
_HEADER_BYTES = 64 << 10
"""A WAV header before samples is no audio."""

INTERFACE = Interface(
    "POST",
    f"/v1/{{project_id}}/{_TRAITS.path}",
    MOST_CHARACTERS + _CONFIG_BYTES,
    too_long(f"the body has more than {MOST_CHARACTERS + _CONFIG_BYTES} bytes"),
)


def add_short_audio(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve one-sentence recognition over HTTP."""
    add_interface(app, state, origins, INTERFACE, _ShortAudioCalls(state).answer)


class _ShortAudioCalls:
    """Answers calls."""

    def __init__(self, state: ServerState) -> None:
        self._state = state

    async def answer(self, request: SisRequest) -> Response:
        call = read_short_audio(request.document())
        meter = self._state.meter
        await meter.check(request.principal, Service.ONE_SENTENCE)
        with self._state.connections.call(Mode.ONE_SENTENCE.value, request.party) as statistics:
            statistics.trace_id = str(uuid.uuid4())
            statistics.model = call.config.property.name
            body = await self._recognised(request.party, call, statistics)
        if request.principal is not None:
            audio_s, now = statistics.audio_s, time.time()
            meter.charge(
                Charge(statistics.trace_id, request.principal, Service.ONE_SENTENCE, now, audio_s)
            )
        return JSONResponse(body)

    async def _recognised(
        self, party: Party, call: ShortAudio, statistics: SessionStatistics
    ) -> dict[str, Any]:
        """The answer to a call whose body is valid."""
        asked = dataclasses.replace(
            access_request(call.config),
            detects_language=call.detects_language,
            needs_slot=False,
        )
        access = await self._state.authoriser.authorise(party, asked)
        if isinstance(access, Refusal):
            raise fault_of(access, call.config)
        statistics.engine = access.grant.engine.name
        try:
            audio = await self._audio(call, party)
            sentence = access.slot.take()
            if sentence is not None:
                raise ProtocolError(ErrorCode.FULL, sentence)
            return await self._text(call, audio, access, statistics)
        finally:
            access.close()

    async def _audio(self, call: ShortAudio, party: Party) -> Sequence[bytes]:
        """The samples of a call, as its configuration says they are."""
        config, declared = call.config, call.file_format
        if declared is None:
            assert isinstance(config.audio_format, AudioFormat), "raw audio is nothing else"
            most = _TRAITS.max_audio_s * config.audio_format.bytes_per_second
            if len(call.data) > most + _HEADER_BYTES:
                _refuse_length()
            return [call.data]
        decoder, rate = self._state.audio_files, config.property.sample_rate
        # Where nobody is asked, the project of the path is what anybody likes.
        caller = party.address if party.principal is None else party.project
        with file_of(call.data) as file:
            try:
                decoded = decoder.pieces(file, declared, rate, _LIMITS, caller)
                async with aclosing(decoded) as pieces:
                    return [piece async for piece in pieces]
            except AudioTooLong:
                _refuse_length()
            except AudioFileError as error:
                sentence = f"'data' cannot be used: {error}"
                raise ProtocolError(ErrorCode.WRONG_AUDIO, sentence) from error
            except DecodingLate as error:
                sentence = f"the server is at its limit: {error}; try again in some seconds"
                raise ProtocolError(ErrorCode.FULL, sentence) from error
            except DecodingUnavailable as error:
                sentence = f"'data' was not read: {error}"
                raise ProtocolError(ErrorCode.INTERNAL, sentence) from error

    async def _text(
        self,
        call: ShortAudio,
        audio: Sequence[bytes],
        access: Access,
        statistics: SessionStatistics,
    ) -> dict[str, Any]:
        """The answer: what is said in the audio."""
        config = recognition_config(
            call.config,
            _TRAITS,
            access.grant,
            self._state.settings.session,
            detects_language=call.detects_language,
        )
        recognising = self._state.recognizer.recognize(_each(audio), config, access, statistics)
        final: Final | None = None
        failure: Failure | None = None
        warnings: list[Warning] = []
        async with aclosing(recognising) as events:
            async for event in events:
                match event:
                    case Final():
                        final = event
                    case Warning():
                        warnings.append(event)
                    case LimitReached():
                        _refuse_length()
                    case Failure():
                        failure = event
        if failure is not None:
            if failure.kind is FailureKind.LIMIT:
                _refuse_length()
            raise fault_of_failure(failure, _TRAITS)
        assert final is not None, "a recognition of joined segments that succeeds has one final"
        segment = segment_of(
            final,
            with_words=call.config.need_word_info,
            with_confidence=call.config.word_confidence,
        )
        return short_audio_body(statistics.trace_id, segment, warnings)


async def _each(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _refuse_length() -> NoReturn:
    raise too_long(f"it has more than {_TRAITS.max_audio_s} s of audio")
