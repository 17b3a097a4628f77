"""The JavaScript's own tests, run by Node's runner: a test here is a file there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.web.node import HERE, node


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.mjs")), ids=lambda file: file.stem)
def test_the_tests_of_the_javascript_pass(file: Path) -> None:
    run = subprocess.run(
        [node(), "--test", str(file)], capture_output=True, text=True, check=False, cwd=HERE
    )
    assert run.returncode == 0, run.stdout + run.stderr
