"""Speech synthesis over HTTP: a text comes in, its sound goes out.

The sound is answered as a whole, in JSON; or, which is ours, as it is made. What was spoken is kept
nowhere, unless the settings say so.
"""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing

from fastapi import FastAPI, Response
from starlette.types import Receive, Scope, Send

from rasr.asgi import ABORT
from rasr.audio.writing import WrittenFormat, wav_header
from rasr.server.faults import fault_of_synthesis
from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.origins import OriginRule
from rasr.server.speech import SpokenSound
from rasr.server.state import ServerState
from rasr.synthesis.errors import SynthesisError
from rasr.synthesis.reading.limits import POST_CHARACTERS
from rasr.usage.meter import Charge
from rasr.usage.services import Service
from rasr.wire.sis.errors import ErrorCode, ProtocolError
from rasr.wire.synthesis.request import POST_FIELDS, SpeechRequest, read_speech_request

INTERFACE = Interface("POST", "/v1/{project_id}/tts")
MEDIA_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "pcm": "application/octet-stream"}
"""Of answers that stream, by `audio_format`."""

_MODE = INTERFACE.name
_BASE64_STEP = 48 << 10
"""Bytes that are encoded in one go: the interpreter is held no longer than some microseconds."""


def add_speech(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve speech synthesis over HTTP."""
    add_interface(app, state, origins, INTERFACE, _SpeechCalls(state).answer)


class SoundCache:
    """Sounds that were made lately, up to a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._sounds: OrderedDict[Hashable, tuple[bytes, float]] = OrderedDict()

    def get(self, key: Hashable) -> tuple[bytes, float] | None:
        """The sound and its seconds."""
        if key not in self._sounds:
            return None
        self._sounds.move_to_end(key)
        return self._sounds[key]

    def put(self, key: Hashable, sound: bytes, seconds: float) -> None:
        """Keep a sound; the one that was not asked for longest goes."""
        if len(sound) > self._most or key in self._sounds:
            return
        self._sounds[key] = sound, seconds
        self._bytes += len(sound)
        while self._bytes > self._most:
            _, (gone, _) = self._sounds.popitem(last=False)
            self._bytes -= len(gone)


class _SpeechCalls:
    """Answers calls."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._cache = SoundCache(state.settings.synthesis.cache_mb << 20)

    async def answer(self, request: SisRequest) -> Response:
        asked = read_speech_request(request.document(ErrorCode.SPEECH_BODY), POST_FIELDS)
        await self._state.meter.check(request.principal, Service.SYNTHESIS)
        spoken = _Spoken(self._state, request, asked)
        if asked.streams:
            return await _begun(spoken, MEDIA_TYPES[asked.audio_format])
        # Nobody learns from the time of an answer what another project has had spoken.
        key = request.project_id, asked
        kept = self._cache.get(key)
        if kept is None:
            async with aclosing(spoken.parts()) as parts:
                whole = await asyncio.to_thread(_whole, [part async for part in parts], asked)
            self._cache.put(key, whole, spoken.seconds)
        else:
            whole, spoken.seconds = kept
        spoken.charge()
        return await asyncio.to_thread(_json_answer, spoken.trace_id, whole)


class _Spoken:
    """One text that is spoken for a call."""

    def __init__(self, state: ServerState, request: SisRequest, asked: SpeechRequest) -> None:
        self._state = state
        self._request = request
        self._asked = asked
        self.trace_id = str(uuid.uuid4())
        self.seconds = 0.0
        """Of its sound, so far."""

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """Its bytes as they are made; the call is a session meanwhile.

        Raises:
            ProtocolError: it is not spoken, or not to its end.
        """
        state, asked = self._state, self._asked
        party = self._request.party
        # The shutdown waits for an answer that streams as for any other.
        with state.connections.call(_MODE, party) as statistics, state.connections.answering():
            statistics.trace_id = self.trace_id
            statistics.model = asked.voice or ""
            try:
                most = state.settings.synthesis.characters if asked.streams else POST_CHARACTERS
                request = await state.speech.request(asked, most)
                statistics.engine = request.voice.name
                written = SpokenSound(request, asked)
                async with aclosing(state.speech.speak(request)) as sounds:
                    async for sound in sounds:
                        self.seconds += sound.seconds
                        yield await written.feed(sound)
                yield await written.flush()
            except SynthesisError as error:
                raise fault_of_synthesis(error) from error

    def charge(self) -> None:
        """It was spoken to its end."""
        principal = self._request.principal
        if principal is not None:
            self._state.meter.charge(
                Charge(self.trace_id, principal, Service.SYNTHESIS, time.time(), self.seconds)
            )


async def _begun(spoken: _Spoken, media_type: str) -> Response:
    """The answer whose first bytes are there; what is wrong with the text is known by then."""
    parts = spoken.parts()
    try:
        first = await anext(parts)
    except BaseException:
        await parts.aclose()
        raise
    return _StreamedSound(spoken, first, parts, media_type)


class _StreamedSound(Response):
    """Sends sound as it is made. Who leaves stops it; one that fails is not ended in order, so that
    nobody takes a part for the whole."""

    def __init__(
        self,
        spoken: _Spoken,
        first: bytes,
        parts: AsyncGenerator[bytes, None],
        media_type: str,
    ) -> None:
        super().__init__(media_type=media_type, headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._spoken = spoken
        self._first = first
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._parts):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            try:
                await _send_part(send, self._first)
                async for part in self._parts:
                    await _send_part(send, part)
            except ProtocolError:
                scope["extensions"][ABORT]()
                return
            await send({"type": "http.response.body", "body": b""})
        self._spoken.charge()


async def _send_part(send: Send, part: bytes) -> None:
    if part:
        await send({"type": "http.response.body", "body": part, "more_body": True})


def _whole(parts: list[bytes], asked: SpeechRequest) -> bytes:
    """The file of these parts. Of a WAV file the length is known now."""
    data = b"".join(parts)
    if asked.audio_format != WrittenFormat.WAV:
        return data
    header = len(wav_header(asked.sample_rate, None))
    return wav_header(asked.sample_rate, len(data) - header) + data[header:]


def _json_answer(trace_id: str, sound: bytes) -> Response:
    view = memoryview(sound)
    coded = (
        base64.b64encode(view[at : at + _BASE64_STEP]) for at in range(0, len(sound), _BASE64_STEP)
    )
    # JSON's own writer would look at each of millions of characters, and hold up everybody's audio.
    parts = (b'{"trace_id":"', trace_id.encode(), b'","result":{"data":"', *coded, b'"}}')
    return Response(b"".join(parts), media_type="application/json")
