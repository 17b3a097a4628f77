"""What stands in deploy/ works: the unit of systemd, and recognition through Caddy and nginx.

Each test needs the program that its file is for, and is skipped where it is not installed.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from rasr.configuration import load
from tests.browser.server import ThreadServer
from tests.docs.commands import check
from tests.docs.pages import ROOT
from tests.docs.programs import needed
from tests.processes import LONG_S
from tests.server.audio import quiet, voiced
from tools.ports import free_port

DEPLOY = ROOT / "deploy"
NAME = "talk.example"
"""The name that the configurations have until somebody writes his own."""
USER, PASSWORD = "anna", "change-me"
MOST_EXPOSED = 2.0
"""Of 10, as systemd reckons it: who shares the machine's network stays above 1."""
PATH = "/v1/any/rasr/continue-stream"
START = (
    '{"command":"START","config":{"audio_format":"pcm16k16bit","property":"english_16k_common"}}'
)


class Proxy:
    """A proxy that runs, as its visitors see it."""

    def __init__(self, port: int, certificate: Path) -> None:
        self._port = port
        self._tls = ssl.create_default_context(cafile=str(certificate))
        # The first question waits until it listens.
        transport = httpx.HTTPTransport(verify=self._tls, retries=6)
        mounts = {"all://": transport}
        self._http = httpx.Client(mounts=mounts, trust_env=False, timeout=LONG_S)

    def get(self, path: str, password: str | None = PASSWORD) -> httpx.Response:
        """Ask for a path, as the user or, without a password, as nobody."""
        return self._http.get(
            f"https://127.0.0.1:{self._port}{path}",
            headers={"Host": f"{NAME}:{self._port}"},
            auth=(USER, password) if password else None,
            extensions={"sni_hostname": NAME},
        )

    @contextmanager
    def stream(self, path: str) -> Iterator[httpx.Response]:
        """Read an answer that has no end."""
        with self._http.stream(
            "GET",
            f"https://127.0.0.1:{self._port}{path}",
            headers={"Host": f"{NAME}:{self._port}"},
            auth=(USER, PASSWORD),
            extensions={"sni_hostname": NAME},
        ) as answer:
            yield answer

    def websocket(self, origin: str, password: str | None = PASSWORD) -> ClientConnection:
        """A websocket of a page at `origin`."""
        headers = {}
        if password:
            token = base64.b64encode(f"{USER}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {token}"
        return connect(
            f"wss://{NAME}:{self._port}{PATH}",
            sock=socket.create_connection(("127.0.0.1", self._port)),
            ssl=self._tls,
            origin=Origin(origin),
            additional_headers=headers,
            proxy=None,
        )

    def close(self) -> None:
        """No more questions."""
        self._http.close()


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadServer]:
    """The server behind the proxy, with the settings of docs/team.md."""
    server = ThreadServer(server={"allowed_origins": [f"https://{NAME}"]})
    server.start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of the name, `cert.pem`, with its key beside it, `key.pem`."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *(needed("openssl", "openssl"), "req", "-x509", "-nodes", "-newkey", "rsa:2048"),
            *("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-days", "2"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


def nginx(folder: Path, port: int, server_port: int, certificate: Path) -> list[str]:
    """The command that runs nginx with our site."""
    command = needed("nginx", "nginx")
    (folder / "password").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    site = replaced(
        (DEPLOY / "proxy" / "nginx.conf").read_text("utf-8"),
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "/etc/ssl/certs/talk.example.pem": str(certificate),
            "/etc/ssl/private/talk.example.key": str(certificate.with_name("key.pem")),
            "/etc/nginx/rasr.htpasswd": str(folder / "password"),
            "http://127.0.0.1:8765": f"http://127.0.0.1:{server_port}",
        },
    )
    (folder / "site.conf").write_text(site, "utf-8")
    user = "user root;\n" if os.geteuid() == 0 else ""
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/pid;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}\ninclude {folder}/site.conf;\n}}\n"
    )
    words = [
        command,
        "-p",
        str(folder),
        "-e",
        str(folder / "log"),
        "-c",
        str(folder / "nginx.conf"),
    ]
    run = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return words


