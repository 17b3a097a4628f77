"""The calls that send a recording to the server, for jobs: one begins, one brings a part, and one
forgets it all where no job came of it.

They are ours: SIS takes recordings from URLs alone.
"""

from __future__ import annotations

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from rasr.server.http.interface import Interface, SisRequest, add_interface
from rasr.server.jobs.sent import MOST_PART_BYTES, part_number, url_of
from rasr.server.jobs.uploads import Uploads
from rasr.server.origins import OriginRule
from rasr.server.state import ServerState
from rasr.wire.sis.errors import ErrorCode, ProtocolError

_ALL = "/v1/{project_id}/asr/transcriber/uploads"
_ONE = f"{_ALL}/{{upload_id}}"
_PART = f"{_ONE}/{{part}}"


def add_uploads(app: FastAPI, state: ServerState, origins: OriginRule) -> None:
    """Serve the calls."""
    calls = _Calls(state.uploads)
    add_interface(app, state, origins, Interface("POST", _ALL), calls.begin)
    most = ProtocolError(
        ErrorCode.FILE_TOO_LARGE, f"a part has {MOST_PART_BYTES} bytes at most; send more of them"
    )
    part = Interface("PUT", _PART, MOST_PART_BYTES, most)
    add_interface(app, state, origins, part, calls.put)
    add_interface(app, state, origins, Interface("DELETE", _ONE), calls.forget)


class _Calls:
    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def begin(self, request: SisRequest) -> Response:
        upload_id = await self._uploads.begin(request.project_id)
        told = {
            "upload_id": upload_id,
            "data_url": url_of(upload_id),
            "most_part_bytes": MOST_PART_BYTES,
        }
        return JSONResponse(told, 201, headers={"cache-control": "no-store"})

    async def put(self, request: SisRequest) -> Response:
        part = part_number(request.path["part"])
        if not request.body:
            raise ProtocolError(ErrorCode.INVALID, "the part is empty")
        await self._uploads.put(request.project_id, request.path["upload_id"], part, request.body)
        return Response(status_code=204)

    async def forget(self, request: SisRequest) -> Response:
        await self._uploads.forget(request.project_id, request.path["upload_id"])
        return Response(status_code=204)
