"""Health and readiness, for balancers and supervisors."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from rasr.server.state import ServerState


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How full the server is."""

    rounds: int
    max_rounds: int | None
    """None where no count bounds them."""
    load: float | None
    """Of the machine, 1.0 being all that it can do; None where it is not measured."""
    max_load: float | None
    ready: bool
    """New recognitions are welcome."""


def occupancy(state: ServerState) -> Occupancy:
    """How full the server is now."""
    admission = state.admission
    now = asyncio.get_running_loop().time()
    return Occupancy(
        rounds=admission.rounds,
        max_rounds=admission.rules.rounds or None,
        load=round(admission.load(now), 3) if admission.rules.max_load else None,
        max_load=admission.rules.max_load or None,
        ready=not state.connections.closing and not admission.full(now),
    )


def add_health(app: FastAPI, state: ServerState) -> None:
    """Serve `/healthz` and `/readyz`."""

    @app.get("/healthz")
    async def healthz() -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> Response:
        """New recognitions are welcome: 200. 503 while one more would be refused."""
        now = occupancy(state)
        closing = state.connections.closing
        status = "ready" if now.ready else "closing" if closing else "full"
        return JSONResponse(
            {
                "status": status,
                "connections": state.connections.count,
                "rounds": now.rounds,
                "max_rounds": now.max_rounds,
                "load": now.load,
                "max_load": now.max_load,
                "languages": list(state.properties.languages),
            },
            200 if now.ready else 503,
        )
