"""The application: paths → what answers them. One ASGI object, any server can carry it."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

import rasr
from rasr.recognition.config import EngineChoice
from rasr.server.auth.answers import NOT_HERE, answer, body
from rasr.server.auth.tickets import add_tickets
from rasr.server.engines import PropertyTable
from rasr.server.http.captions import add_captions
from rasr.server.http.described.document import add_openapi
from rasr.server.http.flash import add_flash
from rasr.server.http.jobs import add_jobs
from rasr.server.http.keys import add_keys
from rasr.server.http.languages import add_languages
from rasr.server.http.monitoring import add_monitoring
from rasr.server.http.nothing_page import nothing_page, wants_page
from rasr.server.http.pages import PAGE_HEADERS, add_pages
from rasr.server.http.short_audio import add_short_audio
from rasr.server.http.speech import add_speech
from rasr.server.http.subtitles import add_subtitles
from rasr.server.http.templates import preferred_language
from rasr.server.http.uploads import add_uploads
from rasr.server.http.usage import add_usage
from rasr.server.http.vocabularies import add_vocabularies
from rasr.server.http.voices import add_voices
from rasr.server.ops.health import add_health
from rasr.server.ops.metrics import add_metrics
from rasr.server.ops.sessions import add_project_sessions, add_sessions
from rasr.server.state import ServerState
from rasr.server.ws.sis import add_sis
from rasr.server.ws.socket import AsgiSocket
from rasr.server.ws.speaking import REAL_TIME_SYNTHESIS, add_real_time_synthesis
from rasr.wire.sis.modes import MODE_TRAITS, Mode
from rasr.wire.sis.properties import Property


def make_application(state: ServerState) -> FastAPI:
    """The application that serves `state`."""
    app = FastAPI(title="rasr", version=rasr.__version__, openapi_url=None)
    server = state.settings.server
    origins = state.origins
    add_health(app, state)

    @app.get("/properties")
    async def properties(request: Request) -> Response:
        """What START's `property` may be here, for programs that let a person choose."""
        known = _named(state.properties)
        listed = [
            {
                "property": one.name,
                "language": one.language,
                "sample_rate": one.sample_rate,
                "model": " + ".join(engine.names),
                "hot_words": engine.of_finals.hot_words,
                "word_times": engine.of_finals.word_times or state.aligns(one.language),
            }
            for one, engine in known
        ]
        told = {
            "version": rasr.__version__,
            "sign_in": await state.authenticator.sign_in(),
            "diarization": state.settings.recordings.has_voice_models,
            "properties": listed,
        }
        return JSONResponse(told, headers=origins.shared_with(request.headers))

    add_languages(app, state.properties, state.at_hand, origins)
    add_openapi(app, origins)
    add_pages(app)
    add_metrics(app, state)
    add_sessions(app, state)
    add_captions(
        app,
        state.captions,
        state.channels,
        state.connections.rounds.replica,
        origins,
        server.send_timeout_s,
    )
    add_subtitles(app, origins, lambda: state.connections.closing)
    add_short_audio(app, state, origins)
    add_flash(app, state, origins)
    add_speech(app, state, origins)
    add_voices(app, state, origins)
    add_jobs(app, state, origins)
    add_uploads(app, state, origins)
    add_usage(app, state, origins)
    add_keys(app, state, origins)
    add_project_sessions(app, state, origins)
    add_monitoring(app, state, origins)
    add_tickets(app, state.authenticator)
    add_vocabularies(app, state, origins)
    directory = state.authenticator.directory
    if directory is not None:
        # What checks passwords is imported where there are any.
        from rasr.server.auth.tokens import add_tokens

        add_tokens(app, state.authenticator, directory)

    template = (files("rasr") / "web" / "nothing.html").read_text("utf-8")

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path, status = request.url.path, error.status_code
        sentence = _not_here(path)
        if status == 405 and path.startswith("/v1/"):
            # To the gateway of SIS a path that has not this method is no path.
            status, sentence = 404, f"{request.method} is not served at {path[:120]!r}"
        varying = {"vary": "accept, accept-language"}
        if not wants_page(request.headers.get("accept", "")):
            return answer(request.scope, status, NOT_HERE, sentence, varying)
        language = preferred_language(request.headers.get("accept-language", ""))
        page = nothing_page(template, path, status, language)
        return HTMLResponse(page, status, headers={**PAGE_HEADERS, **varying})

    for route in app.router.routes:
        if isinstance(route, APIRoute) and route.methods and "GET" in route.methods:
            # As of every other path; the server leaves the body out.
            route.methods.add("HEAD")
    add_sis(app, state, origins)
    add_real_time_synthesis(app, state, origins)
    app.router.routes.append(WebSocketRoute("/{path:path}", _UnknownPath()))
    return app


def _named(properties: PropertyTable) -> list[tuple[Property, EngineChoice]]:
    """For each entry the property that a person would choose, and its engine.

    An entry that leaves the rate open is asked for 16 kHz, one that leaves the domain open for the
    common one.
    """
    found: dict[str, tuple[Property, EngineChoice]] = {}
    for key in properties.engines:
        for rest in ("", "_common", "_16k_common"):
            named = Property.parse(key + rest)
            if named is None:
                continue
            engine = properties.choose(named.name, named.language, named.sample_rate)
            if engine is not None:
                found[named.name] = named, engine
    return [found[name] for name in sorted(found)]


class _UnknownPath:
    """ASGI application of websockets at any other path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = body(scope, NOT_HERE, _not_here(scope["path"]))
        await AsgiSocket(scope, receive, send).refuse(404, told)


def _not_here(path: str) -> str:
    if path.rstrip("/") == "/captions":
        return "add the name of a channel, as in /captions/stage"
    known = [*(traits.path for traits in MODE_TRAITS.values()), REAL_TIME_SYNTHESIS]
    if path.startswith("/v1/") and path.endswith(tuple(f"/{one}" for one in known)):
        sentence = f"{path[:120]!r} is the address of a websocket: open it with ws:// or wss://"
        posted = path.endswith(f"/{MODE_TRAITS[Mode.ONE_SENTENCE].path}")
        return f"{sentence}, or send a recording with POST" if posted else sentence
    paths = ", ".join(f"/v1/{{project_id}}/{one}" for one in known)
    return f"nothing is served at {path[:120]!r}; websockets are at {paths}"
