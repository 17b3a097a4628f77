"""The websockets of SIS: its paths, its refusals at the handshake, its conversation."""

from __future__ import annotations

import uuid

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

from rasr.identity.principals import Principal
from rasr.server.admission import Party
from rasr.server.auth.answers import NOT_ALLOWED, body
from rasr.server.auth.call import address_of, principal_of
from rasr.server.auth.credentials import SUBPROTOCOL
from rasr.server.auth.paths import interface_of
from rasr.server.ops.rounds import RoundCounter, observers_of
from rasr.server.origins import OriginRule, refusal
from rasr.server.state import ServerState
from rasr.server.ws.socket import AsgiSocket
from rasr.usage.services import Service
from rasr.wire.sis.conversation import SisConversation
from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode
from rasr.wire.sis.modes import MODE_TRAITS, Mode


def add_sis(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve the real-time modes at their paths."""
    for mode, traits in MODE_TRAITS.items():
        for path in (traits.path, *traits.aliases):
            route = WebSocketRoute(f"/v1/{{project_id}}/{path}", _Mode(state, mode, origins))
            app.router.routes.append(route)


class _Mode:
    """ASGI application of one mode's websockets."""

    def __init__(self, state: ServerState, mode: Mode, origins: OriginRule) -> None:
        self._state = state
        self._mode = mode
        is_a_call = mode is Mode.ONE_SENTENCE
        self._service = Service.ONE_SENTENCE if is_a_call else Service.REAL_TIME
        self._origins = origins
        self._interface = interface_of(mode)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = AsgiSocket(scope, receive, send)
        connections = self._state.connections
        headers = Headers(scope=scope)
        principal = principal_of(scope)
        # A stranger's page has no credentials of ours; who shows some may come from any page.
        if principal is None and not self._origins.admits(headers):
            await self._refuse(socket, scope, NOT_ALLOWED, refusal(headers), 403)
            return
        if connections.full:
            sentence = f"the server is full: {connections.count} connections are open"
            full = ErrorCode.FULL
            await self._refuse(socket, scope, full, sentence, ERROR_TABLE[full].http_status)
            return
        await socket.accept(SUBPROTOCOL)
        party = Party(scope["path_params"]["project_id"], address_of(scope), principal)
        counter = RoundCounter(self._state.interfaces, self._interface, _project_of(principal))
        observers = (counter, *observers_of(scope))
        await connections.serve(
            socket, self._mode.value, self._service, party, self._begin, observers
        )

    def _begin(self, now: float) -> SisConversation:
        session = self._state.settings.session
        return SisConversation(self._mode, session, _new_trace_id, now=now)

    async def _refuse(
        self, socket: AsgiSocket, scope: Scope, code: str, sentence: str, status: int
    ) -> None:
        self._state.statistics.turned_away[code] += 1
        project = _project_of(principal_of(scope))
        self._state.interfaces.count(self._interface, status, 0.0, project)
        await socket.refuse(status, body(scope, code, sentence))


def _project_of(principal: Principal | None) -> str:
    return "" if principal is None else principal.project_id


def _new_trace_id() -> str:
    return str(uuid.uuid4())
