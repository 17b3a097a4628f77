"""The application: paths → what answers them. One ASGI object, any server can carry it."""

from __future__ import annotations

import json

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

import rasr
from rasr.protocol.errors import ERROR_TABLE, ErrorCode
from rasr.protocol.modes import MODE_TRAITS, Mode
from rasr.server.connection import AsgiSocket
from rasr.server.house import House


def make_application(house: House) -> FastAPI:
    """The application that serves `house`."""
    app = FastAPI(title="rasr", version=rasr.__version__, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> Response:
        """New sessions are welcome. 503 while shutting down and while every seat is taken."""
        ready = not house.closing and house.seats.taken < house.seats.total
        status = "ready" if ready else "closing" if house.closing else "full"
        return JSONResponse(
            {
                "status": status,
                "connections": house.connections,
                "rounds": house.seats.taken,
                "max_rounds": house.seats.total,
                "languages": list(house.properties.languages),
            },
            200 if ready else 503,
        )

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return JSONResponse(_not_here(request.url.path), error.status_code)

    for mode, traits in MODE_TRAITS.items():
        for path in (traits.path, *traits.aliases):
            app.router.routes.append(_recognition(house, mode, f"/v1/{{project_id}}/{path}"))
    app.router.routes.append(WebSocketRoute("/{path:path}", _unknown_path))
    return app


def _recognition(house: House, mode: Mode, path: str) -> WebSocketRoute:
    async def endpoint(websocket: WebSocket) -> None:
        if house.full:
            await _refuse(
                websocket,
                ERROR_TABLE[ErrorCode.FULL].http_status,
                {
                    "error_code": ErrorCode.FULL,
                    "error_msg": f"the server is full: {house.connections} connections are open",
                },
            )
            return
        await websocket.accept()
        peer = websocket.client.host if websocket.client else "unknown"
        await house.serve(AsgiSocket(websocket), mode, peer)

    return WebSocketRoute(path, endpoint)


async def _unknown_path(websocket: WebSocket) -> None:
    await _refuse(websocket, 404, _not_here(websocket.url.path))


async def _refuse(websocket: WebSocket, status: int, body: dict[str, str]) -> None:
    """Answer a handshake with HTTP, as a gateway does."""
    response = Response(json.dumps(body), status, media_type="application/json")
    await websocket.send_denial_response(response)


def _not_here(path: str) -> dict[str, str]:
    paths = ", ".join(f"/v1/{{project_id}}/{traits.path}" for traits in MODE_TRAITS.values())
    return {
        # The gateway's code for a path or method that is not published.
        "error_code": "APIG.0101",
        "error_msg": f"nothing is served at {path[:120]!r}; websockets are at {paths}",
    }
