"""TLS: https and wss, with the bounds that hold without; forwarded headers; a certificate anew."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from cryptography import x509
from websockets.asyncio.client import connect

import rasr.asgi
from rasr.asgi.addresses import Proxies, client_address
from rasr.cli import main
from rasr.server.certificate import LIFE, own_names, self_signed
from rasr.server.errors import StartError
from rasr.server.service import Service
from tests.asgi.served import LIMITS, App, served
from tests.processes import LONG_S
from tests.server.conftest import fake_settings
from tests.server.sdk import PROJECT

NAMES = ("localhost", "127.0.0.1", "::1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a certificate and its key."""
    self_signed(NAMES, datetime.now(UTC)).write(tmp_path)
    return tmp_path


def tls_settings(folder: Path, **server: object) -> dict[str, object]:
    files = {"tls_cert": str(folder / "rasr-cert.pem"), "tls_key": str(folder / "rasr-key.pem")}
    return {"port": 0, "drain_s": 5.0} | files | server


def trusting(folder: Path) -> ssl.SSLContext:
    """A client that trusts this certificate."""
    return ssl.create_default_context(cafile=str(folder / "rasr-cert.pem"))


def port_of(service: Service) -> int:
    return int(service.url.rpartition(":")[2])


async def test_it_speaks_https_and_wss(folder: Path) -> None:
    async with Service(fake_settings(server=tls_settings(folder))) as service:
        assert service.url.startswith("wss://127.0.0.1:")
        assert service.url in service.ready_message
        trust = trusting(folder)
        base = service.url.replace("wss:", "https:")
        async with httpx.AsyncClient(
            base_url=base, verify=trust, trust_env=False, timeout=LONG_S
        ) as web:
            assert (await web.get("/healthz")).json() == {"status": "ok"}
            # More than is read or written at once, there and back.
            answer = await web.post("/subtitles/srt", content=bytes(1 << 20))
            assert answer.status_code == 400
        async with connect(
            f"{service.url}/v1/{PROJECT}/rasr/continue-stream", ssl=trust, proxy=None
        ) as ws:
            await ws.send('{"command": "END"}')
            assert "END came outside of a round" in str(await ws.recv())
        assert service.state.statistics.faults == 0


async def test_who_speaks_no_tls_is_not_answered(folder: Path) -> None:
    async with Service(fake_settings(server=tls_settings(folder))) as service:
        for words in (b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\0"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(service))
            writer.write(words)
            writer.write_eof()
            assert b"HTTP" not in await reader.read()
            writer.close()
        refused = service.state.statistics.requests_refused
        assert refused["no tls"] == 3
        assert service.state.statistics.faults == 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_versions_that_are_good(folder: Path, version: ssl.TLSVersion) -> None:
    trust = trusting(folder)
    trust.minimum_version = trust.maximum_version = version
    async with Service(fake_settings(server=tls_settings(folder))) as service:
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(service), ssl=trust)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() is None
        writer.close()


async def test_an_old_version_is_refused(folder: Path) -> None:
    trust = trusting(folder)
    trust.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        trust.minimum_version = trust.maximum_version = ssl.TLSVersion.TLSv1_1
    async with Service(fake_settings(server=tls_settings(folder))) as service:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", port_of(service), ssl=trust)


# Bounds, on a server that does nothing else


@asynccontextmanager
async def secured(
    folder: Path, limits: rasr.asgi.Limits = LIMITS
) -> AsyncIterator[tuple[rasr.asgi.Server, App, int]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "rasr-cert.pem", folder / "rasr-key.pem")
    async with served(limits, context) as one:
        yield one.server, one.app, one.port


