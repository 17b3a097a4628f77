"""The calls on jobs, which transcribe recordings of up to hours.

Source: SIS API reference, «recording file recognition». Two calls are ours: a list, and taking a
job back. What is told of a job beside SIS's keys stands in docs/recordings.md.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.jobs.sent import check_name
from rasr.server.jobs.told import answer_of, described
from rasr.server.origins import OriginRule
from rasr.server.state import ServerState
from rasr.usage.services import Service
from rasr.wire.dialect import Refusal
from rasr.wire.sis.faults import invalid
from rasr.wire.sis.recordings import read_recording_request
from rasr.wire.sis.request import access_request, fault_of

_ALL = "/v1/{project_id}/asr/transcriber/jobs"
_ONE = f"{_ALL}/{{job_id}}"
_HEADERS = {"cache-control": "no-store"}
_LIMITS = range(1, 1001)
_OFFSETS = range(1_000_001)
_WHOLE = re.compile(r"[0-9]{1,7}")


def add_jobs(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve the calls."""
    calls = _Calls(state)
    handlers: dict[tuple[str, str], Callable[[SisRequest], Awaitable[Response]]] = {
        ("POST", _ALL): calls.submit,
        ("GET", _ALL): calls.list,
        ("GET", _ONE): calls.show,
        ("DELETE", _ONE): calls.take_back,
    }
    for (method, path), handler in handlers.items():
        add_interface(app, state, origins, Interface(method, path), handler)


class _Calls:
    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._jobs = state.jobs

    async def submit(self, request: SisRequest) -> Response:
        document = request.document()
        wanted = read_recording_request(document)
        await self._state.meter.check(request.principal, Service.RECORDINGS)
        # Whoever asks for what is not here is told now, and not when his turn comes.
        answer = await self._state.authoriser.authorise(
            request.party, access_request(wanted.config, needs_slot=False)
        )
        if isinstance(answer, Refusal):
            raise fault_of(answer, wanted.config)
        answer.close()
        record = await self._jobs.submit(
            request.project_id, request.principal, wanted, document["config"]
        )
        return JSONResponse({"job_id": record.id}, headers=_HEADERS)

    async def show(self, request: SisRequest) -> Response:
        record, segments, outlook = await self._jobs.find(
            request.project_id, request.path["job_id"]
        )
        has_failed = record.error_code is not None
        told = answer_of(
            record,
            segments if not record.is_open and not has_failed else None,
            outlook,
            request_id=request.id if has_failed else None,
        )
        status = 400 if has_failed else 200
        return Response(told, status, media_type="application/json", headers=_HEADERS)

    async def list(self, request: SisRequest) -> Response:
        limit = _number(request, "limit", 20, _LIMITS)
        offset = _number(request, "offset", 0, _OFFSETS)
        mark = request.query.get("mark")
        if mark is not None:
            check_name("mark", mark)
        count, records = await self._jobs.listed(request.project_id, limit, offset, mark)
        listed = [
            {"job_id": one.id}
            | {name: value for name, value in described(one, None).items() if value is not None}
            | ({"marks": marks} if marks else {})
            for one, marks in records
        ]
        return JSONResponse({"count": count, "jobs": listed}, headers=_HEADERS)

    async def take_back(self, request: SisRequest) -> Response:
        await self._jobs.take_back(request.project_id, request.path["job_id"])
        return Response(status_code=204)


def _number(request: SisRequest, name: str, default: int, allowed: range) -> int:
    raw = request.query.get(name)
    if raw is None:
        return default
    if _WHOLE.fullmatch(raw) is None or int(raw) not in allowed:
        raise invalid(name, raw, f"a whole number from {allowed[0]} to {allowed[-1]}")
    return int(raw)
