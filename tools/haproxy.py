"""HAProxy in front of replicas on loopback, with the configuration of deploy/ and their addresses.

Where it is not installed Debian's packages are fetched and unpacked, which needs no rights.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.vendor import ROOT

CONFIGURATION = ROOT / "deploy/proxy/haproxy.cfg"
_PACKAGES = ("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")
_FETCH_S = 60
_SERVERS = re.compile(r"(?:^ *server .*\n){3}", re.M)
_BACKENDS = ("replicas", "full")


@dataclass(frozen=True)
class Program:
    """HAProxy itself."""

    path: str
    libraries: str = ""
    """A folder that is looked into first."""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What it says, and whether it worked."""
        return subprocess.run(
            [self.path, *arguments], capture_output=True, text=True, env=self.environment
        )

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "LD_LIBRARY_PATH": self.libraries}


def program(folder: Path) -> Program | None:
    """HAProxy as it is installed, or unpacked into this folder; None where it cannot be had."""
    installed = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if installed is not None:
        return Program(installed)
    try:
        subprocess.run(
            ["apt-get", "download", *_PACKAGES],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=_FETCH_S,
        )
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder], check=True, capture_output=True)
        libraries = next(folder.glob("usr/lib/*-linux-gnu"), folder)
        found = Program(str(folder / "usr/sbin/haproxy"), str(libraries))
        return found if found.run("-v").returncode == 0 else None
    except (OSError, subprocess.SubprocessError):
        return None


def configuration(port: int, replicas: Sequence[int]) -> str:
    """That of deploy/, on this port of loopback, for replicas on those."""
    text = CONFIGURATION.read_text("utf-8")
    assert text.count("bind :80\n") == 1
    text = text.replace("bind :80\n", f"bind 127.0.0.1:{port}\n")
    servers = "".join(f"    server s{one} 127.0.0.1:{one} cookie s{one}\n" for one in replicas)
    text, count = _SERVERS.subn(servers, text)
    assert count == len(_BACKENDS)
    return text


@contextmanager
def running(
    haproxy: Program, folder: Path, port: int, replicas: Sequence[int], more: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """The process of a balancer on this port of loopback, before replicas on those.

    Args:
        more: of its configuration.
    """
    path = folder / "haproxy.cfg"
    path.write_text(more + configuration(port, replicas), "utf-8")
    process = subprocess.Popen(
        [haproxy.path, "-db", "-f", str(path)],
        env=haproxy.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def balancing(haproxy: Program, folder: Path, port: int, replicas: Sequence[int]) -> Iterator[str]:
    """The URL of a balancer before replicas on these ports."""
    with running(haproxy, folder, port, replicas):
        yield f"ws://127.0.0.1:{port}"
