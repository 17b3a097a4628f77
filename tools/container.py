"""Plain folders that stand in for containers: what runs in one has it as its root.

A service is run as a compose file or the Helm chart says: its user, its variables, its read-only
file system, its writable places. Python and the system are this machine's (Linux).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools import chart
from tools.dockerfile import Stage
from tools.ports import free_port

_SYSTEM = ("bin", "sbin", "lib", "lib64", "usr", "etc", "dev", "proc")
"""What the base image would have: this machine's."""
_CHROOT = "/usr/sbin/chroot"
_PASSED_ON = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "SSL_CERT_FILE")
"""Beginnings of variables that a build is given from outside: how packages are reached here."""
_OPTIONAL = re.compile(r"\$\{\w+:-([^}]*)\}")
"""A variable of the compose file, with what it is where nobody sets it."""


class StepError(Exception):
    """A step failed, or the server is not as it should be."""


@dataclass(slots=True)
class Folder:
    """A folder that is the root of what runs in it."""

    path: Path
    read_only: bool = False
    tmpfs: tuple[str, ...] = ()
    volumes: dict[str, Path] = field(default_factory=dict)
    """Path inside → folder outside."""

    def command(
        self, words: Sequence[str], folder: str = "/", user: str | None = None
    ) -> list[str]:
        """What runs `words` in it, under the same process number."""
        is_root = os.geteuid() == 0
        namespace = ["unshare", "--mount"] + ([] if is_root else ["--map-root-user"])
        user_option = f"--userspec={user} " if user is not None and is_root else ""
        inside = f"cd {shlex.quote(folder)} && exec {shlex.join(words)}"
        script = "\n".join(
            ["set -e", *self._mounts(), f'exec {_CHROOT} {user_option}{self.path} /bin/sh -c "$0"']
        )
        return [*namespace, "/bin/sh", "-c", script, inside]

    def _mounts(self) -> Iterator[str]:
        root = self.path
        yield f"mount --bind {root} {root}"
        if self.read_only:
            yield f"mount -o remount,bind,ro {root}"
        for name in _SYSTEM:
            if Path("/", name).is_dir() and not Path("/", name).is_symlink():
                yield f"mount --rbind /{name} {root}/{name}"
        yield f"mount --rbind {sys.base_prefix} {root}{sys.base_prefix}"
        for inside in self.tmpfs:
            yield f"mount -t tmpfs -o mode=1777 none {root}{inside}"
        for inside, outside in self.volumes.items():
            yield f"mount --bind {outside} {root}{inside}"

    def make_system(self) -> None:
        """Make the places where this machine's parts are mounted."""
        for name in _SYSTEM:
            own = Path("/", name)
            if own.is_symlink():
                (self.path / name).symlink_to(os.readlink(own))
            elif own.is_dir():
                (self.path / name).mkdir()
        (self.path / sys.base_prefix.lstrip("/")).mkdir(parents=True, exist_ok=True)
        (self.path / "tmp").mkdir()
        (self.path / "tmp").chmod(0o1777)
        for parent in self.path.rglob("*"):
            if parent.is_dir() and not parent.is_symlink() and parent.name != "tmp":
                parent.chmod(0o755)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """Variables as in the image: nothing of this machine but how packages are reached."""
    passed = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    path = f"{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin"
    return {"PATH": path, "HOME": "/tmp", **passed, **given}


