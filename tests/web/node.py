"""Node, which runs the JavaScript module outside of a browser; tests skip where it is absent."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_LEAST_MAJOR = 18
"""The first one with a test runner that reads ES modules as browsers do."""


def node() -> str:
    """The command; skips the test where there is none that will do."""
    command = shutil.which("node") or shutil.which("nodejs")
    if command is None:
        pytest.skip("needs Node to run JavaScript: apt-get install nodejs")
    version = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.strip().lstrip("v").split(".")[0]) < _LEAST_MAJOR:
        pytest.skip(f"needs Node {_LEAST_MAJOR} or newer, this is {version.stdout.strip()}")
    return command
