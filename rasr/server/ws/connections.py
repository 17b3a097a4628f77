"""Who is connected: every connection from its handshake to its end, and the shutdown of all."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Sequence
from functools import partial

import structlog

from rasr.identity.principals import Principal
from rasr.runtime.connection import Connection, Socket
from rasr.runtime.recognizer import Recognizer
from rasr.runtime.statistics import RecognitionObserver, SessionStatistics
from rasr.server.access import Authoriser
from rasr.server.admission import Party
from rasr.server.ops.statistics import ServerStatistics
from rasr.settings import Settings
from rasr.wire.dialect import Conversation, Farewell

_log = structlog.get_logger("rasr.session")

_FAREWELL_S = 1.0
"""For a client to take the end of its session, once the time to shut down is over."""


class Connections:
    """Serves websockets until it is told to close."""

    def __init__(
        self,
        settings: Settings,
        recognizer: Recognizer,
        authoriser: Authoriser,
        statistics: ServerStatistics,
    ) -> None:
        self._settings = settings
        self._recognizer = recognizer
        self._authoriser = authoriser
        self._statistics = statistics
        self._numbers = itertools.count(1)
        self._open: dict[Connection, Principal | None] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.closing = False
        """True once nobody new is served."""

    async def serve(
        self,
        socket: Socket,
        mode: str,
        party: Party,
        begin: Callable[[float], Conversation],
        observers: Sequence[RecognitionObserver] = (),
    ) -> None:
        """One connection, from its handshake to its end.

        Args:
            mode: for the log and the statistics.
            begin: makes its conversation at a time of the loop's clock.
            observers: are told of its recognitions.
        """
        now = asyncio.get_running_loop().time()
        number = next(self._numbers)
        statistics = SessionStatistics(
            number, mode, party.address, now, self._statistics, observers
        )
        connection = Connection(
            socket,
            begin(now),
            self._recognizer,
            partial(self._authoriser.authorise, party),
            statistics,
            send_timeout_s=self._settings.server.send_timeout_s,
        )
        self._open[connection] = party.principal
        self._empty.clear()
        _log.info("session_opened", session=number, mode=mode, peer=party.address)
        try:
            if self.closing:
                connection.shut_down()
            await connection.run()
        finally:
            del self._open[connection]
            self._statistics.close(statistics)
            if not self._open:
                self._empty.set()
            self._log_closed(statistics)

    async def close(self, deadline_s: float) -> None:
        """Let every connection have its finals and its farewell, within the deadline.

        Who has not left a moment after it is dropped.
        """
        self.closing = True
        if not self._open:
            return
        _log.info("draining", sessions=len(self._open), deadline_s=deadline_s)
        for connection in list(self._open):
            connection.shut_down()
        try:
            async with asyncio.timeout(deadline_s):
                await self.quiet()
        except TimeoutError:
            _log.warning("drain_deadline", sessions=len(self._open))
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
        """Wait until nobody is connected."""
        await self._empty.wait()

    @property
    def count(self) -> int:
        """So many are open."""
        return len(self._open)

    @property
    def full(self) -> bool:
        """True if one more is to be refused at the handshake."""
        return self.count >= self._settings.server.max_connections

    @property
    def statistics(self) -> Collection[SessionStatistics]:
        """Of the connections that are open."""
        return [connection.statistics for connection in self._open]

    @staticmethod
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
