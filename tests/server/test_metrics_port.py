"""`/metrics` on a port of its own, and with a token of its own."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from rasr.server.errors import StartError
from rasr.server.listener import listen
from rasr.server.ops.metrics import Exposition
from rasr.server.ops.metrics_port import MetricsPort, metrics_port
from rasr.server.service import Service
from tests.identity.memory_directory import MemoryDirectory
from tests.processes import LONG_S
from tests.server.auth.conftest import accounts, web_of
from tests.server.conftest import fake_settings

TOKEN = "of-the-collector-é"
Headers = list[tuple[bytes, bytes]]
FAR: Headers = [(b"x-forwarded-for", b"203.0.113.7")]


def bearer(token: str) -> Headers:
    return [(b"authorization", f"Bearer {token}".strip().encode())]


@asynccontextmanager
async def port_of(service: Service, token: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A client of a port that is open beside the service's."""
    port = MetricsPort(listen("127.0.0.1", 0), Exposition(service.state), token)
    await port.start()
    url = f"http://127.0.0.1:{port.port}"
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=LONG_S) as web:
            yield web
    finally:
        await port.stop()


async def test_it_has_the_numbers_and_nothing_else(service: Service) -> None:
    async with port_of(service) as web:
        answer = await web.get("/metrics")
        assert answer.status_code == 200
        assert "rasr_sessions " in answer.text
        assert answer.headers["content-type"].startswith("text/plain")
        assert (await web.head("/metrics")).status_code == 200
        for method, path in (("GET", "/"), ("GET", "/sessions"), ("POST", "/metrics")):
            refused = await web.request(method, path)
            assert (refused.status_code, refused.json()["error_code"]) == (404, "APIG.0101")
        with pytest.raises(InvalidStatus, match="404"):
            async with connect(str(web.base_url).replace("http", "ws", 1), proxy=None):
                pass


async def test_with_a_token_it_answers_nobody_else(service: Service) -> None:
    async with port_of(service, TOKEN) as web:
        for headers in ([], bearer("x"), bearer(""), [(b"authorization", TOKEN.encode())]):
            refused = await web.get("/metrics", headers=headers)
            assert (refused.status_code, refused.json()["error_code"]) == (401, "APIG.0301")
            assert refused.headers["www-authenticate"] == "Bearer"
            assert TOKEN not in refused.text
        assert (await web.get("/metrics", headers=bearer(TOKEN))).status_code == 200


async def test_the_token_is_good_at_the_port_of_the_server_too() -> None:
    settings = fake_settings(metrics={"token": TOKEN})
    async with Service(settings, accounts()) as service, web_of(service) as web:
        assert (await web.get("/metrics", headers=FAR)).status_code == 401
        assert (await web.get("/metrics", headers=FAR + bearer("x"))).status_code == 401
        answer = await web.get("/metrics", headers=FAR + bearer(TOKEN))
        assert answer.status_code == 200
        # It is good for nothing else.
        assert (await web.get("/v1/p/asr/vocabularies", headers=bearer(TOKEN))).status_code == 401


async def test_no_token_is_no_way_in() -> None:
    async with Service(fake_settings(), accounts()) as service, web_of(service) as web:
        for token in ("", "x"):
            answer = await web.get("/metrics", headers=FAR + bearer(token))
            assert answer.status_code == 401


async def test_the_settings_open_the_port_and_the_server_closes_it() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = fake_settings(metrics={"port": port})
    async with Service(settings, MemoryDirectory()) as service:
        opened = service.background
        assert opened is not None
        assert opened.metrics_port is not None
        assert opened.metrics_port.port == port
        async with httpx.AsyncClient(trust_env=False, timeout=LONG_S) as web:
            answer = await web.get(f"http://127.0.0.1:{port}/metrics")
        assert answer.status_code == 200
    assert service.background is None
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port)).close()


async def test_a_port_that_is_taken_is_named_by_its_setting(service: Service) -> None:
    taken = int(service.url.rpartition(":")[2])
    with pytest.raises(StartError, match=r"choose another metrics\.port"):
        async with Service(fake_settings(metrics={"port": taken})):
            pass


@pytest.mark.parametrize(
    "sections",
    [
        {"metrics": {"token": TOKEN}},
        {"auth": {"open_metrics": True}},
        {"auth": {"kind": "none"}},
        {"metrics": {"host": "127.0.0.1"}},
        {},
    ],
)
async def test_other_machines_read_it_where_somebody_has_said_so(
    service: Service, monkeypatch: pytest.MonkeyPatch, sections: dict[str, dict[str, object]]
) -> None:
    monkeypatch.setattr(
        "rasr.server.ops.metrics_port.listen", lambda host, port, section: listen(host, 0, section)
    )
    metrics: dict[str, object] = {"port": 9, "host": "0.0.0.0"}
    settings = fake_settings(**sections | {"metrics": metrics | sections.get("metrics", {})})
    exposition = Exposition(service.state)
    if not sections:
        with pytest.raises(StartError, match=r"set metrics\.token"):
            metrics_port(settings, exposition)
        return
    port = metrics_port(settings, exposition)
    assert port is not None
    await port.stop()
