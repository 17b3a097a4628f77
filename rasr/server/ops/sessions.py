"""`/sessions`: who is connected and how they fare, for who runs the server; `rasr top` shows it.

It tells addresses, so it answers this machine alone, and no web page of another name that leads
here. It never tells what was said: no sound, no text, no hot words.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

import rasr
from rasr.scheduling import Scheduler
from rasr.server.house import House
from rasr.server.http.origins import host_of, is_loopback_name
from rasr.session.driver import Driver
from rasr.session.vitals import Marks
from rasr.wire.sis.properties import Property


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
    """New rounds are welcome."""


def occupancy(house: House) -> Occupancy:
    """Now."""
    admission = house.admission
    now = asyncio.get_running_loop().time()
    return Occupancy(
        rounds=admission.rounds,
        max_rounds=admission.rules.rounds or None,
        load=round(admission.load(now), 3) if admission.rules.max_load else None,
        max_load=admission.rules.max_load or None,
        ready=not house.closing and not admission.full(now),
    )


@dataclass(frozen=True, slots=True)
class EngineReport:
    """One engine, now."""

    engine: str
    model: str
    streams: int
    open_jobs: int
    waiting_jobs: int
    oldest_ready_s: float
    busy_share: float
    """Of its slots, of late."""
    overload_level: int
    """0 while steps begin in time."""
    carries: int | None
    """Rounds of unbroken speech; None where it was not calibrated."""


@dataclass(frozen=True, slots=True)
class SessionReport:
    """One session, now."""

    id: int
    peer: str
    mode: str
    state: str
    property: str
    engine: str | None
    trace_id: str
    age_s: float
    rounds: int
    audio_s: float
    rate: float
    """Seconds of sound that came in a second, of late."""
    speech_ratio: float | None
    """Sound that was decoded against sound that came."""
    backlog_s: float
    last_final_s: float | None
    p95_final_s: float | None
    """Both from the endpoint to the final; the second of the newest hundred."""
    partials_replaced: int


class Observer:
    """Looks at a house. How busy an engine is of late it knows from when it looked before."""

    def __init__(self, house: House) -> None:
        self._house = house
        now = asyncio.get_running_loop().time()
        self._began = now
        self._busy = {
            name: Marks(now, scheduler.statistics.busy_s)
            for name, scheduler in house.schedulers.items()
        }

    def report(self, now: float) -> dict[str, object]:
        """Everything, as JSON has it."""
        house = self._house
        return {
            "version": rasr.__version__,
            "uptime_s": round(now - self._began, 1),
            "connections": house.connections,
            "max_connections": house.settings.server.max_connections,
            **asdict(occupancy(house)),
            "engines": [
                asdict(self._engine(name, scheduler, now))
                for name, scheduler in house.schedulers.items()
            ],
            "sessions": [
                asdict(_session(house, driver, now))
                for driver in sorted(house.drivers, key=lambda one: one.vitals.number)
            ],
        }

    def _engine(self, name: str, scheduler: Scheduler, now: float) -> EngineReport:
        statistics, busy = scheduler.statistics, self._busy[name]
        capacity = self._house.capacities.get(name)
        share = busy.rate(now, statistics.busy_s) / scheduler.slots
        busy.note(now, statistics.busy_s)
        return EngineReport(
            engine=name,
            model=scheduler.capabilities.name,
            streams=scheduler.streams,
            open_jobs=statistics.open_tasks,
            waiting_jobs=statistics.waiting_tasks,
            oldest_ready_s=round(scheduler.oldest_ready_s(), 3),
            busy_share=round(share, 3),
            overload_level=scheduler.overload_level,
            carries=None if capacity is None else capacity.streams(1.0),
        )


def _session(house: House, driver: Driver, now: float) -> SessionReport:
    vitals, audio_s = driver.vitals, driver.audio_s
    wanted = Property.parse(vitals.property_name)
    engine = None if wanted is None else house.properties.choose(wanted)
    finals = sorted(vitals.finals_s)
    return SessionReport(
        id=vitals.number,
        peer=vitals.peer,
        mode=vitals.mode,
        state=vitals.state,
        property=vitals.property_name,
        engine=None if engine is None else engine.name,
        trace_id=vitals.trace_id,
        age_s=round(now - vitals.opened_at, 1),
        rounds=driver.summary.rounds,
        audio_s=round(audio_s, 1),
        rate=round(vitals.audio.rate(now, audio_s), 2),
        speech_ratio=round(driver.speech_s / audio_s, 2) if audio_s else None,
        backlog_s=round(driver.backlog_s, 2),
        last_final_s=round(vitals.finals_s[-1], 3) if finals else None,
        p95_final_s=round(finals[-(-len(finals) * 95 // 100) - 1], 3) if finals else None,
        partials_replaced=driver.partials_replaced,
    )


def add_sessions(app: FastAPI, house: House) -> None:
    """`/sessions`."""
    observer = Observer(house)

    @app.get("/sessions")
    async def sessions(request: Request) -> Response:
        """All sessions, for this machine."""
        refusal = _refusal(request)
        if refusal is not None:
            return JSONResponse({"error_code": "APIG.0302", "error_msg": refusal}, 403)
        now = asyncio.get_running_loop().time()
        return JSONResponse(observer.report(now), headers={"cache-control": "no-store"})


def _refusal(request: Request) -> str | None:
    """Why this request is not answered, if so."""
    peer = request.client.host if request.client else ""
    if not is_loopback_name(peer):
        return f"/sessions answers this machine alone; the request came from {peer or 'nowhere'}"
    # A page may have its own name lead to 127.0.0.1, and would then read what is for us.
    host = host_of(f"//{request.headers.get('host', '')}") or ""
    if not is_loopback_name(host):
        return (
            f"/sessions answers this machine by its own names alone, such as 127.0.0.1; the "
            f"request was for {host[:120]!r}"
        )
    return None
