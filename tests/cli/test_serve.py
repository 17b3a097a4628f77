"""`rasr serve` as a process, and the sentences with which it does not start."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import sys
from pathlib import Path

import pytest

from rasr.client import Mode, open_connection
from rasr.settings import Settings
from tests.cli.conftest import Rasr


async def test_a_server_says_one_line_when_ready_and_stops_at_sigterm(rasr: Rasr) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rasr", "serve", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        found = re.fullmatch(r"rasr is ready at (ws://127\.0\.0\.1:\d+) .*\n", line)
        assert found is not None, line
        async with open_connection(found[1], Mode.CONTINUE):
            pass
    finally:
        process.send_signal(signal.SIGTERM)
    out, logs = await process.communicate()
    assert process.returncode == 0, logs
    assert out == b""
    events = [json.loads(line)["event"] for line in logs.splitlines()]
    assert "session_opened" in events
    assert "session_closed" in events


@pytest.mark.parametrize("closed", [False, True], ids=["nobody reads", "closed"])
async def test_a_server_goes_on_when_nobody_reads_its_line(closed: bool, tmp_path: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    config = tmp_path / "rasr.toml"
    config.write_text('[engines.fake]\nkind = "fake"\n[properties]\nenglish = "fake"\n')
    command = f"exec {shlex.quote(sys.executable)} -m rasr serve --port 0 --config {config}"
    process = await asyncio.create_subprocess_shell(
        f"{command} >&-" if closed else command,
        stdout=writes,
        stderr=asyncio.subprocess.PIPE,
        # One that leaves models and caches of a person alone.
        env={**os.environ, "RASR_CAPACITY__MAX_LOAD": "0", "RASR_SERVER__LOG_LEVEL": "debug"},
    )
    os.close(writes)
    assert process.stderr is not None
    while b"server_ready" not in (line := await process.stderr.readline()):
        assert line, "it ended"
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0


def test_a_server_beyond_loopback_wants_to_be_told_that_nobody_is_asked_for_a_name(
    rasr: Rasr,
) -> None:
    result = rasr("serve", "--host", "0.0.0.0", "--port", "0")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert 'auth.kind = "none"' in result.stderr
    assert "--no-auth" in result.stderr


def test_the_flag_is_short_for_the_setting(rasr: Rasr, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Settings] = []
    monkeypatch.setattr(
        "rasr.server.serve.serve", lambda settings, on_ready: served.append(settings)
    )
    assert rasr("serve").exit_code == rasr("serve", "--no-auth").exit_code == 0
    assert [settings.auth.kind for settings in served] == ["", "none"]


def test_a_port_that_is_taken_is_told_with_what_to_do(rasr: Rasr) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = rasr("serve", "--port", taken.getsockname()[1])
    assert result.exit_code == 1
    assert "choose another with --port" in result.stderr


def test_flags_that_are_wrong_are_told_together(rasr: Rasr) -> None:
    result = rasr("serve", "--port", "http", "--log-level", "loud")
    assert result.exit_code == 1
    assert "flag --port: server.port is 'http'" in result.stderr
    assert "flag --log-level: server.log_level is 'loud'" in result.stderr


def test_help_names_every_command(rasr: Rasr) -> None:
    result = rasr("--help")
    assert result.exit_code == 0
    for command in (
        "setup",
        "doctor",
        "serve",
        "transcribe",
        "mic",
        "demo",
        "models",
        "config",
        "capacity",
        "top",
    ):
        assert f"\n  {command} " in result.stdout
