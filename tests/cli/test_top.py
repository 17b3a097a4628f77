"""`rasr top`: what is seen of a server and its sessions."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rasr.server.admission import AdmissionRules
from rasr.server.service import Service
from tests.cli.conftest import Rasr
from tests.processes import LONG_S
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings, pretend_calibration
from tests.server.sdk import SdkClient


@asynccontextmanager
async def one_talks_one_idles() -> AsyncIterator[Service]:
    async with Service(fake_settings()) as service:
        async with SdkClient(service.url), SdkClient(service.url) as talking:
            await talking.start(interim_results="yes")
            await talking.audio(quiet(300) + voiced(1000) + quiet(700))
            while not talking.finals:
                await talking.until("RESULT")
            yield service


async def printed(rasr: Rasr, *arguments: str) -> list[str]:
    result = await asyncio.to_thread(rasr, "top", "--interval", "0.2", *arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout.splitlines()


async def test_each_session_is_a_line_below_how_full_the_server_is(rasr: Rasr) -> None:
    async with one_talks_one_idles() as service:
        lines = await printed(rasr, service.url, "--once")
    assert f"at {service.url}, up " in lines[0]
    assert "connections 2 of 4096 · rounds 1 of 512" in lines[0]
    assert lines[1].startswith("fake (fake): busy ")
    idle = next(line.split() for line in lines if " idle " in line)
    talking = next(line.split() for line in lines if " silence " in line)
    assert talking[1:3] == ["127.0.0.1", "continue"]
    assert {"english_16k_common", "fake"} <= set(talking)
    assert talking[-1] == "ms"
    assert idle[-1] == "–"


async def test_load_and_capacity_stand_above_where_they_are_known(rasr: Rasr) -> None:
    async with one_talks_one_idles() as service:
        pretend_calibration(service)
        lines = await printed(rasr, service.url)
        assert re.search(r"rounds 1 · load \d+% of 85%", lines[0])
        assert re.search(r"carries [1-9]\d* who speak without pauses", lines[1])
        service.state.admission.rules = AdmissionRules(recognitions=1)
        assert "takes no new rounds (count)" in (await printed(rasr, service.url))[0]


@pytest.mark.parametrize(("sort", "first"), [("id", "2"), ("audio", "2"), ("state", "1")])
async def test_lines_are_sorted_by_the_column_that_was_named(
    rasr: Rasr, sort: str, first: str
) -> None:
    # The second one talks; "idle" comes before "silence".
    async with one_talks_one_idles() as service:
        lines = await printed(rasr, service.url, "--sort", sort)
    title, *rows = lines[3:]
    assert f"{sort} ↓" in title
    assert rows[0].split()[0] == first


async def test_on_a_pipe_it_prints_once_without_being_told(rasr: Rasr) -> None:
    async with Service(fake_settings()) as service:
        lines = await printed(rasr, service.url)
    assert sum("connections 0 of" in line for line in lines) == 1
    assert "\x1b" not in "".join(lines)


async def test_a_terminal_is_drawn_anew_until_ctrl_c_which_ends_it_quietly() -> None:
    loop = asyncio.get_running_loop()
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    seen, drawn = bytearray(), asyncio.Event()

    def read() -> None:
        seen.extend(os.read(ours, 65536))
        # The title that stands in every picture: the second one is drawn over the first.
        if seen.count("backlog ↓".encode()) >= 2:
            drawn.set()

    async with one_talks_one_idles() as service:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rasr", "top", service.url, "--interval", "0.2"),
            stdin=theirs,
            stdout=theirs,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | {"TERM": "xterm-256color"},
        )
        loop.add_reader(ours, read)
        try:
            async with asyncio.timeout(LONG_S):
                await drawn.wait()
                process.send_signal(signal.SIGINT)
                _, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
            loop.remove_reader(ours)
            os.close(theirs)
            os.close(ours)
    assert process.returncode == 0
    assert errors == b""
    # 80 columns: what matters stays, the rest does not squeeze it.
    # What was read last may have been cut within a letter.
    picture = seen.decode(errors="ignore")
    assert "p95 final" in picture
    assert "…" not in picture
    assert "property" not in picture


def test_without_a_server_it_says_so(rasr: Rasr) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}"
        result = rasr("top", url)
    assert result.exit_code == 1
    assert f"there is no server at {url}" in result.stderr


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1", "http://127.0.0.1:port"])
def test_what_is_no_address_is_refused(rasr: Rasr, url: str) -> None:
    result = rasr("top", url)
    assert result.exit_code == 2
    assert "is no address of a server" in result.stderr


async def test_a_server_that_does_not_take_us_for_its_own_machine_says_where_to_go(
    rasr: Rasr, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Service(fake_settings()) as service:
        monkeypatch.setattr("rasr.server.ops.sessions.is_loopback_name", lambda name: False)
        result = await asyncio.to_thread(rasr, "top", service.url)
    assert result.exit_code == 1
    assert "/sessions answers this machine alone" in result.stderr
    assert "tunnel" in result.stderr
