"""The application: paths → what answers them. One ASGI object, any server can carry it."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

import rasr
from rasr.server.admission import Party
from rasr.server.house import House
from rasr.server.http.captions import add_captions
from rasr.server.http.origins import OriginRule, refusal
from rasr.server.http.pages import add_pages
from rasr.server.http.subtitles import add_subtitles
from rasr.server.ops.metrics import add_metrics
from rasr.server.ops.sessions import add_sessions, occupancy
from rasr.server.ws.socket import AsgiSocket
from rasr.wire.sis.errors import ERROR_TABLE, ErrorCode
from rasr.wire.sis.modes import MODE_TRAITS, Mode


def make_application(house: House) -> FastAPI:
    """The application that serves `house`."""
    app = FastAPI(title="rasr", version=rasr.__version__, openapi_url=None)
    server = house.settings.server
    origins = OriginRule.of(
        server.allowed_origins, names_are_ours=house.settings.auth.kind == "none"
    )

    @app.get("/healthz")
    async def healthz() -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> Response:
        """New rounds are welcome. 503 while shutting down and while one more would be refused."""
        now = occupancy(house)
        status = "ready" if now.ready else "closing" if house.closing else "full"
        return JSONResponse(
            {
                "status": status,
                "connections": house.connections,
                "rounds": now.rounds,
                "max_rounds": now.max_rounds,
                "load": now.load,
                "max_load": now.max_load,
                "languages": list(house.properties.languages),
            },
            200 if now.ready else 503,
        )

    @app.get("/properties")
    async def properties(request: Request) -> Response:
        """What START's `property` may be here, for programs that let a person choose."""
        known = house.properties.named()
        listed = [
            {
                "property": one.name,
                "language": one.language,
                "sample_rate": one.sample_rate,
                "hot_words": engine.hot_words,
            }
            for one, engine in known
        ]
        headers = {"cache-control": "no-store", "vary": "origin"}
        origin = request.headers.get("origin")
        if origin is not None and origins.admits(request.headers):
            headers["access-control-allow-origin"] = origin
        return JSONResponse({"version": rasr.__version__, "properties": listed}, headers=headers)

    add_pages(app)
    add_metrics(app, house)
    add_sessions(app, house)
    add_captions(app, house.captions, origins, server.send_timeout_s)
    add_subtitles(app, origins)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return JSONResponse(_not_here(request.url.path), error.status_code)

    for mode, traits in MODE_TRAITS.items():
        for path in (traits.path, *traits.aliases):
            route = WebSocketRoute(f"/v1/{{project_id}}/{path}", _Recognition(house, mode, origins))
            app.router.routes.append(route)
    app.router.routes.append(WebSocketRoute("/{path:path}", _UnknownPath()))
    return app


class _Recognition:
    """ASGI application of one mode's websockets."""

    def __init__(self, house: House, mode: Mode, origins: OriginRule) -> None:
        self._house = house
        self._mode = mode
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = AsgiSocket(scope, receive, send)
        house = self._house
        headers = Headers(scope=scope)
        if not self._origins.admits(headers):
            # The gateway's code for somebody who may not use what is there.
            body = {"error_code": "APIG.0302", "error_msg": refusal(headers)}
            house.ledger.turned_away[body["error_code"]] += 1
            await socket.refuse(403, body)
            return
        if house.full:
            sentence = f"the server is full: {house.connections} connections are open"
            body = {"error_code": str(ErrorCode.FULL), "error_msg": sentence}
            house.ledger.turned_away[body["error_code"]] += 1
            await socket.refuse(ERROR_TABLE[ErrorCode.FULL].http_status, body)
            return
        await socket.accept()
        client = scope.get("client")
        party = Party(scope["path_params"]["project_id"], client[0] if client else "unknown")
        await house.serve(socket, self._mode, party)


class _UnknownPath:
    """ASGI application of websockets at any other path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await AsgiSocket(scope, receive, send).refuse(404, _not_here(scope["path"]))


def _not_here(path: str) -> dict[str, str]:
    paths = ", ".join(f"/v1/{{project_id}}/{traits.path}" for traits in MODE_TRAITS.values())
    return {
        # The gateway's code for a path or method that is not published.
        "error_code": "APIG.0101",
        "error_msg": f"nothing is served at {path[:120]!r}; websockets are at {paths}",
    }
