"""The handshake of a websocket of SIS: who may not come in is told so with HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import Scope

from rasr.identity.principals import project_of
from rasr.runtime.statistics import RecognitionObserver
from rasr.server.admission import Party
from rasr.server.auth.answers import NOT_ALLOWED, body
from rasr.server.auth.call import address_of, principal_of
from rasr.server.auth.credentials import SUBPROTOCOL
from rasr.server.ops.rounds import RoundCounter, observers_of
from rasr.server.origins import OriginRule, refusal
from rasr.server.state import ServerState
from rasr.server.ws.socket import AsgiSocket
from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode


class Handshake:
    """That of one interface."""

    def __init__(self, state: ServerState, origins: OriginRule, interface: str) -> None:
        """
        Args:
            interface: as metrics call it.
        """
        self._state = state
        self._origins = origins
        self._interface = interface

    async def shake(
        self, socket: AsgiSocket, scope: Scope, *, may_come_back: bool = False
    ) -> tuple[Party, Sequence[RecognitionObserver]] | None:
        """Who has come in, and who wants to know of his rounds; None: he was refused.

        Args:
            may_come_back: rounds here survive their connection.
        """
        connections = self._state.connections
        headers = Headers(scope=scope)
        principal = principal_of(scope)
        # A stranger's page has no credentials of ours; who shows some may come from any page.
        if principal is None and not self._origins.admits(headers):
            await self._refuse(socket, scope, NOT_ALLOWED, refusal(headers), 403)
            return None
        if connections.full and not (may_come_back and connections.keeps_places):
            code, sentence = ErrorCode.FULL, connections.full_sentence
            await self._refuse(socket, scope, code, sentence, ERROR_TABLE[code].http_status)
            return None
        await socket.accept(SUBPROTOCOL)
        party = Party(scope["path_params"]["project_id"], address_of(scope), principal)
        counter = RoundCounter(self._state.interfaces, self._interface, project_of(principal))
        return party, (counter, *observers_of(scope))

    async def _refuse(
        self, socket: AsgiSocket, scope: Scope, code: str, sentence: str, status: int
    ) -> None:
        self._state.statistics.turned_away[code] += 1
        project = project_of(principal_of(scope))
        self._state.interfaces.count(self._interface, status, 0.0, project)
        await socket.refuse(status, body(scope, code, sentence))
