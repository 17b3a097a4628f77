"""Fetch a file of a package index by the program that its user has set up for it: pip or npm.

So indexes, mirrors, proxies, credentials and certificates are those that work for everything else
on the machine. The package is only fetched: its dependencies are left out, nothing of it is
installed or run.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rasr.models.download import Progress
from rasr.models.errors import FetchFailed
from rasr.models.sources import Package
from rasr.models.workplace import INCOMING

_LOOK_S = 0.2
"""How often what has come is counted."""
_COPIES = 4
_MOST_OVER = 16 << 20
"""A program has what it fetches up to four times over for a moment (npm: in its cache, while it
packs it, and packed), and some pages of the index beside it."""
_MOST_FAULTS = 3
"""Lines of a program's errors that are told; the first ones say it."""
_BROKEN = re.compile(r"connection broken by '(.+)': ")
"""In pip's warnings: why it could not reach an index. Its errors only say that it found nothing."""


def fetch_package(package: Package, workplace: Path, progress: Progress) -> Path:
    """Fetch the wheel or tarball of a package.

    Returns: the file, in `workplace`, under its own name.

    Raises:
        FetchFailed: with what the program says, in one line.
        OSError: `workplace` cannot be written.
    """
    incoming = workplace / INCOMING
    if incoming.exists():
        shutil.rmtree(incoming)
    landing = incoming / "whole"
    landing.mkdir(parents=True)
    command, errors_begin = _command(package, incoming, landing)
    # What it has so far shall lie beside the model, where there is room, and where it is counted.
    environ = os.environ | {"TMPDIR": str(incoming)}
    _run(command, environ, incoming, errors_begin, package.bytes, progress)
    found = sorted(landing.glob(package.file_pattern))
    if not found:
        came = ", ".join(one.name for one in landing.iterdir()) or "nothing"
        raise FetchFailed(f"{package.file_pattern} was to come, and {came} came")
    return found[0].replace(workplace / found[0].name)


def _command(package: Package, incoming: Path, landing: Path) -> tuple[list[str], tuple[str, ...]]:
    """The command that puts the file into `landing`, and with what its lines of errors begin."""
    if package.index == "npm":
        npm = shutil.which("npm")
        if npm is None:
            raise FetchFailed("npm is not installed; it comes with Node.js")
        fetching = ["pack", f"{package.name}@{package.version}", "--ignore-scripts"]
        places = ["--pack-destination", str(landing), "--cache", str(incoming / "cache")]
        return [npm, *fetching, *places, "--no-update-notifier"], ("npm error ", "npm ERR! ")
    if importlib.util.find_spec("pip") is None:
        raise FetchFailed(f"there is no pip beside {sys.executable}; python -m ensurepip brings it")
    platform = [f"--platform={package.platform}"] if package.platform else []
    return [
        *(sys.executable, "-m", "pip", "download", f"{package.name}=={package.version}"),
        *("--no-deps", "--only-binary=:all:", *platform, f"--dest={landing}"),
        *("--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar=off"),
    ], ("ERROR: ",)


def _run(
    command: Sequence[str],
    environ: Mapping[str, str],
    incoming: Path,
    errors_begin: tuple[str, ...],
    total: int,
    progress: Progress,
) -> None:
    said = incoming / "errors"
    with said.open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=incoming,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        while process.poll() is None:
            size = _size(incoming)
            if size > _COPIES * total + _MOST_OVER:
                raise FetchFailed(f"the index sends more than the {total} bytes of this package")
            # Both programs copy the whole at the end, which is no news.
            progress(min(size, total), total)
            try:
                process.wait(_LOOK_S)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise FetchFailed(_reason(said.read_text("utf-8", "replace"), errors_begin, process))


def _size(folder: Path) -> int:
    """Bytes of all files below a folder, some of which may go away meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _reason(said: str, begin: tuple[str, ...], process: subprocess.Popen[bytes]) -> str:
    """The program's own errors in one line; else its last one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(begin)]
    told = [_without(line, begin) for line in errors[:_MOST_FAULTS]] or lines[-1:]
    broken = _BROKEN.search(said)
    if broken is not None:
        told.insert(0, broken[1])
    return "; ".join(told) or f"it ended with {process.returncode} and said nothing"


def _without(line: str, begin: tuple[str, ...]) -> str:
    for one in begin:
        line = line.removeprefix(one)
    return line