async def test_a_handshake_that_does_not_come_is_over_in_its_time(folder: Path) -> None:
    async with secured(folder, replace(LIMITS, head_timeout_s=0.05)) as (server, _, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
        assert server.refusals["no tls"] == 1
        assert server.count == 0


async def test_peers_count_before_their_handshake(folder: Path) -> None:
    async with secured(folder, replace(LIMITS, connections_per_address=2)) as (server, _, port):
        peers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        reader, _ = peers[2]
        try:
            assert await reader.read() == b""
        except ConnectionResetError:
            pass
        assert server.count == 2
        assert server.refusals["too many requests"] == 1
        for _, writer in peers:
            writer.close()


async def test_a_peer_without_a_handshake_makes_room(folder: Path) -> None:
    async with secured(folder, replace(LIMITS, connections=1)) as (server, _, port):
        idle, idle_writer = await asyncio.open_connection("127.0.0.1", port)
        async with httpx.AsyncClient(
            verify=trusting(folder), trust_env=False, timeout=LONG_S
        ) as web:
            assert (await web.get(f"https://127.0.0.1:{port}/")).text == "ok"
        try:
            assert await idle.read() == b""
        except ConnectionResetError:
            pass
        idle_writer.close()
        assert server.refusals["made room"] == 1


async def test_who_leaves_in_the_middle_of_a_handshake_is_forgotten(folder: Path) -> None:
    async with secured(folder) as (server, _, port):
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"\x16\x03\x01\x02\x00\x01\x00")
            writer.transport.abort()
        async with asyncio.timeout(LONG_S):
            while server.count or server._tasks:  # noqa: ASYNC110, nobody tells
                await asyncio.sleep(0)
        assert server._by_address == {}


async def test_a_server_that_stops_ends_handshakes(folder: Path) -> None:
    async with secured(folder, replace(LIMITS, head_timeout_s=60.0)) as (server, _, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(LONG_S):
            while not server.count:  # noqa: ASYNC110, nobody tells
                await asyncio.sleep(0)
            await server.stop(0.0)
        writer.close()
        assert server.count == 0


async def test_the_application_is_told_that_it_is_https(folder: Path) -> None:
    async with secured(folder) as (_, app, port):
        async with httpx.AsyncClient(
            verify=trusting(folder), trust_env=False, timeout=LONG_S
        ) as web:
            await web.get(f"https://127.0.0.1:{port}/")
            # A proxy on this machine knows better what the client speaks.
            await web.get(f"https://127.0.0.1:{port}/", headers={"x-forwarded-proto": "http"})
        assert [scope["scheme"] for scope in app.scopes] == ["https", "http"]


# The certificate


def serial_of(port: int) -> int:
    pem = ssl.get_server_certificate(("127.0.0.1", port))
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


async def test_the_certificate_is_read_anew(folder: Path) -> None:
    async with Service(fake_settings(server=tls_settings(folder))) as service:
        port = port_of(service)
        before = await asyncio.to_thread(serial_of, port)
        self_signed(NAMES, datetime.now(UTC)).write(folder, force=True)
        assert await asyncio.to_thread(serial_of, port) == before
        service.reload_tls()
        after = await asyncio.to_thread(serial_of, port)
        assert after != before
        # One that cannot be used leaves the last one.
        (folder / "rasr-key.pem").write_text("no key")
        with pytest.raises(StartError, match="no certificate and its private key"):
            service.reload_tls()
        assert await asyncio.to_thread(serial_of, port) == after


async def test_a_process_reads_it_anew_at_sighup(folder: Path, tmp_path: Path) -> None:
    """The process runs on another event loop than the tests."""
    config = tmp_path / "rasr.toml"
    config.write_text('[engines.fake]\nkind = "fake"\n[properties]\nenglish = "fake"\n')
    files = ("--tls-cert", folder / "rasr-cert.pem", "--tls-key", folder / "rasr-key.pem")
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "rasr",
            "serve",
            "--port",
            "0",
            "--config",
            config,
            *files,
            "--log-format",
            "json",
        ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "RASR_CAPACITY__MAX_LOAD": "0"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = (await process.stdout.readline()).decode()
        assert line.startswith("Open https://localhost:")
        url = line.split()[-1]
        async with connect(
            f"{url}/v1/{PROJECT}/rasr/continue-stream", ssl=trusting(folder), proxy=None
        ) as ws:
            await ws.send('{"command": "END"}')
            assert "END came outside of a round" in str(await ws.recv())
        port = int(url.rpartition(":")[2])
        before = await asyncio.to_thread(serial_of, port)
        self_signed(NAMES, datetime.now(UTC)).write(folder, force=True)
        process.send_signal(signal.SIGHUP)
        while b"tls_reloaded" not in (said := await process.stderr.readline()):
            assert said, "it ended"
        assert await asyncio.to_thread(serial_of, port) != before
    finally:
        process.send_signal(signal.SIGTERM)
        _, logs = await process.communicate()
    assert process.returncode == 0, logs
    assert b"task_failed" not in logs


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"tls_key": ""}, r"server\.tls_key is empty; with server\.tls_cert it is needed too"),
        ({"tls_cert": ""}, r"server\.tls_cert is empty"),
        ({"tls_cert": "/none/such"}, r"server\.tls_cert: /none/such cannot be read: No such file"),
        ({"tls_key": "cert"}, "no certificate and its private key"),
        ({"tls_cert": "key"}, "no certificate and its private key"),
    ],
)
async def test_what_cannot_be_used_is_told(
    folder: Path, changed: dict[str, str], told: str
) -> None:
    files = {name: str(folder / f"rasr-{name}.pem") for name in ("cert", "key")}
    server = tls_settings(folder) | {key: files.get(name, name) for key, name in changed.items()}
    with pytest.raises(StartError, match=told):
        async with Service(fake_settings(server=server)):
            pass


