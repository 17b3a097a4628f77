"""Real-time synthesis: a websocket on which one text comes in and its sound goes out as it is made.

What is made is put into the outbox piece by piece, and the next piece is not asked for before the
client has taken nearly all of it: who reads slowly slows the engine and not the memory.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from typing import assert_never

import structlog
from fastapi import FastAPI
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope
from starlette.types import Send as AsgiSend

from rasr.audio.writing import WrittenFormat
from rasr.identity.directory import DirectoryUnavailable
from rasr.runtime.driver import ConversationDriver
from rasr.runtime.line import Line
from rasr.runtime.outbox import Outbox
from rasr.runtime.place import Peer
from rasr.runtime.statistics import RecognitionOver, SessionStatistics
from rasr.server.admission import Party
from rasr.server.auth.paths import RIGHTS, WEBSOCKET
from rasr.server.faults import fault_of_synthesis, fault_of_usage
from rasr.server.origins import OriginRule
from rasr.server.speech import SpokenSound
from rasr.server.state import ServerState
from rasr.server.ws.handshake import Handshake
from rasr.server.ws.socket import AsgiSocket
from rasr.synthesis.errors import SynthesisError
from rasr.synthesis.reading.request import Request
from rasr.synthesis.speech import SaidWord
from rasr.synthesis.voice import WordTimes
from rasr.tasks import awaited
from rasr.usage.meter import Charge, UsageRefused
from rasr.usage.services import Service
from rasr.wire.dialect import Close, Ended, Farewell, Send
from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode, ProtocolError
from rasr.wire.synthesis.conversation import Effect, Hush, Speak, SpeakingConversation
from rasr.wire.synthesis.messages import SpokenPhone, SpokenWord
from rasr.wire.synthesis.request import SpeechRequest, Subtitle

_log = structlog.get_logger("rasr.session")

REAL_TIME_SYNTHESIS = "rtts"
"""The path within a project."""
_PATH = f"/v1/{{project_id}}/{REAL_TIME_SYNTHESIS}"
_MODE = RIGHTS[WEBSOCKET, _PATH].interface
_FRAME_S = 0.2
_ROOM = 8
"""Frames that may wait for the client before the next piece is made."""


def add_real_time_synthesis(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve real-time synthesis."""
    app.router.routes.append(WebSocketRoute(_PATH, _RealTimeSynthesis(state, origins)))


class _RealTimeSynthesis:
    """ASGI application of its websockets."""

    def __init__(self, state: ServerState, origins: OriginRule) -> None:
        self._state = state
        self._handshake = Handshake(state, origins, _MODE)

    async def __call__(self, scope: Scope, receive: Receive, send: AsgiSend) -> None:
        socket = AsgiSocket(scope, receive, send)
        admitted = await self._handshake.shake(socket, scope)
        if admitted is None:
            return
        party, observers = admitted
        connect = partial(SpeakingConnection, socket, self._state, party)
        await self._state.connections.hold(_MODE, party, connect, observers)


