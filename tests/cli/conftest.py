"""Commands run with the fake engine, which is there at once."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rasr.cli import main
from tests.plain_logs import log_plainly

Rasr = Callable[..., Result]


@pytest.fixture(autouse=True)
def no_models(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed, remembered or set on the machine is nobody's business here."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))


@pytest.fixture
def rasr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rasr]:
    """Run the command line: `rasr("transcribe", file, input=b"")`."""
    for name in os.environ:
        if name.startswith("RASR_") and name != "RASR_SPEECH_DIR":
            monkeypatch.delenv(name)
    monkeypatch.setenv("RASR_ENGINES__FAKE__KIND", "fake")
    monkeypatch.setenv("RASR_PROPERTIES__ENGLISH", "fake")
    monkeypatch.setenv("RASR_DECODING__STREAMS_PER_WORKER", "16")
    root, ours = logging.getLogger(), logging.getLogger("rasr")
    before = root.handlers[:], root.level, ours.level

    def run(*arguments: object, input: bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(one) for one in arguments], input=input)

    yield run
    root.handlers[:], root.level, ours.level = before
    log_plainly()


@pytest.fixture
def done(rasr: Rasr) -> Rasr:
    """A command that must succeed."""

    def run(*arguments: object, input: bytes | None = None) -> Result:
        result = rasr(*arguments, input=input)
        assert result.exit_code == 0, result.output
        return result

    return run


@pytest.fixture
def told(done: Rasr) -> Any:
    """What a command prints with `--json`."""

    def run(*arguments: object, input: bytes | None = None) -> Any:
        return json.loads(done(*arguments, "--json", input=input).stdout)

    return run


@pytest.fixture
def refused(rasr: Rasr) -> Any:
    """The one sentence of a command that must fail."""

    def run(*arguments: object, input: bytes | None = None) -> str:
        result = rasr(*arguments, input=input)
        assert result.exit_code in (1, 2), result.output
        assert "Traceback" not in result.output
        assert isinstance(result.exception, SystemExit)
        return result.stderr.splitlines()[-1]

    return run
