"""Tries the image where no container engine is: `make image-steps` (Linux).

Reads the Dockerfile and runs its steps in plain folders, each the root of a mount namespace of its
own, with Python and the system of this machine in place of the base image. Then it runs the server
as the service of the compose file would be run: its user, its read-only file system, its writable
places. It shows that the server does not start for everybody unless it is told to, that its health
check comes to be content, that it is not root and writes to nothing else, that it recognises
speech, and that it ends in time when it is told to.

What it cannot show is what the base image itself has or lacks. Without root a user namespace stands
in for it, and the server runs as its root.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools.dockerfile import Copy, Run, Stage, stages

ROOT = Path(__file__).parent.parent
_SYSTEM = ("bin", "sbin", "lib", "lib64", "usr", "etc", "dev", "proc")
"""What the base image would have: this machine's."""
_CHROOT = "/usr/sbin/chroot"
_PASSED_ON = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "SSL_CERT_FILE")
"""Beginnings of variables that a build is given from outside: how packages are reached here."""
_SPEECH = "/opt/rasr/lib/python*/site-packages/rasr/data/demo-human.flac"


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


class Build:
    """Runs the steps of the stages, each stage in a folder of its own."""

    def __init__(self, context: Path, workplace: Path) -> None:
        self._context = context
        self._workplace = workplace
        self._folders: dict[str, Folder] = {}

    def run(self, stage: Stage, number: int) -> Folder:
        """Make the folder of `stage`."""
        folder = Folder(self._workplace / f"stage-{number}")
        folder.path.mkdir()
        folder.path.chmod(0o755)
        folder.make_system()
        _tell(f"FROM {stage.base}: Python {sys.version.split()[0]} of this machine instead")
        for step in stage.steps:
            match step:
                case Run():
                    _tell(f"RUN {step.command}")
                    (folder.path / step.folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
                    words = ["/bin/sh", "-c", step.command]
                    environment = _environment(step.environment)
                    command = folder.command(words, step.folder)
                    if subprocess.run(command, env=environment, check=False).returncode:
                        raise StepError(f"RUN {step.command} failed")
                case Copy():
                    self._copy(step, folder)
        self._folders[stage.name or str(number)] = folder
        return folder

    def _copy(self, step: Copy, folder: Folder) -> None:
        of = "" if step.stage is None else f" of {step.stage}"
        _tell(f"COPY {' '.join(step.sources)}{of} to {step.target}")
        target = folder.path / step.target.lstrip("/")
        for name in step.sources:
            if step.stage is None:
                source, ignored = self._context / name, _ignored(self._context)
            else:
                source, ignored = self._folders[step.stage].path / name.lstrip("/"), ()
            if step.stage is None and not _goes_into_the_context(name, ignored):
                raise StepError(f".dockerignore keeps {name} out of the context")
            if source.is_dir():
                shutil.copytree(
                    source, target, symlinks=True, dirs_exist_ok=True, ignore=_leave_out(ignored)
                )
            else:
                place = target / source.name if step.target.endswith("/") else target
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, place)
        if step.owner is not None and os.geteuid() == 0:
            owner, _, group = step.owner.partition(":")
            for one in (target, *target.rglob("*")):
                os.chown(one, int(owner), int(group or owner), follow_symlinks=False)


def _ignored(context: Path) -> tuple[str, ...]:
    lines = (context / ".dockerignore").read_text("utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _goes_into_the_context(name: str, ignored: Iterable[str]) -> bool:
    """The last pattern that fits decides, as for Docker."""
    goes = True
    first = name.removeprefix("./").split("/")[0]
    for pattern in ignored:
        if fnmatch.fnmatchcase(first, pattern.removeprefix("!")):
            goes = pattern.startswith("!")
    return goes


def _leave_out(ignored: Sequence[str]) -> Callable[[Any, list[str]], set[str]]:
    return shutil.ignore_patterns(*(one[3:] for one in ignored if one.startswith("**/")))


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """As in the image: nothing of this machine but how packages are reached."""
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
            environment={key: str(value) for key, value in one["environment"].items()},
            read_only=one["read_only"],
            tmpfs=tuple(one["tmpfs"]),
            volumes=tuple(volume.split(":")[1] for volume in one["volumes"]),
            stop_grace_s=float(one["stop_grace_period"].removesuffix("s")),
        )


class Container:
    """The last stage, run as the service says."""

    def __init__(self, stage: Stage, built: Folder, service: Service, workplace: Path) -> None:
        self._stage = stage
        self._service = service
        port = str(_free_port())
        self.port = port
        self._variables = _environment(
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tell(line: str) -> None:
    sys.stdout.write(f"== {line}\n")
    sys.stdout.flush()


def _try(container: Container, stage: Stage) -> None:
    _tell(f"without auth.kind: {container.refusal()}")
    with container.running() as process:
        container.wait_until_healthy(process)
        _tell("healthy")
        user = container.inside("id", "-u").stdout.strip()
        if os.geteuid() == 0 and user != stage.user.partition(":")[0]:
            raise StepError(f"it runs as {user}, not as {stage.user}")
        for place in ("/opt/rasr/x", "/x"):
            if container.inside("touch", place).returncode == 0:
                raise StepError(f"{place} can be written")
        for place in (*stage.volumes, "/tmp"):
            if container.inside("touch", f"{place}/x").returncode:
                raise StepError(f"{place} cannot be written")
        _tell(f"it runs as user {user}, and writes to {', '.join((*stage.volumes, '/tmp'))} alone")
        made = container.inside("rasr", "projects", "create", "team")
        if made.returncode or not container.keeps("store/store.db"):
            raise StepError(f"accounts are in no volume: {made.stderr}")
        _tell("accounts are in a volume")
        url = f"ws://127.0.0.1:{container.port}"
        heard = container.inside("/bin/sh", "-c", f"rasr transcribe --url {url} {_SPEECH}")
        if heard.returncode or not heard.stdout.strip():
            raise StepError(f"nothing was recognised: {heard.stderr}")
        _tell(f"it hears: {heard.stdout.strip().splitlines()[0]}")
        _tell(f"it has stopped {container.stop(process):.1f} s after {stage.stop_signal}")


def main() -> None:
    """Run all steps, then the server."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    arguments = dict(one.split("=", 1) for one in parser.parse_args().build_arg)
    all_stages = stages((ROOT / "Dockerfile").read_text("utf-8"), arguments)
    with tempfile.TemporaryDirectory(prefix="rasr-image-") as name:
        workplace = Path(name)
        workplace.chmod(0o755)
        build = Build(ROOT, workplace)
        try:
            for number, stage in enumerate(all_stages):
                built = build.run(stage, number)
            service = Service.of(ROOT / "compose.yaml", "server")
            _try(Container(all_stages[-1], built, service, workplace), all_stages[-1])
        except StepError as error:
            sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
