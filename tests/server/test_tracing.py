"""Traces: which spans there are, what is in them and what is not, and what they cost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rasr.identity.directory import Token
from rasr.identity.tokens import digest, new_token
from rasr.server.errors import StartError
from rasr.server.ops import open_telemetry
from rasr.server.ops.open_telemetry import OpenTelemetry
from rasr.server.service import Service
from rasr.settings import Settings, TracingSettings
from tests.identity.signing import AK, PROJECT, SK
from tests.processes import LONG_S
from tests.server.audio import quiet, voiced
from tests.server.auth.conftest import ALICE, HOME, Place, accounts, web_of
from tests.server.conftest import fake_settings
from tests.server.sdk import SdkClient

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
STREAM = "/v1/{project_id}/rasr/continue-stream"
MONITORING = f"/v1/{PROJECT}/monitoring"


def settings(endpoint: str = "http://127.0.0.1:1", **tracing: object) -> Settings:
    return fake_settings(tracing={"endpoint": endpoint, **tracing})


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What a server sends, at once."""
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(open_telemetry, "processor", lambda _: SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
async def traced(spans: InMemorySpanExporter) -> AsyncIterator[Place]:
    """A server with accounts whose calls are traced."""
    directory = accounts()
    async with Service(settings(), directory) as service, web_of(service) as web:
        yield Place(service, directory, web)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_request_is_a_span_with_interface_project_and_status(
    traced: Place, spans: InMemorySpanExporter
) -> None:
    path = f"/v1/{PROJECT}/asr/vocabularies/some-id"
    answer = await traced.signer.send("PUT", path, b'{"name": "Thornvik"}')
    (span,) = spans.get_finished_spans()
    assert span.name == "PUT /v1/{project_id}/asr/vocabularies/{id}"
    assert attributes(span) == {
        "http.request.method": "PUT",
        "http.route": "/v1/{project_id}/asr/vocabularies/{id}",
        "http.response.status_code": answer.status_code,
        "sis.interface": "vocabularies",
        "sis.project": PROJECT,
        "sis.request_id": answer.headers["x-request-id"],
        "sis.code": answer.json()["error_code"],
    }
    assert span.status.is_unset
    said = span.to_json()
    for secret in ("Thornvik", "some-id", AK, SK):
        assert secret not in said
    resource = dict(span.resource.attributes)
    assert (resource["service.name"], "service.version" in resource) == ("rasr", True)


async def test_one_that_is_refused_at_the_door_is_a_span_too(
    traced: Place, spans: InMemorySpanExporter
) -> None:
    await traced.web.get(MONITORING)
    traced.directory.is_down = True
    await traced.signer.send("GET", MONITORING)
    refused, failed = spans.get_finished_spans()
    assert attributes(refused)["http.response.status_code"] == 401
    assert attributes(refused)["sis.code"] == "APIG.0301"
    assert "sis.project" not in attributes(refused)
    assert refused.status.is_unset
    assert attributes(failed)["sis.code"] == "SIS.0001"
    assert not failed.status.is_ok
    assert not failed.status.is_unset


async def test_pages_and_what_asks_nobody_are_no_spans(
    traced: Place, spans: InMemorySpanExporter
) -> None:
    for path in ("/", "/healthz", "/nowhere"):
        await traced.web.get(path)
    assert spans.get_finished_spans() == ()


async def test_rounds_are_spans_within_that_of_their_websocket(
    spans: InMemorySpanExporter,
) -> None:
    async with Service(settings()) as service:
        async with SdkClient(service.url) as client:
            await client.start(user_words=["Thornvik"])
            await client.audio(quiet(300) + voiced(1000) + quiet(700))
            await client.end()
            await client.start()
            await client.end()
            await client.text('{"command": "START", "config": {}}')
            await client.until("ERROR")
            text = client.text_of_finals
            trace_ids = [one["trace_id"] for one in client.messages if one["resp_type"] == "START"]
        await service.state.connections.quiet()
    first, second, connection = spans.get_finished_spans()
    assert connection.name == f"WEBSOCKET {STREAM}"
    assert attributes(connection)["http.response.status_code"] == 101
    assert attributes(connection)["sis.interface"] == "real-time-continue"
    (event,) = connection.events
    assert (event.name, dict(event.attributes or {})) == ("refused", {"sis.code": "SIS.0032"})
    assert [one.name for one in (first, second)] == ["round", "round"]
    for one, trace_id in zip((first, second), trace_ids, strict=True):
        assert one.parent is not None
        assert connection.context is not None
        assert one.parent.span_id == connection.context.span_id
        assert attributes(one)["sis.trace_id"] == trace_id
    told = attributes(first)
    assert (told["sis.code"], told["sis.status"], told["sis.engine"]) == ("NORMAL", 200, "fake")
    assert told["sis.audio_s"] == 2.0
    assert told["sis.interface"] == "real-time-continue"
    assert first.start_time is not None
    assert first.end_time is not None
    assert connection.start_time is not None
    assert connection.start_time <= first.start_time < first.end_time
    assert text
    for span in (first, second, connection):
        for secret in ("Thornvik", *text.split()):
            assert secret not in span.to_json()


async def test_a_handshake_that_is_refused_and_its_token_that_is_not_told(
    traced: Place, spans: InMemorySpanExporter
) -> None:
    url = f"{traced.service.url}/v1/{PROJECT}/rasr/continue-stream?ticket=a-secret-ticket"
    with pytest.raises(InvalidStatus):
        async with connect(url, proxy=None, additional_headers={"X-Auth-Token": "a-secret-token"}):
            pass
    (span,) = spans.get_finished_spans()
    assert attributes(span)["http.response.status_code"] == 401
    assert "secret" not in span.to_json()


async def test_the_project_of_a_round_is_that_of_its_caller(
    traced: Place, spans: InMemorySpanExporter
) -> None:
    import rasr.client

    token = new_token()
    traced.directory.tokens[digest(token)] = Token(digest(token), ALICE, HOME, 0.0, 4e9)
    options = rasr.client.Options.of("english_16k_common", project_id=PROJECT, token=token)
    async with rasr.client.connect(traced.service.url, options) as session:
        await session.end()
        async for _ in session:
            pass
    await traced.service.state.connections.quiet()
    assert [attributes(one)["sis.project"] for one in spans.get_finished_spans()] == [PROJECT] * 2


@pytest.mark.parametrize(("flag", "count"), [("01", 1), ("00", 0)])
async def test_the_trace_of_the_caller_goes_on(
    traced: Place, spans: InMemorySpanExporter, flag: str, count: int
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-{flag}"}
    await traced.web.get(MONITORING, headers=headers)
    found = spans.get_finished_spans()
    assert len(found) == count
    for one in found:
        assert one.parent is not None
        assert one.context is not None
        assert (f"{one.context.trace_id:032x}", f"{one.parent.span_id:016x}") == (TRACE, PARENT)


@pytest.mark.parametrize("header", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", "x" * 5000, "é"])
async def test_a_trace_that_is_none_begins_a_new_one(
    traced: Place, spans: InMemorySpanExporter, header: str
) -> None:
    answer = await traced.web.get(MONITORING, headers=[(b"traceparent", header.encode())])
    assert answer.status_code == 401
    (span,) = spans.get_finished_spans()
    assert span.parent is None


async def test_as_many_are_traced_as_the_settings_say(spans: InMemorySpanExporter) -> None:
    async with Service(settings(sampling=0.0)) as service, web_of(service) as web:
        await web.get(MONITORING)
        assert spans.get_finished_spans() == ()
        traced = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        await web.get(MONITORING, headers=traced)
    assert len(spans.get_finished_spans()) == 1


# Collectors


@dataclass
class Collector:
    """Takes what is sent to it."""

    url: str = ""
    requests: list[tuple[str, ExportTraceServiceRequest]] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    taken: int = 0
    """Bytes of a long answer that somebody took."""
    is_over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def collector(answer: int = 0) -> Iterator[Collector]:
    """
    Args:
        answer: bytes of the answer to each request.
    """
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.requests.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()
            found.came.set()
            with suppress(OSError):
                while found.taken < answer:
                    found.taken += self.wfile.write(bytes(1 << 20))
            found.is_over.set()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_real_collector_gets_them_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # The server is stopped at once, and its last word is what this is about.
    monkeypatch.setattr(open_telemetry, "_LAST_WORD_S", LONG_S)
    with collector() as taken:
        async with Service(settings(f"{taken.url}/", service="speech-1")) as service:
            async with web_of(service) as web:
                await web.get(MONITORING)
        assert await asyncio.to_thread(taken.came.wait, LONG_S)
    path, request = taken.requests[0]
    assert path == "/v1/traces"
    (of_resource,) = request.resource_spans
    names = {one.key: one.value.string_value for one in of_resource.resource.attributes}
    assert names["service.name"] == "speech-1"
    (of_scope,) = of_resource.scope_spans
    assert [one.name for one in of_scope.spans] == ["GET /v1/{project_id}/monitoring"]


async def test_one_that_answers_without_an_end_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # The server is stopped at once, and its last word is what this is about.
    monkeypatch.setattr(open_telemetry, "_LAST_WORD_S", LONG_S)
    long = 256 << 20
    with collector(answer=long) as taken:
        async with Service(settings(taken.url)) as service:
            async with web_of(service) as web:
                await web.get(MONITORING)
        assert await asyncio.to_thread(taken.is_over.wait, LONG_S)
    assert taken.taken < long


async def test_a_collector_that_is_away_costs_nobody_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with Service(settings("http://127.0.0.1:1")) as service:
        async with SdkClient(service.url) as client:
            await client.start()
            await client.end()
        assert [one["resp_type"] for one in client.messages] == ["START", "END"]


class Failing(SpanExporter):
    """Takes nothing while it is told to."""

    works = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS if self.works else SpanExportResult.FAILURE


def test_that_it_is_away_is_said_once_and_that_it_is_back() -> None:
    failing = Failing()
    noticed = open_telemetry._Noticed(failing)
    with capture_logs() as lines:
        for works in (False, False, True, True, False):
            failing.works = works
            noticed.export([])
    assert [one["event"] for one in lines] == [
        "traces_not_sent",
        "traces_sent_again",
        "traces_not_sent",
    ]


async def test_one_that_hangs_does_not_keep_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_go = threading.Event()

    class Hanging(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            let_go.wait()
            return SpanExportResult.SUCCESS

        def shutdown(self) -> None:
            let_go.wait()

    monkeypatch.setattr(open_telemetry, "processor", lambda _: SimpleSpanProcessor(Hanging()))
    monkeypatch.setattr(open_telemetry, "_LAST_WORD_S", 0.05)
    with capture_logs() as lines:
        await OpenTelemetry(TracingSettings(endpoint="http://127.0.0.1:1")).stop()
    assert [one["event"] for one in lines] == ["traces_lost"]
    let_go.set()


# Settings


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:4318", "ftp://host", "http://", "http://host:port", "http://[::1"]
)
async def test_what_is_no_address_of_a_collector_is_said(endpoint: str) -> None:
    with pytest.raises(StartError, match=r"tracing\.endpoint: .* is no address of a collector"):
        async with Service(settings(endpoint)):
            pass


async def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "rasr.server.ops.open_telemetry")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(StartError, match=r"pip install 'rasr\[otel\]'"):
        async with Service(settings()):
            pass


def test_nothing_of_it_is_loaded_where_nothing_is_traced() -> None:
    code = (
        "import sys\n"
        "import rasr.server.serve\n"
        "from rasr.server.ops.tracing import tracing\n"
        "from rasr.settings import TracingSettings\n"
        "assert tracing(TracingSettings()) is None\n"
        # FastAPI looks whether its interfaces are there, which is little.
        "heavy = ('opentelemetry.sdk', 'opentelemetry.exporter', 'opentelemetry.proto')\n"
        "print([name for name in sys.modules if name.startswith(heavy)])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
