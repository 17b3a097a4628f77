"""The websockets of recognition: their paths, their conversation."""

from __future__ import annotations

import uuid
from functools import partial

from fastapi import FastAPI
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

from rasr.server.auth.paths import interface_of
from rasr.server.origins import OriginRule
from rasr.server.state import ServerState
from rasr.server.ws.handshake import Handshake
from rasr.server.ws.passing import pass_on
from rasr.server.ws.socket import AsgiSocket
from rasr.usage.services import Service
from rasr.wire.sis.conversation import SisConversation
from rasr.wire.sis.modes import MODE_TRAITS, Mode
from rasr.wire.sis.resuming import ResumeOffers


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
        self._handshake = Handshake(state, origins, interface_of(mode))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = AsgiSocket(scope, receive, send)
        admitted = await self._handshake.shake(socket, scope, may_come_back=True)
        if admitted is not None:
            party, observers = admitted
            await self._state.connections.serve(
                socket,
                self._mode,
                self._service,
                party,
                self._begin,
                observers,
                partial(
                    pass_on,
                    self._state.connections.rounds,
                    scope,
                    socket,
                    send_timeout_s=self._state.settings.server.send_timeout_s,
                ),
            )

    def _begin(self, now: float) -> SisConversation:
        session = self._state.settings.session
        rounds = self._state.connections.rounds
        offers = ResumeOffers(rounds.new_token, rounds.grace_s) if rounds.grace_s else None
        return SisConversation(self._mode, session, _new_trace_id, now=now, offers=offers)


def _new_trace_id() -> str:
    return str(uuid.uuid4())
