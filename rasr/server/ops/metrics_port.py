"""`/metrics` on a port of its own, which is not meant for those who use the server."""

from __future__ import annotations

import socket

from fastapi import Response
from starlette.types import Receive, Scope, Send

import rasr.asgi
from rasr.server.auth import answers
from rasr.server.auth.call import Call
from rasr.server.auth.credentials import shows
from rasr.server.errors import StartError
from rasr.server.listener import is_loopback, listen
from rasr.server.ops.metrics import Exposition
from rasr.server.ws.socket import AsgiSocket
from rasr.settings import Settings

_PATH = "/metrics"
_NOT_HERE = f"nothing but GET {_PATH} is served at this port"
_CONNECTIONS = 32
_GRACE_S = 0.5


class MetricsPort:
    """It is open while it is started."""

    def __init__(self, listener: socket.socket, exposition: Exposition, token: str) -> None:
        """
        Args:
            listener: is bound.
            token: that callers have to show; empty: none.
        """
        self._listener = listener
        self._exposition = exposition
        self._token = token
        self._server = rasr.asgi.Server(self._answer, rasr.asgi.Limits(connections=_CONNECTIONS))

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    async def start(self) -> None:
        """Answer from now on."""
        await self._server.start(self._listener)

    async def stop(self) -> None:
        """Answer no more."""
        await self._server.stop(_GRACE_S)
        self._listener.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._response(Call.of(scope), scope)(scope, receive, send)
        elif scope["type"] == "websocket":
            told = answers.body(scope, answers.NOT_HERE, _NOT_HERE)
            await AsgiSocket(scope, receive, send).refuse(404, told)

    def _response(self, call: Call, scope: Scope) -> Response:
        if self._token and not shows(call, self._token):
            sentence = "needed: metrics.token of the settings, as Authorization: Bearer …"
            challenge = {"www-authenticate": "Bearer"}
            return answers.answer(scope, 401, answers.NOT_KNOWN, sentence, challenge)
        if call.path != _PATH or call.method not in ("GET", "HEAD"):
            return answers.answer(scope, 404, answers.NOT_HERE, _NOT_HERE)
        return self._exposition.answer()


def metrics_port(settings: Settings, exposition: Exposition) -> MetricsPort | None:
    """The port of its own that the settings name, if they do.

    Raises:
        StartError: it cannot be listened on, or would tell other machines what they may not know.
    """
    metrics = settings.metrics
    if not metrics.port:
        return None
    listener = listen(metrics.host, metrics.port, "metrics")
    is_open = settings.auth.open_metrics or settings.auth.kind == "none"
    if not (is_loopback(listener) or metrics.token or is_open):
        listener.close()
        raise StartError(
            f"metrics.host: {metrics.host} can be reached from other machines, and anybody there "
            "would read the numbers; set metrics.token, listen on 127.0.0.1, or set "
            "auth.open_metrics if that is what you want"
        )
    return MetricsPort(listener, exposition, metrics.token)