@dataclass(frozen=True, slots=True)
class Service:
    """What a service of a compose file says of how it is run."""

    environment: Mapping[str, str]
    read_only: bool
    tmpfs: tuple[str, ...]
    volumes: tuple[str, ...]
    """Paths inside of those that are named."""
    stop_grace_s: float

    @classmethod
    def of(cls, path: Path, name: str) -> Service:
        """The service `name` of a compose file."""
        one = yaml.safe_load(path.read_text("utf-8"))["services"][name]
        return cls(
            environment={
                key: _OPTIONAL.sub(r"\1", str(value)) for key, value in one["environment"].items()
            },
            read_only=one["read_only"],
            tmpfs=tuple(one["tmpfs"]),
            volumes=tuple(volume.split(":")[1] for volume in one["volumes"]),
            stop_grace_s=float(one["stop_grace_period"].removesuffix("s")),
        )

    @classmethod
    def of_the_chart(cls, values: Mapping[str, Any]) -> tuple[Service, str]:
        """The pod of the chart, and its settings file."""
        objects = chart.rendered(values)
        variables, file = (one["data"] for one in objects if one["kind"] == "ConfigMap")
        (deployment,) = (one for one in objects if one["kind"] == "Deployment")
        pod = deployment["spec"]["template"]["spec"]
        (server,) = pod["containers"]
        mounts = {one["mountPath"] for one in server["volumeMounts"]}
        service = cls(
            environment={**variables, **values.get("secrets", {})},
            read_only=server["securityContext"]["readOnlyRootFilesystem"],
            tmpfs=("/tmp",),
            volumes=tuple(one for one in sorted(mounts) if one.startswith("/var/")),
            stop_grace_s=float(pod["terminationGracePeriodSeconds"]),
        )
        text: str = file["rasr.toml"]
        return service, text


class Container:
    """The last stage, run as the service says."""

    def __init__(self, stage: Stage, built: Folder, service: Service, workplace: Path) -> None:
        self._stage = stage
        self._service = service
        port = str(free_port())
        self.port = port
        self._variables = environment(
            {**stage.environment, **service.environment, "RASR_SERVER__PORT": port}
        )
        volumes = {}
        for inside in service.volumes:
            # A named volume begins with what the image has at its place.
            outside = workplace / "volumes" / inside.strip("/").replace("/", "-")
            shutil.copytree(built.path / inside.lstrip("/"), outside, symlinks=True)
            _own_as(outside, built.path / inside.lstrip("/"))
            volumes[inside] = outside
        self._folder = Folder(built.path, service.read_only, service.tmpfs, volumes)

    def refusal(self) -> str:
        """What it says where nobody has told it who may use it.

        Raises:
            StepError: it starts all the same.
        """
        told = {name for name in self._service.environment if name.startswith("RASR_AUTH")}
        variables = {name: one for name, one in self._variables.items() if name not in told}
        command = self._command(*self._stage.entry, *self._stage.command)
        run = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        if run.returncode == 0 or "auth.kind" not in run.stderr:
            raise StepError(f"it does not ask for auth.kind: {run.stderr}")
        return run.stderr.strip().splitlines()[-1]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """The server, until it is left."""
        command = self._command(*self._stage.entry, *self._stage.command)
        process = subprocess.Popen(command, env=self._variables)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def inside(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the server, as `docker compose exec` would."""
        return subprocess.run(
            self._command(*words), env=self._variables, capture_output=True, text=True, check=False
        )

    def keeps(self, name: str) -> bool:
        """A volume has a file of this name."""
        return any((outside / name).exists() for outside in self._folder.volumes.values())

    def _command(self, *words: str) -> list[str]:
        return self._folder.command(words, self._stage.folder, self._stage.user)

    def wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        """Ask the health check as Docker would, until it is content."""
        options = self._stage.health_options
        start_s, interval_s = (float(options[key][:-1]) for key in ("start-period", "interval"))
        until = time.monotonic() + start_s + interval_s * int(options["retries"])
        while (told := self.inside(*self._stage.health)).returncode:
            if process.poll() is not None:
                raise StepError(f"the server ended with {process.returncode}")
            if time.monotonic() > until:
                raise StepError(f"the health check is not content: {told.stderr}")
            time.sleep(1)

    def stop(self, process: subprocess.Popen[bytes]) -> float:
        """Tell it to stop; how long that took, s."""
        began = time.monotonic()
        process.send_signal(signal.Signals[self._stage.stop_signal])
        try:
            code = process.wait(timeout=self._service.stop_grace_s)
        except subprocess.TimeoutExpired as error:
            raise StepError(
                f"it runs on {self._service.stop_grace_s} s after its signal"
            ) from error
        if code:
            raise StepError(f"it ended with {code}")
        return time.monotonic() - began


def _own_as(outside: Path, inside: Path) -> None:
    if os.geteuid() == 0:
        owner = inside.stat()
        for one in (outside, *outside.rglob("*")):
            os.chown(one, owner.st_uid, owner.st_gid, follow_symlinks=False)
