"""What pip and uvx make of the wheel, where there is nothing else: a server that hears.

The packages that it asks for come from the package index, in the versions that are locked; where no
index can be reached the tests are skipped.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from tests.test_packaging import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
_PIN = re.compile(r"^([a-z0-9-]+==[^ ]+(?: ;.*?)?) \\$", re.MULTILINE)
_SAID = "john dashwood"
"""In the recording that comes with the package."""


@pytest.fixture(scope="module")
def pins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked versions, as constraints."""
    found = _PIN.findall((ROOT / "requirements.lock").read_text("utf-8"))
    assert len(found) > 40
    file = tmp_path_factory.mktemp("pins") / "pins.txt"
    file.write_text("\n".join(found), "utf-8")
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder))
    subprocess.run([sys.executable, *build], cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with uv; its coming shows that packages can be had."""
    folder = tmp_path_factory.mktemp("uv")
    _make_environment(folder)
    run = subprocess.run(
        [folder / "bin/python", "-m", "pip", "install", "--quiet", "uv"],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        pytest.skip(f"no package index can be reached: {run.stderr[-500:]}")
    return folder / "bin"


def _make_environment(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)


def _nothing_of_its_own(folder: Path) -> dict[str, str]:
    """The environment of somebody who has no settings and no models yet."""
    own = {name: str(folder / name) for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME")}
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RASR_", "PYTHON", "VIRTUAL_ENV"))
    }
    return {**kept, **own, "XDG_CONFIG_HOME": str(folder), "UV_CACHE_DIR": str(folder / "uv")}


@contextmanager
def _server(command: Sequence[str | Path], folder: Path) -> Iterator[str]:
    """The address for clients of the server that a command starts; then it stops in order."""
    with (
        (folder / "log").open("w+") as log,
        subprocess.Popen(
            [*command, "--port", "0"],
            cwd=folder,
            env=_nothing_of_its_own(folder),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            found = re.search(r"Clients: (ws://\S+)", first)
            assert found is not None, f"{first}\n{(folder / 'log').read_text()}"
            yield found[1]
        finally:
            process.terminate()
            process.stdout.read()
        assert process.wait() == 0, (folder / "log").read_text()


def _heard(command: Sequence[str | Path], url: str, folder: Path) -> str:
    recording = files("rasr") / "data" / "demo-human.flac"
    run = subprocess.run(
        [*command, "--url", url, str(recording)],
        cwd=folder,
        env=_nothing_of_its_own(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.lower()


@pytest.mark.usefixtures("uv")
def test_pip_installs_a_server_that_hears(wheel: Path, pins: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    _make_environment(environment)
    python = environment / "bin/python"
    install = ("-m", "pip", "install", "--quiet", "--no-compile", "--constraint", str(pins))
    subprocess.run([python, *install, str(wheel)], check=True, cwd=tmp_path)
    subprocess.run([python, "-m", "pip", "check"], check=True, cwd=tmp_path)
    program = environment / "bin/rasr"
    with _server([program, "serve"], tmp_path) as url:
        assert _SAID in _heard([program, "transcribe"], url, tmp_path)


def test_uvx_runs_a_server_that_hears(uv: Path, wheel: Path, pins: Path, tmp_path: Path) -> None:
    options = ("--from", wheel, "--constraints", pins, "--python", sys.executable)
    run: tuple[str | Path, ...] = (uv / "uvx", *options, "rasr")
    with _server([*run, "serve"], tmp_path) as url:
        assert _SAID in _heard([*run, "transcribe"], url, tmp_path)
