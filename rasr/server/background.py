"""What runs beside the sessions of a server: its history, and the port of its metrics."""

from __future__ import annotations

from typing import Self

from rasr.server.ops.metrics import Exposition
from rasr.server.ops.metrics_port import MetricsPort, metrics_port
from rasr.server.state import ServerState


class Background:
    """One server's. Started and stopped with it, before the store is closed."""

    def __init__(self, state: ServerState, port: MetricsPort | None) -> None:
        self._state = state
        self.metrics_port = port
        """None: metrics have none of their own."""

    @classmethod
    async def start(cls, state: ServerState) -> Self:
        """Start it.

        Raises:
            StartError: the settings do not allow it.
        """
        port = metrics_port(state.settings, Exposition(state))
        if port is not None:
            await port.start()
        state.history.start()
        return cls(state, port)

    async def stop(self) -> None:
        """Stop it."""
        if self.metrics_port is not None:
            await self.metrics_port.stop()
        await self._state.history.stop()
