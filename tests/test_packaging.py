"""What is installed: a whole wheel, packages that it asks for, in versions that are locked."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("rasr", "vad", "decoder")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-image.lock")
_PIN = re.compile(r"^([a-z0-9-]+)==(.*?) \\$", re.MULTILINE)
_BY_ANOTHER = {"starlette": "fastapi", "sounddevice": "pocketsphinx", "protobuf": "onnx"}
"""Packages that come with another one, which is asked for."""


def named(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9-]+", requirement)
    assert found is not None
    return found[0].lower()


def pins(lock: str) -> dict[str, set[str]]:
    """Package → versions, each with the Pythons that it is for."""
    found: dict[str, set[str]] = {}
    for name, version in _PIN.findall((ROOT / lock).read_text("utf-8")):
        found.setdefault(name, set()).add(version)
    return found


def imported() -> dict[str, set[str]]:
    """What the shipped packages import, also in the middle of a function → where."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module]
                for name in names:
                    found.setdefault(name.split(".")[0], set()).add(str(path.relative_to(ROOT)))
    return {
        name: where
        for name, where in found.items()
        if name not in PACKAGES and name not in sys.stdlib_module_names
    }


def test_whatever_is_shipped_imports_nothing_that_only_tests_have() -> None:
    asked = {named(one) for one in PROJECT["project"]["dependencies"]}
    optional = {
        named(one)
        for extra in PROJECT["project"]["optional-dependencies"].values()
        for one in extra
    }
    distributions = packages_distributions()
    # Of packages that are not here nothing is known but the name.
    known = {
        name: {one.lower().replace("_", "-") for one in distributions.get(name, [name])}
        for name in imported()
    }
    missing = {
        name: imported()[name]
        for name, by in known.items()
        if not {_BY_ANOTHER.get(one, one) for one in by} & (asked | optional)
    }
    assert missing == {}


def test_running_is_locked_to_the_versions_that_are_tested() -> None:
    run, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: dev.get(name) for name in run} == run
    assert {named(one) for one in PROJECT["project"]["dependencies"]} <= run.keys()
    assert dev.keys() - run.keys() >= {"pytest", "mypy", "ruff", "playwright"}


def test_an_image_has_what_can_be_set_in_it() -> None:
    image, dev = pins("requirements-image.lock"), pins("requirements-dev.lock")
    assert {name: dev.get(name) for name in image} == image
    assert pins("requirements.lock").keys() <= image.keys()
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = {named(one) for name in ("postgresql", "buckets", "otel") for one in extras[name]}
    assert wanted <= image.keys()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_file_has_a_hash_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    packages = re.split(r"\n(?=[a-z])", text.strip())
    assert len(packages) > 40
    assert [one for one in packages if "--hash=sha256:" not in one] == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, unpacked."""
    built, unpacked = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("unpacked")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(built))
    subprocess.run([sys.executable, *build], cwd=ROOT, check=True, capture_output=True)
    (file,) = built.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(unpacked)
    return unpacked


def test_the_wheel_has_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    def files(root: Path) -> set[str]:
        return {
            path.relative_to(root).as_posix()
            for package in PACKAGES
            for path in (root / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    packed = files(wheel)
    assert packed == files(ROOT)
    assert {one.name for one in wheel.iterdir()} == {*PACKAGES, f"rasr-{version()}.dist-info"}
    assert any(one.startswith("rasr/web/") for one in packed)
    assert any(one.startswith("rasr/data/models/") for one in packed)
    assert {"rasr/models/catalogue.toml", "rasr/data/demo.flac"} <= packed


def version() -> str:
    found: str = PROJECT["project"]["version"]
    return found


def test_what_the_wheel_installs_serves_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    serves = """
import asyncio, sys, urllib.request
sys.path.insert(0, sys.argv[1])
import rasr
assert rasr.__file__.startswith(sys.argv[1]), rasr.__file__
from rasr.server.service import Service
from rasr.settings import Settings

settings = Settings.model_validate({
    "server": {"port": 0},
    "engines": {"fake": {"kind": "fake"}},
    "properties": {"english": "fake"},
    "capacity": {"max_load": 0.0},
})

async def main():
    async with Service(settings) as service:
        page = service.url.replace("ws:", "http:")
        for path in ("/", "/client/rasr.js", "/properties"):
            with await asyncio.to_thread(urllib.request.urlopen, page + path) as answer:
                assert answer.status == 200, path
        print(service.ready_message)

asyncio.run(main())
"""
    run = subprocess.run(
        [sys.executable, "-I", "-c", serves, str(wheel)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("Open http://localhost:")