def test_a_self_signed_certificate_is_for_this_machine(tmp_path: Path) -> None:
    run = CliRunner().invoke(
        main, ["tls", "self-signed", "--folder", str(tmp_path), "--name", "asr.lan"]
    )
    assert run.exit_code == 0, run.output
    cert, key = tmp_path / "rasr-cert.pem", tmp_path / "rasr-key.pem"
    assert f"rasr serve --tls-cert {cert} --tls-key {key}" in run.output
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    read = x509.load_pem_x509_certificate(cert.read_bytes())
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    told = {str(one.value) for one in names}
    assert told == {*own_names(), "asr.lan"}
    assert {"localhost", "127.0.0.1", "::1"} <= told
    assert read.not_valid_after_utc - read.not_valid_before_utc == LIFE + timedelta(minutes=5)


def test_a_certificate_that_is_there_is_kept(tmp_path: Path) -> None:
    command = ["tls", "self-signed", "--folder", str(tmp_path)]
    assert CliRunner().invoke(main, command).exit_code == 0
    before = (tmp_path / "rasr-key.pem").read_bytes()
    again = CliRunner().invoke(main, command)
    assert again.exit_code == 1
    assert "--force replaces it" in again.output
    assert (tmp_path / "rasr-key.pem").read_bytes() == before
    assert CliRunner().invoke(main, [*command, "--force"]).exit_code == 0
    assert (tmp_path / "rasr-key.pem").read_bytes() != before


@pytest.mark.parametrize("name", ["", "a b", "名字"])
def test_what_is_no_name_is_told(tmp_path: Path, name: str) -> None:
    run = CliRunner().invoke(
        main, ["tls", "self-signed", "--folder", str(tmp_path), "--name", name]
    )
    assert run.exit_code == 1
    assert "no name of a machine" in run.output
    assert list(tmp_path.iterdir()) == []


# Behind a proxy


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "1.2.3.4, 203.0.113.9, 10.0.0.6", "203.0.113.9"),
        ("::ffff:10.0.0.5", "203.0.113.9", "203.0.113.9"),
        ("2001:db8::7", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.5", "10.0.0.8, 10.0.0.9", "10.0.0.8"),
        # Who is not trusted says what he likes.
        ("11.0.0.5", "203.0.113.9", "11.0.0.5"),
        ("127.0.0.1", "203.0.113.9", "127.0.0.1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_proxies_that_are_trusted_say_who_asks(peer: str, forwarded: str, address: str) -> None:
    proxies = Proxies(["10.0.0.0/8", "2001:db8::7"])
    headers = [(b"x-forwarded-for", forwarded.encode())]
    assert client_address(peer, headers, proxies) == address


async def test_without_proxies_nobody_is_believed() -> None:
    settings = fake_settings(server={"trusted_proxies": ()}, auth={"requests_per_address": 0.1})
    async with Service(settings) as service:
        base = service.url.replace("ws:", "http:")
        async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=LONG_S) as web:
            statuses = [
                (await web.post("/v1/p/tickets", headers={"x-forwarded-for": address})).status_code
                for address in ("203.0.113.1", "203.0.113.2")
            ]
    assert statuses == [404, 429]


async def test_a_proxy_that_is_no_address_is_told() -> None:
    settings = fake_settings(server={"trusted_proxies": ("proxy.lan",)})
    with pytest.raises(StartError, match=r"server\.trusted_proxies: 'proxy\.lan' is no address"):
        async with Service(settings):
            pass