class SpeakingConnection:
    """One connection's life. See `rasr.server.ws.connections.Held`."""

    def __init__(
        self, socket: Peer, state: ServerState, party: Party, statistics: SessionStatistics
    ) -> None:
        self._socket = socket
        self._state = state
        self._party = party
        self._loop = asyncio.get_running_loop()
        self._conversation = SpeakingConversation(
            state.settings.session, str(uuid.uuid4()), now=statistics.opened_at
        )
        self._driver = ConversationDriver(
            Line(socket, send_timeout_s=state.settings.server.send_timeout_s),
            self._conversation,
            statistics,
            self._do,
            self._ring,
            outbox=Outbox(_ROOM),
        )
        self._guarded = self._driver.guarded
        self._speaking: asyncio.Future[None] | None = None
        self._began = 0.0
        """When the text came."""
        self._first_sound_s: float | None = None
        self._seconds = 0.0
        """Of sound so far."""
        self.statistics = statistics
        statistics.trace_id = self._conversation.trace_id

    async def run(self) -> None:
        """Serve the connection until it is gone. It gives everything back, however it ends."""
        try:
            await self._driver.run(self._read)
        finally:
            self._driver.end(self._conversation.receive_eof)
            if self._speaking is not None:
                # What it holds is given back before the connection is over.
                await asyncio.gather(self._speaking, return_exceptions=True)

    def retire(self) -> None:
        """Let the text be spoken to its end, then close."""
        self.shut_down()

    def shut_down(self, farewell: Farewell = Farewell.SHUTDOWN) -> None:
        """Let the text be spoken to its end, then close."""
        self._guarded(partial(self._conversation.shut_down, farewell))

    def cut_off(self) -> None:
        """Close at once: the time to shut down is over."""
        self._guarded(self._conversation.cut_off)

    def abort(self) -> None:
        """Drop the connection: its peer does not even take the farewell."""
        self._socket.abort()

    # Messages

    async def _read(self) -> None:
        while (message := await self._socket.receive()) is not None and not self._socket.gone:
            receive = partial(self._conversation.receive, message, now=self._loop.time())
            self._guarded(receive)
            # Whoever sends nonsense and reads no answer is not listened to.
            await self._driver.outbox.room()

    # Effects

    def _do(self, effect: Effect) -> None:
        match effect:
            case Send() | Close():
                self._driver.send(effect)
            case Speak():
                self._began = self._loop.time()
                self._speaking = awaited(self._speak(effect.request), name="speak")
            case Hush():
                if self._speaking is not None:
                    self._speaking.cancel()
            case Ended():
                self._ended(effect)
            case _:
                assert_never(effect)

    def _ended(self, ended: Ended) -> None:
        self.statistics.reason = ended.reason
        if not ended.succeeded:
            return
        now, trace_id = self._loop.time(), self._conversation.trace_id
        over = RecognitionOver(
            ended.reason,
            trace_id,
            self.statistics.engine,
            self._began,
            now,
            self._seconds,
            self._first_sound_s or 0.0,
        )
        for one in self.statistics.observers:
            one.recognition_over(over)
        principal = self._party.principal
        if principal is not None:
            self._state.meter.charge(
                Charge(trace_id, principal, Service.SYNTHESIS, time.time(), self._seconds)
            )

    def _ring(self) -> None:
        self._guarded(partial(self._conversation.advance, now=self._loop.time()))

    # The text

    async def _speak(self, asked: SpeechRequest) -> None:
        conversation = self._conversation
        try:
            await self._spoken(asked)
        except ProtocolError as fault:
            error = fault
        except SynthesisError as fault:
            error = fault_of_synthesis(fault)
        except UsageRefused as refused:
            error = fault_of_usage(refused)
        except DirectoryUnavailable as down:
            _log.error("access_unknown", peer=self._party.address, why=str(down))
            code = ErrorCode.STORE_DOWN
            error = ProtocolError(code, ERROR_TABLE[code].meaning)
        except Exception:
            _log.exception("session_failed")
            self._driver.break_off()
            return
        else:
            self._guarded(partial(conversation.finished, now=self._loop.time()))
            return
        self._guarded(partial(conversation.failed, error, now=self._loop.time()))

    async def _spoken(self, asked: SpeechRequest) -> None:
        state = self._state
        self.statistics.model = asked.voice or ""
        await state.meter.check(self._party.principal, Service.SYNTHESIS)
        request = await state.speech.request(asked, state.settings.synthesis.characters, live=True)
        self.statistics.engine = request.voice.name
        _refuse_phones_that_nobody_knows(asked, request)
        written = SpokenSound(request, asked)
        async with aclosing(state.speech.speak(request, live=True)) as sounds:
            async for sound in sounds:
                data = await written.feed(sound)
                self._heard(asked, data, _words(asked, sound.words, self._seconds))
                self._seconds += sound.seconds
                await self._driver.outbox.room()
        self._heard(asked, await written.flush(), ())

    def _heard(self, asked: SpeechRequest, data: bytes, words: Sequence[SpokenWord]) -> None:
        """A piece has been made."""
        if data and self._first_sound_s is None:
            self._first_sound_s = self._loop.time() - self._began
            self._state.statistics.first_sounds.observe(self._first_sound_s)
        frames = _frames(data, asked)
        self._guarded(partial(self._conversation.sound, frames, words))


def _frames(data: bytes, asked: SpeechRequest) -> list[bytes]:
    sample = 2 if asked.audio_format == WrittenFormat.PCM else 1
    size = round(_FRAME_S * asked.sample_rate) * sample
    return [data[at : at + size] for at in range(0, len(data), size)]


def _refuse_phones_that_nobody_knows(asked: SpeechRequest, request: Request) -> None:
    """
    Raises:
        ProtocolError: the voice has no times of the sounds of words.
    """
    if asked.subtitle is Subtitle.PHONES and request.voice.word_times is not WordTimes.ENGINE:
        raise ProtocolError(
            ErrorCode.UNSUPPORTED,
            f"'subtitle' is not supported: the voice {request.voice.name} does not tell when the "
            f"sounds of a word are said; allowed: {str(Subtitle.WORDS)!r}, or another voice",
        )


def _words(
    asked: SpeechRequest, words: Sequence[SaidWord], offset_s: float
) -> tuple[SpokenWord, ...]:
    """The words as the client is told them; none where he has not asked."""
    if asked.subtitle is None:
        return ()

    def ms(seconds: float) -> int:
        return round(1000 * (offset_s + seconds))

    with_phones = asked.subtitle is Subtitle.PHONES
    return tuple(
        SpokenWord(
            word.text,
            ms(word.start_s),
            ms(word.end_s),
            tuple(
                SpokenPhone(phone.name, ms(phone.start_s), ms(phone.end_s)) for phone in word.phones
            )
            if with_phones
            else None,
        )
        for word in words
    )
