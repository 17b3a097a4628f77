"""`GET /v1/{project_id}/usage`: what a project has used, of which packages and quotas."""

from __future__ import annotations

import asyncio
import json
import time

from fastapi import FastAPI, Response

from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.origins import OriginRule
from rasr.server.state import ServerState
from rasr.store.usage_report import MOST_ROWS, TooMuch, UsageReport, usage_report
from rasr.usage.periods import BadDays, asked_days
from rasr.wire.sis.errors import ErrorCode, ProtocolError

USAGE = Interface("GET", "/v1/{project_id}/usage", most_bytes=1024)


def add_usage(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve it."""

    async def answer(request: SisRequest) -> Response:
        now = time.time()
        try:
            first, last = asked_days(request.query.get("from"), request.query.get("to"), now)
        except BadDays as error:
            raise ProtocolError(ErrorCode.INVALID, str(error)) from None
        store = None if state.store is None else await state.store.asked()
        report = UsageReport(request.project_id, first, last)
        if store is not None:
            # What has just ended is to be in it.
            await state.meter.caught_up()
            async with store.reading() as work:
                try:
                    report = await usage_report(work.usage, request.project_id, first, last, now)
                except TooMuch:
                    raise ProtocolError(
                        ErrorCode.INVALID,
                        f"'from' is invalid: the answer would have more than {MOST_ROWS} entries; "
                        "ask for fewer days",
                    ) from None
        # A long one takes its time.
        content = await asyncio.to_thread(_written, report)
        return Response(content, media_type="application/json")

    add_interface(app, state, origins, USAGE, answer)


def _written(report: UsageReport) -> bytes:
    return json.dumps(report.document(), ensure_ascii=False).encode()
