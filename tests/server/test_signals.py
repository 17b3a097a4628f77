"""SIGTERM ends the process within a bound, whatever state it is in and whatever hangs in it.

The exit code says whether it was in time: force comes `FORCE_S` after the time for sessions to end.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.processes import LONG_S, Process, until
from tests.server.audio import quiet, voiced
from tests.server.sdk import PROJECT, SdkClient

SETTINGS: dict[str, dict[str, object]] = {
    "server": {"port": 0, "drain_s": 0.5},
    "decoding": {"workers": 1, "streams_per_worker": 4},
    "capacity": {"max_load": 0.0},
}
_AGAIN_S = 0.5
"""A person presses Ctrl-C again after so long."""


class Server:
    """A server process, and what it said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.logs: list[dict[str, object]] = []
        self.other: list[str] = []
        """Lines of standard error that are no log: tracebacks."""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        if self._process.stderr is None:
            return
        async for line in self._process.stderr:
            try:
                self.logs.append(json.loads(line))
            except ValueError:
                self.other.append(line.decode())

    async def says(self, word: str) -> str:
        """The rest of the next line of standard output, which begins with this word."""
        assert self._process.stdout is not None
        async with asyncio.timeout(LONG_S):
            line = (await self._process.stdout.readline()).decode()
        assert line.startswith(word), line
        return line.removeprefix(word).strip()

    async def worker(self) -> Process:
        """Its worker process, as soon as there is one."""
        server = Process(self._process.pid)
        await until(lambda: bool(server.children))
        return server.children[0]

    def send(self, number: signal.Signals) -> None:
        # Popen would look whether the process has ended, and keep the exit code from asyncio.
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    async def ended_by_repeating(self, number: signal.Signals) -> None:
        """Send it until the process has ended, as a person presses Ctrl-C again.

        One that comes while another is not yet seen may reach a thread that is not the main one.
        A main thread that hangs in a lock hears of it with the next.
        """
        async with asyncio.timeout(LONG_S):
            while self._process.returncode is None:
                self.send(number)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), _AGAIN_S)

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        async with asyncio.timeout(LONG_S):
            assert self._process.stdout is not None
            await self._process.stdout.read()
            await self._reading
            return await self._process.wait()

    def logged(self, event: str) -> list[dict[str, object]]:
        return [line for line in self.logs if line["event"] == event]

    def tells_what_hangs(self) -> None:
        assert any("faulty_server.py" in line and "in hang" in line for line in self.other)


@asynccontextmanager
async def serving(
    fault: str = "none", stderr: int = asyncio.subprocess.PIPE, **sections: dict[str, object]
) -> AsyncIterator[Server]:
    settings = {**SETTINGS, **sections}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.server.faulty_server", fault, json.dumps(settings)),
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
    )
    server = Server(process)
    try:
        yield server
    finally:
        if process.returncode is None:
            process.kill()
        await server.ended()


def address(ready: str) -> str:
    found = re.search(r"ws://[\d.]+:\d+", ready)
    assert found is not None, ready
    return found[0]


async def idle(url: str) -> None:
    """Wait until the server has answered a request, and so whatever came before."""
    request = urllib.request.Request(url.replace("ws:", "http:") + "/healthz")
    await asyncio.to_thread(lambda: urllib.request.urlopen(request).close())


