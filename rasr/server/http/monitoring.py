"""`GET /v1/{project_id}/monitoring`: the four metrics of SIS by interface, over some time, and how
full the servers are now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from fastapi import FastAPI, Response

from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.ops.interfaces import InterfaceCount, Minutes
from rasr.server.ops.live import live_report
from rasr.server.origins import OriginRule
from rasr.server.state import ServerState
from rasr.wire.sis.errors import ErrorCode, ProtocolError

PERIODS_S = (60, 300, 3600, 86400)
"""Lengths of a period that may be asked for."""
MOST_PERIODS = 1440
"""Of one answer: a day by the minute, five days by five minutes. With eight interfaces that is
11,520 data points."""

_MINUTE_MS = 60_000
_LATEST_MS = 1 << 52
_AT_ONCE = 500
"""Data points that are written in one go: the interpreter has time for others between two."""


def add_monitoring(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve it. Who looks at the numbers is not counted in them."""

    async def answer(request: SisRequest) -> Response:
        since, until, period = _asked(request.query)
        project = None if request.principal is None else request.project_id
        found = await state.history.sums(project, since, until, period)
        live = json.dumps(live_report(state))
        content = await asyncio.to_thread(_written, found, period, live)
        return Response(
            content, media_type="application/json", headers={"cache-control": "no-store"}
        )

    add_interface(app, state, origins, Interface("GET", "/v1/{project_id}/monitoring"), answer)


def _asked(query: Mapping[str, str]) -> tuple[int, int, int]:
    """The first minute, the one behind the last, and the minutes of a period.

    Raises:
        ProtocolError: they are not well asked for.
    """
    since_ms, until_ms = _milliseconds(query, "from"), _milliseconds(query, "to")
    period_s = query.get("period", str(PERIODS_S[0]))
    if period_s not in map(str, PERIODS_S):
        allowed = ", ".join(map(str, PERIODS_S))
        raise ProtocolError(
            ErrorCode.INVALID, f"period is {period_s[:40]!r}; allowed: {allowed} (seconds)"
        )
    if since_ms >= until_ms:
        raise ProtocolError(
            ErrorCode.INVALID, f"from is {since_ms} and to is {until_ms}; from must be before to"
        )
    period = int(period_s) // 60
    since = since_ms // _MINUTE_MS
    since -= since % period
    until = -(-until_ms // _MINUTE_MS)
    periods = -(-(until - since) // period)
    if periods > MOST_PERIODS:
        raise ProtocolError(
            ErrorCode.INVALID,
            f"from, to and period ask for {periods} periods; allowed: {MOST_PERIODS}; take a "
            "longer period or less time",
        )
    return since, until, period


def _milliseconds(query: Mapping[str, str], name: str) -> int:
    text = query.get(name)
    needed = f"needed: milliseconds since 1970, 0 to {_LATEST_MS}"
    if text is None:
        raise ProtocolError(ErrorCode.INVALID, f"{name} is missing; {needed}")
    # Other digits than these, signs, blanks and underscores are numbers to Python too.
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= _LATEST_MS):
        raise ProtocolError(ErrorCode.INVALID, f"{name} is {text[:40]!r}; {needed}")
    return int(text)


def _written(found: Mapping[str, Minutes], period: int, live: str) -> bytes:
    interfaces = ",".join(
        f'{{"interface":{json.dumps(interface)},"datapoints":[{_points(minutes)}]}}'
        for interface, minutes in found.items()
    )
    return f'{{"period":{period * 60},"live":{live},"interfaces":[{interfaces}]}}'.encode()


def _points(minutes: Minutes) -> str:
    points = [_point(*one) for one in minutes.items()]
    parts = (points[begin : begin + _AT_ONCE] for begin in range(0, len(points), _AT_ONCE))
    return ",".join(json.dumps(part)[1:-1] for part in parts)


def _point(minute: int, count: InterfaceCount) -> dict[str, float | None]:
    return {
        "timestamp": minute * _MINUTE_MS,
        "successful_calls_of_service": count.successful,
        "api_calls_with_4xx_response": count.failed_4xx,
        "api_calls_with_5xx_response": count.failed_5xx,
        "average_delay": count.average_delay_ms,
    }
