"""The door: an ASGI application before the server's own, which lets in whom the authenticator does.

Every answer behind it carries the id of its request.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rasr.identity.directory import DirectoryUnavailable
from rasr.identity.signatures import canonical_query
from rasr.server.auth import answers
from rasr.server.auth.answers import Refused
from rasr.server.auth.authenticator import Admitted, Authenticator
from rasr.server.auth.bodies import PeerGone, set_body
from rasr.server.auth.call import Call, request_id_of, set_principal
from rasr.server.auth.credentials import without_ticket
from rasr.server.auth.paths import place_of
from rasr.server.auth.preflight import preflight_answer, shared_headers
from rasr.server.origins import OriginRule
from rasr.server.ws.socket import AsgiSocket

_log = structlog.get_logger("rasr.auth")

_STARTS = ("http.response.start", "websocket.http.response.start")


class CountCall(Protocol):
    """`rasr.server.ops.interfaces.InterfaceStatistics.count`."""

    def __call__(self, interface: str, status: int, delay_s: float, project: str = "") -> None:
        """A call is over."""


class Door:
    """One for a server."""

    def __init__(
        self,
        app: ASGIApp,
        authenticator: Authenticator,
        origins: OriginRule,
        turned_away: Counter[str],
        count_call: CountCall,
    ) -> None:
        """
        Args:
            origins: whose pages may ask.
            turned_away: counts the codes with which handshakes are refused.
            count_call: is told of the calls of interfaces that are refused.
        """
        self._app = app
        self._authenticator = authenticator
        self._origins = origins
        self._turned_away = turned_away
        self._count_call = count_call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a call in, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        call = Call.of(scope)
        send = _with_id(scope, send)
        preflight = preflight_answer(call, scope, self._origins)
        if preflight is not None:
            await preflight(scope, receive, send)
            return
        try:
            admitted = await self._admitted(call, receive)
        except Refused as refused:
            await self._refuse(call, refused, scope, receive, send)
            return
        except PeerGone:
            return
        if admitted is None:
            await self._app(scope, receive, send)
            return
        set_principal(scope, admitted.principal)
        if admitted.is_signed:
            scope["query_string"] = canonical_query(scope["query_string"])
        if call.is_websocket:
            scope["query_string"] = without_ticket(scope["query_string"])
        if admitted.body is None:
            await self._app(scope, receive, send)
            return
        set_body(scope, admitted.body)
        try:
            await self._app(scope, admitted.body.replayed(receive), send)
        finally:
            admitted.body.let_go()

    async def _admitted(self, call: Call, receive: Receive) -> Admitted | None:
        """Who comes in; None where nobody is asked."""
        place = place_of(call.method, call.path)
        if place is not None and place.right is None:
            return None
        authenticator = self._authenticator
        authenticator.check_address(call.address)
        try:
            if not await authenticator.asks():
                return None
            if place is None or place.right is None:
                raise Refused(
                    404,
                    answers.NOT_HERE,
                    f"nothing is served at {call.path[:120]!r} by {call.method[:20]}",
                    "no path",
                )
            if place.right.is_for_metrics and authenticator.may_read_metrics(call):
                return None
            return await authenticator.admit(call, place, place.right, receive)
        except DirectoryUnavailable as error:
            raise answers.store_down(error) from None

    async def _refuse(
        self, call: Call, refused: Refused, scope: Scope, receive: Receive, send: Send
    ) -> None:
        log = _log.error if refused.status >= 500 else _log.info
        log(
            "caller_refused",
            request=call.id,
            peer=call.address,
            method=call.method,
            path=call.path[:120],
            status=refused.status,
            code=refused.code,
            why=refused.reason,
        )
        place = place_of(call.method, call.path)
        if place is not None and place.right is not None and place.right.interface:
            self._count_call(place.right.interface, refused.status, 0.0, refused.project_id)
        if call.is_websocket:
            self._turned_away[refused.code] += 1
            body = answers.body(scope, refused.code, refused.sentence)
            await AsgiSocket(scope, receive, send).refuse(refused.status, body, refused.headers)
            return
        headers = {**refused.headers, **shared_headers(call, scope, self._origins)}
        answer = answers.answer(scope, refused.status, refused.code, refused.sentence, headers)
        await answer(scope, receive, send)


def _with_id(scope: Scope, send: Send) -> Send:
    header = (b"x-request-id", request_id_of(scope).encode())

    async def send_with_id(message: Message) -> None:
        if message["type"] in _STARTS:
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await send(message)

    return send_with_id