def caddy(folder: Path, port: int, server_port: int, certificate: Path) -> list[str]:
    """The command that runs Caddy with our site."""
    command = needed("caddy", "caddy")
    version = subprocess.run(
        [command, "version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < (2, 8):
        pytest.skip(f"needs Caddy 2.8 or newer, this is {version.strip()}")
    key = certificate.with_name("key.pem")
    site = replaced(
        (DEPLOY / "proxy" / "Caddyfile").read_text("utf-8"),
        {
            f"\n{NAME} {{\n": "\n{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
            f"https://{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate} {key}\n",
            "127.0.0.1:8765": f"127.0.0.1:{server_port}",
        },
    )
    (folder / "Caddyfile").write_text(site, "utf-8")
    return [command, "run", "--config", str(folder / "Caddyfile")]


def replaced(text: str, places: dict[str, str]) -> str:
    """A configuration with this machine's places in it; each of them must have been there."""
    for old, new in places.items():
        assert old in text, f"{old!r} is not in the configuration"
        text = text.replace(old, new)
    return text


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(
    request: pytest.FixtureRequest, tmp_path: Path, server: ThreadServer, certificate: Path
) -> Iterator[Proxy]:
    """Each proxy in turn."""
    port = free_port()
    make: Callable[[Path, int, int, Path], list[str]] = request.param
    command = make(tmp_path, port, server.port, certificate)
    places = {
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    with (tmp_path / "output").open("w") as output:
        process = subprocess.Popen(
            command, env=os.environ | places, stdout=output, stderr=subprocess.STDOUT
        )
        proxy = Proxy(port, certificate)
        yield proxy
        proxy.close()
        process.terminate()
        process.wait(timeout=LONG_S)


def test_people_with_the_password_are_recognised_through_the_proxy(proxy: Proxy) -> None:
    assert proxy.get("/", password=None).status_code == 401
    page = proxy.get("/")
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    with proxy.websocket(f"https://{NAME}") as websocket:
        websocket.send(START)
        websocket.send(quiet(200) + voiced(500))
        websocket.send('{"command":"END"}')
        answers: list[str] = []
        while not answers or '"END"' not in answers[-1]:
            answers.append(str(websocket.recv(timeout=LONG_S)))
    assert '"is_final":true' in answers[-2]
    assert '"NORMAL"' in answers[-1]


def test_nobody_else_is(proxy: Proxy) -> None:
    assert proxy.get("/", password="guessed").status_code == 401
    for origin, password, status in (
        (f"https://{NAME}", None, 401),
        ("https://stranger.example", PASSWORD, 403),
    ):
        with pytest.raises(InvalidStatus) as refused:
            proxy.websocket(origin, password)
        assert refused.value.response.status_code == status


def test_captions_come_at_once_and_numbers_stay_inside(proxy: Proxy) -> None:
    assert [proxy.get(path).status_code for path in ("/metrics", "/sessions")] == [404, 404]
    with proxy.stream("/captions/stage/events") as answer:
        assert next(answer.iter_lines()) != ""


def test_the_settings_can_be_loaded() -> None:
    settings = load(DEPLOY / "systemd" / "rasr.toml", {}, {}).settings
    assert settings.server.allowed_origins == (f"https://{NAME}",)


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / "rasr.service").read_text("utf-8")
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    program, *rest = shlex.split(command)
    check(("rasr", *rest))
    analyse = needed("systemd-analyze", "systemd")
    unit = tmp_path / "rasr.service"
    here = Path(sys.executable).with_name("rasr")
    unit.write_text(text.replace(program, str(here)), "utf-8")
    run = subprocess.run(
        [analyse, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert run.stderr == ""
    assert run.returncode == 0


def test_the_unit_leaves_the_service_little_to_break() -> None:
    analyse = needed("systemd-analyze", "systemd")
    unit = DEPLOY / "systemd" / "rasr.service"
    options = ("--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED * 10:.0f}")
    run = subprocess.run(
        [analyse, "security", *options, str(unit)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout
    found = re.search(r"Overall exposure level for rasr.service: ([\d.]+)", run.stdout)
    assert found is not None
    assert float(found[1]) <= MOST_EXPOSED
