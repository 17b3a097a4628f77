"""Tries the image where no container engine is: `make image-steps` (Linux).

Reads the Dockerfile and runs its steps in plain folders, each the root of a mount namespace of its
own, with Python and the system of this machine in place of the base image. Then it runs the server
as the service of the compose file would be run: its user, its read-only file system, its writable
places. It shows that the server does not start for everybody unless it is told to, that its health
check comes to be content, that it is not root and writes to nothing else, that it recognises
speech, and that it ends in time when it is told to.

Then it runs it once more, as the pod of the Helm chart would be run: with its variables, its
settings file and its volumes.

What it cannot show is what the base image itself has or lacks. Without root a user namespace stands
in for it, and the server runs as its root.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.container import Container, Folder, Service, StepError, environment
from tools.dockerfile import Copy, Run, Stage, stages
from tools.ports import free_port

ROOT = Path(__file__).parent.parent
_SPEECH = "/opt/rasr/lib/python*/site-packages/rasr/data/demo-human.flac"


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
                    variables = environment(step.environment)
                    command = folder.command(words, step.folder)
                    if subprocess.run(command, env=variables, check=False).returncode:
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


def _try_as_pod(stage: Stage, built: Folder, workplace: Path) -> None:
    token, port = "token", free_port()
    values = {
        "secrets": {"RASR_METRICS__TOKEN": token},
        "metrics": {"enabled": True, "port": port},
        "settings": "[session]\nidle_s = 7.5\n",
    }
    service, file = Service.of_the_chart(values)
    # /etc is this machine's: the file lies elsewhere.
    place = built.path / "settings.toml"
    place.write_text(file, "utf-8")
    variables = {**service.environment, "RASR_CONFIG": "/settings.toml"}
    container = Container(stage, built, replace(service, environment=variables), workplace / "pod")
    with container.running() as process:
        container.wait_until_healthy(process)
        _tell("healthy as a pod")
        read = container.inside("rasr", "config").stdout
        if "idle_s = 7.5" not in read:
            raise StepError(f"it does not read its settings file: {read}")
        for folder in ("/models/x", "/x"):
            if container.inside("touch", folder).returncode == 0:
                raise StepError(f"{folder} can be written")
        made = container.inside("rasr", "projects", "create", "team")
        if made.returncode or not container.keeps("store/store.db"):
            raise StepError(f"accounts are in no volume: {made.stderr}")
        ready = f"http://127.0.0.1:{container.port}/readyz"
        with urllib.request.urlopen(ready) as answer:
            _tell(f"{ready.rpartition('/')[2]}: {answer.status}")
        numbers = f"http://127.0.0.1:{port}/metrics"
        shown = urllib.request.Request(numbers, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(shown) as answer:
            if b"\nrasr_load " not in answer.read():
                raise StepError("rasr_load is not among the numbers")
        try:
            with urllib.request.urlopen(numbers):
                raise StepError("numbers are told to whoever shows no token")
        except urllib.error.HTTPError as refusal:
            _tell(f"rasr_load is told to whoever shows the token, others get {refusal.code}")
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
            _try_as_pod(all_stages[-1], built, workplace)
        except StepError as error:
            sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
