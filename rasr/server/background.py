"""What runs beside the sessions of a server: its history, the port of its metrics, its traces."""

from __future__ import annotations

from functools import partial
from typing import Self

from starlette.types import ASGIApp

from rasr.server.ops.dismissal import Dismissal
from rasr.server.ops.live import live_numbers
from rasr.server.ops.metrics import Exposition
from rasr.server.ops.metrics_port import MetricsPort, metrics_port
from rasr.server.ops.tracing import Tracing, tracing
from rasr.server.replicas import Replicas
from rasr.server.state import ServerState


class Background:
    """One server's. Started and stopped with it, before the store is closed."""

    def __init__(
        self, state: ServerState, traces: Tracing | None, port: MetricsPort | None
    ) -> None:
        self._state = state
        self._tracing = traces
        self.replicas = Replicas(
            state.settings.replicas,
            state.store,
            state.connections.rounds,
            state.admission,
            state.channels,
            state.neighbours,
            partial(live_numbers, state),
        )
        self._dismissal = Dismissal(
            state.connections, state.authenticator.directory, state.authenticator.clock
        )
        self.metrics_port = port
        """None: metrics have none of their own."""

    @classmethod
    async def start(cls, state: ServerState) -> Self:
        """Start it.

        Raises:
            StartError: the settings do not allow it.
        """
        traces = tracing(state.settings.tracing)
        port = metrics_port(state.settings, Exposition(state))
        if port is not None:
            await port.start()
        state.history.start()
        started = cls(state, traces, port)
        started._dismissal.start()
        await started.replicas.start()
        return started

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application of the server, with what has to see all of its calls."""
        return app if self._tracing is None else self._tracing.around(app)

    async def stop(self) -> None:
        """Stop it."""
        await self.replicas.stop()
        await self._dismissal.stop()
        if self.metrics_port is not None:
            await self.metrics_port.stop()
        await self._state.history.stop()
        if self._tracing is not None:
            await self._tracing.stop()
