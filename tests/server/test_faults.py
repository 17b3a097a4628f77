"""Workers that die, a server that is told to stop, engines that fail."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import psutil
import pytest

from bench.recordings import load
from rasr.scheduling import ProcessWorker
from rasr.server.service import Service
from rasr.settings import Settings
from tests.processes import LONG_S
from tests.server.audio import quiet, voiced
from tests.server.conftest import fake_settings
from tests.server.sdk import SdkClient

ONE_WORKER = {
    "server": {"port": 0},
    "decoding": {"workers": 1, "streams_per_worker": 1},
    "capacity": {"max_load": 0.0},
}


@pytest.mark.engine
async def test_a_worker_killed_in_the_middle_of_an_utterance_costs_a_delay_only() -> None:
    audio = load("library").samples.astype("<i2").tobytes()
    half = len(audio) // 2
    async with Service(Settings.model_validate(ONE_WORKER)) as service:
        async with SdkClient(service.url) as client:
            for killed in (False, True):
                await client.start(interim_results="yes", need_word_info="yes")
                await client.audio(audio[:half])
                await client.until("RESULT")
                if killed:
                    (only,) = service.state.schedulers["pocketsphinx"].workers
                    assert isinstance(only, ProcessWorker)
                    assert only.pid is not None
                    os.kill(only.pid, signal.SIGKILL)
                await client.audio(audio[half:] + quiet(300))
                await client.end()
        undisturbed, disturbed = client.finals
        assert disturbed == undisturbed
        assert disturbed["result"]["text"]
        assert service.state.schedulers["pocketsphinx"].statistics.restarts == 1


@pytest.mark.engine
async def test_workers_killed_while_idle_cost_a_delay_only() -> None:
    audio = load("library").samples.astype("<i2").tobytes()
    async with Service(Settings.model_validate(ONE_WORKER)) as service:
        (only,) = service.state.schedulers["pocketsphinx"].workers
        assert isinstance(only, ProcessWorker)
        assert only.pid is not None
        worker = psutil.Process(only.pid)  # type: ignore[no-untyped-call]
        worker.kill()  # type: ignore[no-untyped-call]
        # The pool notices a moment later; both orders are to work.
        await asyncio.to_thread(psutil.wait_procs, [worker], LONG_S)
        async with SdkClient(service.url) as client:
            for _ in range(2):
                await client.start()
                await client.audio(audio + quiet(300))
                await client.end()
        first, second = client.finals
        assert first == second
        assert first["result"]["text"]
        assert service.state.schedulers["pocketsphinx"].statistics.restarts == 1


async def test_an_utterance_that_the_engine_fails_on_ends_its_round_and_no_other() -> None:
    settings = fake_settings(engines={"fake": {"kind": "fake", "options": {"test_samples": True}}})
    magic = (32001).to_bytes(2, "little")
    async with Service(settings) as service:
        async with SdkClient(service.url) as bad, SdkClient(service.url) as good:
            await bad.start()
            await good.start()
            await bad.audio(quiet(300) + voiced(500) + magic * 10 + voiced(500))
            await bad.until("END")
            assert bad.told == ["START", "ERROR SIS.0305", "END ERROR"]
            await good.audio(quiet(300) + voiced(800))
            await good.end()
            assert good.told == ["START", "final", "END NORMAL"]


async def _serve(tmp_path: Path) -> tuple[asyncio.subprocess.Process, str]:
    config = tmp_path / "rasr.toml"
    config.write_text('[engines.fake]\nkind = "fake"\n[properties]\nenglish = "fake"\n')
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rasr", "serve", "--port", "0", "--config", str(config)),
        *("--log-format", "json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    found = re.search(r"ws://[\d.]+:\d+", line)
    assert found is not None, line
    return process, found[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_in_the_middle_of_an_utterance_loses_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    process, url = await _serve(tmp_path)
    async with SdkClient(url) as client:
        await client.start(interim_results="yes")
        await client.audio(quiet(300) + voiced(1500))
        await client.until("RESULT")
        process.send_signal(number)
        assert await client.closed() == 1001
        assert client.told[-2:] == ["final", "END NORMAL"]
    _, errors = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in errors


async def test_logs_hold_one_line_at_open_and_one_at_close_and_no_text(tmp_path: Path) -> None:
    process, url = await _serve(tmp_path)
    async with SdkClient(url) as client:
        await client.start()
        await client.audio(quiet(300) + voiced(1500))
        await client.end()
        spoken = client.text_of_finals.split()
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    lines = [line for line in errors.decode().splitlines() if "session_" in line]
    assert len(lines) == 2
    assert "session_opened" in lines[0]
    assert "session_closed" in lines[1]
    assert not any(word in errors.decode() for word in spoken)
