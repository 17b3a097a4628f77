"""`rasr serve` as a process, and the sentences with which it does not start."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rasr.cli import serve as serve_command
from rasr.client import Mode, open_connection
from rasr.settings import ServerSettings, Settings
from tests.cli.conftest import Rasr


async def visited(*arguments: str) -> tuple[str, list[str]]:
    """What a server tells people on standard output, and its lines on standard error: it is
    started, somebody connects, it is stopped."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rasr", "serve", "--port", "0", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        found = re.fullmatch(
            r"Open http://localhost:(\d+) in a browser\. Clients: (ws://127\.0\.0\.1:\1)\n", line
        )
        assert found is not None, line
        async with open_connection(found[2], Mode.CONTINUE):
            pass
    finally:
        process.send_signal(signal.SIGTERM)
    out, errors = await process.communicate()
    assert process.returncode == 0, errors
    return line + out.decode(), errors.decode().splitlines()


async def test_a_person_is_told_what_is_loaded_where_it_is_and_what_happens(rasr: Rasr) -> None:
    out, errors = await visited()
    _, served, nobody = out.splitlines()
    assert served == "Recognises english: fake"
    assert nobody.startswith("Nobody is asked who they are;")
    assert errors[:2] == ["Loading …", "Loading fake …"]
    assert any("Session opened" in line for line in errors[2:])
    assert any("Session closed" in line for line in errors[2:])
    assert not any(line.startswith("{") for line in errors)


@pytest.mark.parametrize("by", ["flag", "environment"])
async def test_a_program_that_reads_the_log_gets_nothing_but_json(
    rasr: Rasr, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "environment":
        monkeypatch.setenv("RASR_SERVER__LOG_FORMAT", "json")
    _, errors = await visited(*(("--log-format", "json") if by == "flag" else ()))
    events = [json.loads(line)["event"] for line in errors]
    assert "session_opened" in events
    assert "session_closed" in events


async def test_who_wants_warnings_alone_is_told_nothing_of_the_start(rasr: Rasr) -> None:
    _, errors = await visited("--log-level", "warning")
    assert errors == []


def test_the_first_line_comes_before_anything_heavy_is_imported(rasr: Rasr) -> None:
    shows_what_is_there = """
import sys, click
def echo(*_, **__):
    print(sorted({one.split(".")[0] for one in sys.modules}))
    sys.exit()
click.echo = echo
from rasr.cli import main
main(["serve"])
"""
    run = subprocess.run(
        [sys.executable, "-c", shows_what_is_there], capture_output=True, text=True, check=True
    )
    loaded = ast.literal_eval(run.stdout)
    heavy = {"pydantic", "numpy", "structlog", "fastapi", "onnxruntime", "wetext", "rich", "httpx"}
    assert "click" in loaded
    assert heavy & set(loaded) == set()


def test_the_help_tells_the_defaults_that_the_settings_have(rasr: Rasr) -> None:
    told = " ".join(rasr("serve", "--help").stdout.split())
    server = ServerSettings()
    for default in (f"Default: {server.host}.", f"Default: {server.port}."):
        assert default in told
    assert f"{server.log_level} (default)" in told
    assert f"{server.log_format} (default)" in told


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
    while b"Server ready" not in (line := await process.stderr.readline()):
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
    monkeypatch.setattr("rasr.server.serve.serve", lambda settings, *_: served.append(settings))
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


def test_sigterm_ends_process_1_before_the_server_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        monkeypatch.setattr(os, "getpid", lambda: 1)
        serve_command._end_by_sigterm_as_process_1()
        handler = signal.getsignal(signal.SIGTERM)
        ended: list[int] = []
        monkeypatch.setattr(os, "_exit", ended.append)
        assert callable(handler)
        handler(signal.SIGTERM, None)
        assert ended == [143]
    finally:
        signal.signal(signal.SIGTERM, before)
