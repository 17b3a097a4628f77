"""Who is connected: every connection from its handshake to its end, and the shutdown of all."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import structlog

from rasr.identity.principals import Principal
from rasr.runtime.access import Access
from rasr.runtime.connection import Connection, Elsewhere
from rasr.runtime.place import Peer
from rasr.runtime.recognizer import Recognizer
from rasr.runtime.statistics import RecognitionObserver, SessionStatistics
from rasr.server.access import Authoriser
from rasr.server.admission import Party
from rasr.server.ops.statistics import ServerStatistics
from rasr.server.ws.metered import MeteredAccess
from rasr.server.ws.resuming import HeldRounds
from rasr.settings import Settings
from rasr.usage.meter import Meter
from rasr.usage.services import Service
from rasr.wire.dialect import (
    AccessRequest,
    Conversation,
    Farewell,
    Refusal,
    RefusalKind,
)
from rasr.wire.sis.errors import ProtocolError
from rasr.wire.sis.messages import EndReason
from rasr.wire.sis.modes import Mode

_log = structlog.get_logger("rasr.session")

_MOVE_S = 0.02
"""Between two that are sent to other servers."""
_FAREWELL_S = 1.0
"""For a client to take the end of its session, once the time to shut down is over."""


class Held(Protocol):
    """A connection that is served, as far as who serves all of them has to know it."""

    statistics: SessionStatistics

    async def run(self) -> None:
        """Serve it until it is gone. It gives everything back, however it ends."""

    def retire(self) -> None:
        """Let it come to its end by itself, or send it to another server."""

    def shut_down(self, farewell: Farewell = Farewell.SHUTDOWN) -> None:
        """Bring it to its end in order."""

    def cut_off(self) -> None:
        """Close at once: the time to shut down is over."""

    def abort(self) -> None:
        """Drop it: its peer does not even take the farewell."""


class Connections:
    """Serves websockets until it is told to close."""

    def __init__(
        self,
        settings: Settings,
        recognizer: Recognizer,
        authoriser: Authoriser,
        statistics: ServerStatistics,
        meter: Meter,
        rounds: HeldRounds,
    ) -> None:
        self._settings = settings
        self._recognizer = recognizer
        self._authoriser = authoriser
        self._statistics = statistics
        self._meter = meter
        self.rounds = rounds
        self._numbers = itertools.count(1)
        self._open: dict[Held, Principal | None] = {}
        self._calls: set[SessionStatistics] = set()
        """Of recognitions and texts over HTTP that are open."""
        self._answering = 0
        """Calls over HTTP that are being answered, those among them."""
        self._empty = asyncio.Event()
        self._empty.set()
        self.closing = False
        """True once nobody new is served."""

    async def serve(
        self,
        socket: Peer,
        mode: Mode,
        service: Service,
        party: Party,
        begin: Callable[[float], Conversation],
        observers: Sequence[RecognitionObserver] = (),
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """One connection that recognises, from its handshake to its end. If it goes on with a round
        that has lost its own, that is another session, and lasts until the websocket is gone.

        Args:
            service: what its rounds are billed as.
            begin: makes its conversation at a time of the loop's clock.
            observers: are told of its recognitions.
            elsewhere: goes on with a round that is not here.
        """
        served: list[Connection] = []
        ask: Callable[[AccessRequest], Awaitable[Access | Refusal]]
        ask = MeteredAccess(self._authoriser.authorise, self._meter, service, party).ask
        if self.full:
            # It has come in to go on with a round, and takes nobody's place to begin one.
            ask = _refusing(self.full_sentence)

        def connect(statistics: SessionStatistics) -> Held:
            connection = Connection(
                socket,
                begin(statistics.opened_at),
                self._recognizer,
                ask,
                statistics,
                send_timeout_s=self._settings.server.send_timeout_s,
                book=self.rounds.book(party, mode, statistics.number),
                elsewhere=elsewhere,
            )
            served.append(connection)
            return connection

        await self.hold(mode.value, party, connect, observers)
        for connection in served:
            if connection.back is not None:
                await connection.back.run()

    @property
    def full_sentence(self) -> str:
        """What is told when there are too many."""
        return f"the server is full: {self.count} connections are open"

    async def hold(
        self,
        mode: str,
        party: Party,
        connect: Callable[[SessionStatistics], Held],
        observers: Sequence[RecognitionObserver] = (),
    ) -> None:
        """One connection of any kind, from its handshake to its end.

        Args:
            connect: makes it.
        """
        now = asyncio.get_running_loop().time()
        statistics = self._opened(mode, party, now, observers)
        connection = connect(statistics)
        self._open[connection] = party.principal
        self._empty.clear()
        try:
            if self.closing:
                connection.retire()
            await connection.run()
        finally:
            del self._open[connection]
            self._left()
            self._closed(statistics)

    @contextmanager
    def call(
        self, mode: str, party: Party, *, left: str = "disconnected"
    ) -> Iterator[SessionStatistics]:
        """One recognition or text over HTTP, which counts as a session, from its start to its
        end.

        Args:
            left: why it ended, where nobody wants its answer any more.
        """
        loop = asyncio.get_running_loop()
        statistics = self._opened(mode, party, loop.time())
        self._calls.add(statistics)
        statistics.reason = EndReason.ERROR
        try:
            yield statistics
            statistics.reason = EndReason.NORMAL
        except ProtocolError as error:
            # In a recognition, or instead of one.
            statistics.error(error.code, loop.time(), fatal=statistics.recognitions > 0)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            statistics.reason = left
            raise
        finally:
            self._calls.discard(statistics)
            self._closed(statistics)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While it lasts a call over HTTP is being answered, and the shutdown waits for it."""
        self._answering += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._answering -= 1
            self._left()

    def _opened(
        self,
        mode: str,
        party: Party,
        now: float,
        observers: Sequence[RecognitionObserver] = (),
    ) -> SessionStatistics:
        number = next(self._numbers)
        _log.info("session_opened", session=number, mode=mode, peer=party.address)
        return SessionStatistics(
            number, mode, party.address, now, self._statistics, party.project, observers
        )

    def _closed(self, statistics: SessionStatistics) -> None:
        self._statistics.close(statistics)
        _log_closed(statistics)

    def _left(self) -> None:
        if not self._open and not self._answering:
            self._empty.set()

    async def retire(self, deadline_s: float) -> None:
        """Serve nobody new, and let recognitions end by themselves within the deadline. Those that
        survive their connection are sent to other servers, one after the other: each brings the
        sound of its open sentence with it."""
        self.closing = True
        _log.info("retiring", sessions=self.count, deadline_s=deadline_s)
        leaving = list(self._open)
        pause_s = min(_MOVE_S, deadline_s / 2 / max(1, len(leaving)))
        try:
            async with asyncio.timeout(deadline_s):
                for connection in leaving:
                    if connection in self._open:
                        connection.retire()
                        await asyncio.sleep(pause_s)
                await self.quiet()
        except TimeoutError:
            pass

    async def close(self, deadline_s: float) -> None:
        """Let every connection have its finals and its farewell, within the deadline.

        Who has not left a moment after it is dropped.
        """
        self.closing = True
        if self._empty.is_set():
            return
        _log.info("draining", sessions=self.count, deadline_s=deadline_s)
        for connection in list(self._open):
            connection.shut_down()
        try:
            async with asyncio.timeout(deadline_s):
                await self.quiet()
        except TimeoutError:
            # Calls over HTTP end with the server.
            _log.warning("drain_deadline", sessions=self.count)
            for connection in list(self._open):
                connection.cut_off()
            try:
                async with asyncio.timeout(_FAREWELL_S):
                    await self.quiet()
            except TimeoutError:
                _log.warning("sessions_dropped", sessions=len(self._open))
                for connection in list(self._open):
                    connection.abort()

    @property
    def principals(self) -> set[Principal]:
        """Who is connected, of those who were asked who they are."""
        return {one for one in self._open.values() if one is not None}

    def dismiss(self, principals: Collection[Principal]) -> None:
        """They may call no more: their rounds get their finals, and then they are told and go."""
        for connection, principal in list(self._open.items()):
            if principal in principals:
                connection.shut_down(Farewell.NOT_KNOWN)

    async def quiet(self) -> None:
        """Wait until nobody is connected, and no call is being answered."""
        await self._empty.wait()

    @property
    def count(self) -> int:
        """So many are open."""
        return len(self._open) + len(self._calls)

    @property
    def full(self) -> bool:
        """True if one more may not begin anything."""
        return self._beyond >= 0

    @property
    def keeps_places(self) -> bool:
        """True if one more may come back to a round: each that is away has a place of its own."""
        return self._beyond < self.rounds.held

    @property
    def _beyond(self) -> int:
        """By how many connections the bound is reached. Who is away has none."""
        return self.count - self.rounds.held - self._settings.server.max_connections

    @property
    def statistics(self) -> Collection[SessionStatistics]:
        """Of the sessions that are open."""
        return [*(connection.statistics for connection in self._open), *self._calls]


def _refusing(sentence: str) -> Callable[[AccessRequest], Awaitable[Access | Refusal]]:
    """Lets nobody begin."""

    async def ask(request: AccessRequest) -> Access | Refusal:
        return Refusal(RefusalKind.CAPACITY, sentence)

    return ask


def _log_closed(session: SessionStatistics) -> None:
    speech_s = session.speech_s
    _log.info(
        "session_closed",
        session=session.number,
        mode=session.mode,
        peer=session.peer,
        seconds=round(asyncio.get_running_loop().time() - session.opened_at, 1),
        rounds=session.recognitions,
        audio_s=round(session.audio_s, 1),
        speech_s=round(speech_s, 1),
        utterances=session.segments,
        rtf=round(session.busy_s / speech_s, 3) if speech_s else None,
        reason=session.reason,
    )
