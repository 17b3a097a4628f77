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
    without_worker: tuple[str, ...]
    """Engines that hear people live and of which no worker can decode now."""
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
    without_worker = _without_worker(state)
    full = admission.refusal(now)
    return Occupancy(
        rounds=admission.recognitions,
        max_rounds=admission.rules.recognitions or None,
        load=round(admission.load(now), 3) if admission.rules.max_load else None,
        max_load=admission.rules.max_load or None,
        status=_status(state, full, without_worker),
        without_worker=without_worker,
        bound=None if full is None else full.bound,
    )


def _without_worker(state: ServerState) -> tuple[str, ...]:
    # An engine of finals alone is not among them: the live engine's finals stand without it.
    live = {engine.name for engine in state.properties.engines.values()}
    return tuple(sorted(name for name in live if not state.schedulers[name].workers_up))


def _status(state: ServerState, full: Refused | None, without_worker: tuple[str, ...]) -> str:
    if state.connections.closing:
        return "closing"
    if without_worker:
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
                "without_worker": list(now.without_worker),
            },
            200 if now.ready else 503,
        )
