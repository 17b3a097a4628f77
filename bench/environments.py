"""Environments of their own for packages that are compared with: never the project's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.report import ROOT

_READY = ".ready"


def environment(name: str, *requirements: str) -> Path:
    """Return the Python of an environment with these packages; it is made where it is not there.

    It lies in `.venv-peers` in the root of the checkout and stays for the next time.

    Args:
        name: of the environment; with other packages another name is needed.
        requirements: as pip takes them, each with its exact version.

    Raises:
        RuntimeError: a package cannot be had; the text is what pip said.
    """
    folder = ROOT / ".venv-peers" / name
    python = folder / "bin" / "python"
    if not (folder / _READY).is_file():
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        _run(str(python), *pip, *requirements)
        (folder / _READY).touch()
    return python


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()[-1000:]}")
