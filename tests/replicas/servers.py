"""Replicas as processes of their own, each with the engine that needs no model."""

from __future__ import annotations

import asyncio
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.processes import LONG_S
from tools.ports import free_port

_SETTINGS = """
[server]
host = "127.0.0.1"
port = {port}
drain_s = 5.0
log_level = "warning"

[replicas]
finish_s = 60.0
{more}

[session]
# People wait for one another, and for servers that start.
idle_s = 600.0
resume_s = 600.0

[engines.fake]
kind = "fake"

[properties]
english = "fake"

[capacity]
max_load = 0.0

[decoding]
workers = 1

[auth]
kind = "none"
"""


class Replica:
    """One server, which can be stopped and started again at its port."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.port = free_port()
        self._config = folder / f"{self.port}.toml"
        more = more.replace("PORT", str(self.port))
        self._config.write_text(_SETTINGS.format(port=self.port, more=more), "utf-8")
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rasr", "serve", "--config", str(self._config)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await answers(f"{self.url}/readyz", 200)

    async def kill(self) -> None:
        """It is gone from one moment to the next."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """Stop it in order; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(LONG_S):
            return await self._process.wait()

    async def end(self) -> None:
        """Whatever it does, it is gone."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()


@asynccontextmanager
async def replicas(folder: Path, count: int, more: str = "") -> AsyncIterator[list[Replica]]:
    """So many, all ready."""
    made = [Replica(folder, more) for _ in range(count)]
    async with AsyncExitStack() as stack:
        for one in made:
            stack.push_async_callback(one.end)
        await asyncio.gather(*(one.start() for one in made))
        yield made


async def answers(url: str, status: int) -> None:
    """Wait until a GET is answered so."""
    async with asyncio.timeout(LONG_S):
        while await asyncio.to_thread(_status, url) != status:  # noqa: ASYNC110, nobody tells
            await asyncio.sleep(0.05)


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=LONG_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0
