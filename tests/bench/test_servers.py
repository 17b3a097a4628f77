"""The server that is measured is that of the checkout that was named."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.servers import FAKE_ENGINE, running_server

STAND_IN = """
import pathlib, sys
config = sys.argv[sys.argv.index("--config") + 1]
pathlib.Path(__file__).with_name("config").write_text(pathlib.Path(config).read_text())
print("ws://127.0.0.1:7", flush=True)
sys.stdin.read()
"""


def checkout(folder: Path, program: str) -> Path:
    package = folder / "rasr"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(program)
    return package


def test_a_server_of_another_checkout_is_started_from_there(tmp_path: Path) -> None:
    package = checkout(tmp_path, STAND_IN)
    with running_server(FAKE_ENGINE, server_path=tmp_path) as server:
        assert server.url == "ws://127.0.0.1:7"
    assert (package / "config").read_text() == FAKE_ENGINE


def test_a_server_is_that_of_this_checkout_whatever_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout(tmp_path, STAND_IN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with running_server(FAKE_ENGINE) as server:
        assert server.url != "ws://127.0.0.1:7"
        assert server.usage().cpu_s > 0


def test_a_server_that_does_not_start_is_told_with_what_it_said(tmp_path: Path) -> None:
    checkout(tmp_path, "print('no model here')")
    with pytest.raises(RuntimeError, match="no model here"):
        with running_server(server_path=tmp_path):
            pass
