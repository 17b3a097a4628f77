"""Who is connected and how they fare: `/sessions`, for who runs the server, which `rasr top` shows;
`/v1/{project_id}/sessions`, of one project, for who has the right to it.

They tell addresses, so whoever is not asked who he is gets an answer on this machine alone, and no
web page of another name that leads here. They never tell what was said: no audio, no text, no hot
words.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial

from fastapi import FastAPI, Request, Response

import rasr
from rasr.runtime.statistics import RateMeter, SessionStatistics
from rasr.scheduling import Scheduler
from rasr.server.auth.answers import NOT_ALLOWED, Refused, answer
from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.ops.health import occupancy
from rasr.server.ops.live import live_report
from rasr.server.origins import OriginRule, host_of, is_loopback_name
from rasr.server.state import ServerState

_AT_ONCE = 200
"""Sessions that are written in one go."""


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
    """Recognitions of unbroken speech; None where it was not calibrated."""


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
    """Seconds of audio that came in a second, of late."""
    speech_ratio: float | None
    """Audio that was decoded against audio that came."""
    backlog_s: float
    last_final_s: float | None
    p95_final_s: float | None
    """Both from the endpoint to the final; the second of the newest hundred."""
    partials_replaced: int


class Observer:
    """Looks at a server. How busy an engine is of late it knows from when it looked before."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        now = asyncio.get_running_loop().time()
        self._began = now
        self._busy = {
            name: RateMeter(now, scheduler.statistics.busy_s)
            for name, scheduler in state.schedulers.items()
        }

    def report(self, now: float) -> dict[str, object]:
        """Everything but the sessions, as JSON has it."""
        state = self._state
        full = occupancy(state)
        return {
            "version": rasr.__version__,
            "uptime_s": round(now - self._began, 1),
            "connections": state.connections.count,
            "max_connections": state.settings.server.max_connections,
            **asdict(full),
            "ready": full.ready,
            "engines": [
                asdict(self._engine(name, scheduler, now))
                for name, scheduler in state.schedulers.items()
            ],
            "live": live_report(state),
            "jobs": None if state.jobs.numbers is None else asdict(state.jobs.numbers),
        }

    def _engine(self, name: str, scheduler: Scheduler, now: float) -> EngineReport:
        statistics, busy = scheduler.statistics, self._busy[name]
        capacity = self._state.capacities.get(name)
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
            carries=None if capacity is None else capacity.recognitions(1.0),
        )


def _session(session: SessionStatistics, now: float) -> SessionReport:
    audio_s = session.audio_s
    finals = sorted(session.finals_s)
    return SessionReport(
        id=session.number,
        peer=session.peer,
        mode=session.mode,
        state=session.state,
        property=session.model,
        engine=session.engine or None,
        trace_id=session.trace_id,
        age_s=round(now - session.opened_at, 1),
        rounds=session.recognitions,
        audio_s=round(audio_s, 1),
        rate=round(session.audio.rate(now, audio_s), 2),
        speech_ratio=round(session.speech_s / audio_s, 2) if audio_s else None,
        backlog_s=round(session.backlog_s, 2),
        last_final_s=round(session.finals_s[-1], 3) if finals else None,
        p95_final_s=round(finals[-(-len(finals) * 95 // 100) - 1], 3) if finals else None,
        partials_replaced=session.partials_replaced,
    )


def add_sessions(app: FastAPI, state: ServerState) -> None:
    """Serve `/sessions`."""
    observer = Observer(state)

    @app.get("/sessions")
    async def sessions(request: Request) -> Response:
        """All sessions, for this machine."""
        peer = request.client.host if request.client else ""
        refusal = _refusal("/sessions", peer, request.headers.get("host", ""))
        if refusal is not None:
            return answer(request.scope, 403, NOT_ALLOWED, refusal)
        now = asyncio.get_running_loop().time()
        return await _answer(observer.report(now), state.connections.statistics, now)


def add_project_sessions(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve `/v1/{project_id}/sessions`."""
    interface = Interface("GET", "/v1/{project_id}/sessions", most_bytes=4 << 10)
    add_interface(app, state, origins, interface, partial(_of_project, state))


async def _of_project(state: ServerState, request: SisRequest) -> Response:
    """The sessions of the caller's project; where nobody is asked, of all: projects keep nobody
    apart there."""
    if request.principal is None:
        why = _refusal("this call", request.party.address, request.host)
        if why is not None:
            raise Refused(403, NOT_ALLOWED, why, "sessions of an open server")
    now = asyncio.get_running_loop().time()
    shown = [
        one
        for one in state.connections.statistics
        if request.principal is None or one.project == request.project_id
    ]
    told: dict[str, object] = {"project_id": request.project_id, "live": live_report(state)}
    return await _answer(told, shown, now)


async def _answer(
    told: dict[str, object], sessions: Iterable[SessionStatistics], now: float
) -> Response:
    """What is told, and the sessions. There may be thousands, and others speak meanwhile."""
    listed = sorted(sessions, key=lambda one: one.number)
    parts = []
    for begin in range(0, len(listed), _AT_ONCE):
        part = [asdict(_session(one, now)) for one in listed[begin : begin + _AT_ONCE]]
        parts.append(json.dumps(part)[1:-1])
        await asyncio.sleep(0)
    content = f'{json.dumps(told)[:-1]}, "sessions": [{",".join(parts)}]}}'
    return Response(content, media_type="application/json", headers={"cache-control": "no-store"})


def _refusal(what: str, peer: str, host: str) -> str | None:
    """Why a request that shows no credentials is not answered, if so.

    Args:
        host: what the header says.
    """
    if not is_loopback_name(peer):
        return f"{what} answers this machine alone; the request came from {peer or 'nowhere'}"
    # A page may have its own name lead to 127.0.0.1, and would then read what is for us.
    name = host_of(f"//{host}") or ""
    if not is_loopback_name(name):
        return (
            f"{what} answers this machine by its own names alone, such as 127.0.0.1; the "
            f"request was for {name[:120]!r}"
        )
    return None
