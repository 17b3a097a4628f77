"""Traces of OpenTelemetry: a span for each request and each websocket of an interface, and for each
round on it. None has text, audio or a secret in it.

Spans are sent by a thread, from a queue that has a bound: where the collector is away or slow they
are dropped, and nobody waits.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import requests
import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import rasr
from rasr.runtime.statistics import RecognitionOver
from rasr.server.auth.call import error_code_of, principal_of, request_id_of
from rasr.server.auth.paths import WEBSOCKET, Place, place_of
from rasr.server.ops.rounds import observe, status_of
from rasr.settings import TracingSettings

_log = structlog.get_logger("rasr.tracing")

_QUEUE = 2048
"""Spans that wait to be sent; of more the oldest are dropped."""
_BATCH = 256
_DELAY_MS = 2000.0
_TIMEOUT_S = 5.0
_LAST_WORD_S = 1.0
_MOST_ANSWERED = 64 << 10
"""Bytes of an answer of the collector that are read: what it says in it is nowhere used."""
_PROPAGATED = ("traceparent", "tracestate")


class OpenTelemetry:
    """See `rasr.server.ops.tracing.Tracing`."""

    def __init__(self, settings: TracingSettings) -> None:
        resource = Resource.create(
            {"service.name": settings.service, "service.version": rasr.__version__}
        )
        self._provider = TracerProvider(
            # Whoever has decided that his own call is traced wants to see ours.
            sampler=ParentBased(TraceIdRatioBased(settings.sampling)),
            resource=resource,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor(settings))
        self._tracer = self._provider.get_tracer("rasr", rasr.__version__)

    def around(self, app: ASGIApp) -> ASGIApp:
        """See the protocol."""
        return _Traced(app, self._tracer)

    async def stop(self) -> None:
        """See the protocol."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def work() -> None:
            self._provider.shutdown()
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:
                pass  # It took too long, and nobody waits any more.

        # A daemon: a collector that hangs must not keep the process.
        threading.Thread(target=work, name="last-traces", daemon=True).start()
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                await done.wait()
        except TimeoutError:
            _log.warning("traces_lost", why="the collector did not take them in time")


def processor(settings: TracingSettings) -> SpanProcessor:
    """What sends spans to the collector."""
    # It has a traceback for each try; ours says it once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    endpoint = f"{settings.endpoint.rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=_TIMEOUT_S, session=_Reserved())
    return BatchSpanProcessor(_Noticed(exporter), _QUEUE, _DELAY_MS, _BATCH)


class _Reserved(requests.Session):
    """Takes no more of an answer than its beginning, and waits for no more: one without an end
    would fill the memory."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = super().send(request, **options | {"stream": True})
        with response:
            said = response.raw.read1(_MOST_ANSWERED)
        response.raw = BytesIO(said)
        return response


class _Noticed(SpanExporter):
    """An exporter whose faults are said once, until it works again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._works = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        works = result is SpanExportResult.SUCCESS
        if works != self._works:
            self._works = works
            if works:
                _log.info("traces_sent_again")
            else:
                _log.warning("traces_not_sent", why="the collector does not take them")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class _Traced:
    """ASGI application around another one: a span for each call of an interface."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_websocket = scope["type"] == "websocket"
        method = WEBSOCKET if is_websocket else scope.get("method", "")
        place = place_of(method, scope["path"]) if scope["type"] in ("http", "websocket") else None
        if place is None or place.right is None:
            await self._app(scope, receive, send)
            return
        span = self._tracer.start_span(
            f"{method} {place.path}",
            context=_context_of(scope),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": "GET" if is_websocket else method,
                "http.route": place.path,
            },
        )
        if is_websocket:
            observe(scope, _Rounds(self._tracer, span, place, scope))
        status: list[int] = []

        async def noting_send(message: Message) -> None:
            match message["type"]:
                case "http.response.start" | "websocket.http.response.start":
                    status.append(message["status"])
                case "websocket.accept":
                    status.append(101)
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        finally:
            _end(span, place, scope, status[0] if status else None)


class _Rounds:
    """A span for each round of a websocket. See `rasr.runtime.statistics.RecognitionObserver`."""

    def __init__(self, tracer: Tracer, connection: Span, place: Place, scope: Scope) -> None:
        self._tracer = tracer
        self._connection = connection
        self._place = place
        self._scope = scope

    def recognition_over(self, over: RecognitionOver) -> None:
        now_ns = time.time_ns()
        status = status_of(over.reason)
        attributes: dict[str, AttributeValue] = {
            "sis.code": over.reason,
            "sis.trace_id": over.trace_id,
            "sis.engine": over.engine,
            "sis.audio_s": round(over.audio_s, 3),
            "sis.delay_s": round(over.delay_s, 3),
            **_whose(self._place, self._scope),
        }
        if status is not None:
            attributes["sis.status"] = status
        span = self._tracer.start_span(
            "round",
            context=set_span_in_context(self._connection, Context()),
            attributes=attributes,
            start_time=now_ns - round((over.closed_at - over.opened_at) * 1e9),
        )
        if status is not None and status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(now_ns)

    def recognition_refused(self, code: str, now: float) -> None:
        self._connection.add_event("refused", {"sis.code": code})


def _context_of(scope: Scope) -> Context:
    """What the caller says of his own trace."""
    carrier: dict[str, str] = {}
    for name, value in scope["headers"]:
        text = name.decode("latin-1")
        if text in _PROPAGATED:
            carrier[text] = value.decode("latin-1")
    return TraceContextTextMapPropagator().extract(carrier, Context())


def _whose(place: Place, scope: Scope) -> dict[str, AttributeValue]:
    principal = principal_of(scope)
    found: dict[str, AttributeValue] = {}
    if principal is not None:
        found["sis.project"] = principal.project_id
    if place.right is not None and place.right.interface:
        found["sis.interface"] = place.right.interface
    return found


def _end(span: Span, place: Place, scope: Scope, status: int | None) -> None:
    span.set_attributes(_whose(place, scope))
    span.set_attribute("sis.request_id", request_id_of(scope))
    if code := error_code_of(scope):
        span.set_attribute("sis.code", code)
    if status is not None:
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
    span.end()