@pytest.mark.parametrize(
    ("fault", "capacity"),
    [("worker stops while loading", {"max_load": 0.0}), ("worker stops while measured", {})],
)
async def test_while_it_starts_with_a_worker_that_does_nothing_it_ends_as_told(
    fault: str, capacity: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    # No calibration is remembered there.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    async with serving(fault, capacity=capacity) as server:
        worker = await server.worker()
        await until(lambda: worker.stopped)
        server.send(signal.SIGTERM)
        assert await server.ended() == 0
        (line,) = server.logged("stopping")
        assert (line["signal"], line["state"]) == ("SIGTERM", "starting")
        assert [one["event"] for one in server.logs[-2:]] == ["stopping", "stopped"]
        assert server.other == []
        await until(lambda: worker.gone)


async def test_a_thread_that_loads_for_ever_is_ended_by_force() -> None:
    async with serving("thread hangs while loading") as server:
        await server.says("HANGS")
        server.send(signal.SIGTERM)
        assert await server.ended() == 1
        assert server.logged("stopped"), "all but the thread has ended"
        server.tells_what_hangs()


@pytest.mark.long
async def test_a_thread_that_loads_for_ever_does_not_keep_a_server_that_could_not_start() -> None:
    settings: dict[str, object] = {"load_timeout_s": 0.5}
    async with serving("thread hangs while loading", decoding=settings) as server:
        assert await server.ended() == 1
        assert any("has not loaded within 0.5 s" in line for line in server.other)


async def test_an_event_loop_that_hangs_is_ended_by_force() -> None:
    async with serving("loop hangs") as server:
        await server.says("READY")
        await server.says("HANGS")
        server.send(signal.SIGTERM)
        assert await server.ended() == 1
        server.tells_what_hangs()


@pytest.mark.long
async def test_where_even_standard_error_hangs_the_kernel_ends_it() -> None:
    nobody_reads, written = os.pipe()
    try:
        async with serving("loop and standard error hang", written) as server:
            await server.says("READY")
            await server.says("HANGS")
            server.send(signal.SIGTERM)
            assert await server.ended() == -signal.SIGALRM
    finally:
        os.close(nobody_reads)
        os.close(written)


@pytest.mark.parametrize("fault", ["none", "loop hangs"])
async def test_a_second_signal_ends_it_at_once(fault: str) -> None:
    # For ever, as far as this test is concerned.
    async with serving(fault, server={"port": 0, "drain_s": 3600.0}) as server:
        url = await server.says("READY")
        if fault == "loop hangs":
            await server.says("HANGS")
            server.send(signal.SIGTERM)
            await server.ended_by_repeating(signal.SIGINT)
        else:
            async with speaking_to_nobody(server, url):
                server.send(signal.SIGTERM)
                await until(lambda: bool(server.logged("draining")))
                # Once nobody speaks any more it ends by itself.
                await server.ended_by_repeating(signal.SIGINT)
        assert await server.ended() == 1
        assert not server.logged("stopped")
        # Of two that come at the same time Python sees either first.
        assert len(server.logged("stopped_at_once")) == 1


@asynccontextmanager
async def speaking_to_nobody(server: Server, url: str) -> AsyncIterator[tuple[SdkClient, Process]]:
    """A client in the middle of speech whose worker is stopped, and the worker."""
    worker = await server.worker()
    async with SdkClient(address(url), "rasr/sentence-stream") as client:
        await client.start()
        await worker.stop()
        await client.audio(quiet(300) + voiced(1500))
        await client.until("EVENT")
        yield client, worker


async def test_a_worker_that_is_stopped_idle_does_not_keep_it() -> None:
    async with serving() as server:
        await server.says("READY")
        worker = await server.worker()
        await worker.stop()
        server.send(signal.SIGTERM)
        assert await server.ended() == 0
        await until(lambda: worker.gone)


async def test_a_session_whose_worker_is_stopped_is_closed_after_the_time_to_drain() -> None:
    async with serving() as server:
        url = await server.says("READY")
        async with speaking_to_nobody(server, url) as (client, worker):
            server.send(signal.SIGTERM)
            assert await client.closed() == 1001
        assert await server.ended() == 0
        assert server.logged("drain_deadline")
        assert not server.logged("sessions_dropped")
        await until(lambda: worker.gone)


@pytest.mark.long
async def test_a_client_that_never_reads_is_dropped_after_the_time_to_drain() -> None:
    async with serving("clients do not read") as server:
        url = await server.says("READY")
        reader = await connect(
            f"{address(url)}/v1/{PROJECT}/rasr/continue-stream", compression=None, proxy=None
        )
        reader.transport.pause_reading()
        sent = 0

        async def flood() -> None:
            nonlocal sent
            while True:
                await reader.send("nonsense")
                sent += 1
                # What does not wait does not let others run.
                await asyncio.sleep(0)

        flooding = asyncio.create_task(flood())
        before = -1
        while before != sent:
            # Neither takes the server anything, nor does it give anything.
            before = sent
            for _ in range(5):
                await idle(address(url))
        server.send(signal.SIGTERM)
        assert await server.ended() == 0
        assert server.logged("sessions_dropped")
        flooding.cancel()
        await asyncio.wait({flooding})
        assert flooding.cancelled() or isinstance(flooding.exception(), ConnectionClosed)
