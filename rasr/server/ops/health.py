"""Health and readiness, for balancers and supervisors."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from rasr.server.admission import Refused
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
    status: str
    """"ready", or why new recognitions are not welcome: "closing", "no worker", "full"."""
    bound: str | None
    """While it is full, the bound that the next recognition would be refused for."""

    @property
    def ready(self) -> bool:
        """New recognitions are welcome."""
        return self.status == "ready"


def occupancy(state: ServerState) -> Occupancy:
    """How full the server is now."""
    admission = state.admission
    now = asyncio.get_running_loop().time()
    full = admission.refusal(now)
    return Occupancy(
        rounds=admission.recognitions,
        max_rounds=admission.rules.recognitions or None,
        load=round(admission.load(now), 3) if admission.rules.max_load else None,
        max_load=admission.rules.max_load or None,
        status=_status(state, full),
        bound=None if full is None else full.bound,
    )


def _status(state: ServerState, full: Refused | None) -> str:
    if state.connections.closing:
        return "closing"
    if not any(scheduler.workers_up for scheduler in state.schedulers.values()):
        return "no worker"
    return "ready" if full is None else "full"


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
        return JSONResponse(
            {
                "status": now.status,
                "connections": state.connections.count,
                "rounds": now.rounds,
                "max_rounds": now.max_rounds,
                "load": now.load,
                "max_load": now.max_load,
                "bound": now.bound,
                "languages": list(state.properties.languages),
            },
            200 if now.ready else 503,
        )
