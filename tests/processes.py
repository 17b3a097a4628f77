"""Processes that tests kill, stop and wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil

LONG_S = 60.0
"""Far longer than anything in a test takes on the slowest machine."""


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so; what is waited for happens in another process."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(LONG_S):
        while not condition():
            turn = loop.create_future()
            loop.call_later(0.005, turn.set_result, None)
            await turn


class Process:
    """A process of the machine. It stays the same one if its number is used again."""

    def __init__(self, pid: int | None) -> None:
        assert pid is not None
        self.pid = pid
        self._process = psutil.Process(pid)  # type: ignore[no-untyped-call]

    def kill(self) -> None:
        self._process.kill()  # type: ignore[no-untyped-call]

    @property
    def children(self) -> list[Process]:
        """Those that it has begun, but for the ones that Python begins for itself."""
        try:
            found = self._process.children()  # type: ignore[no-untyped-call]
            return [Process(one.pid) for one in found if "spawn_main" in " ".join(one.cmdline())]
        except psutil.NoSuchProcess:
            return []

    def terminate(self) -> None:
        self._process.terminate()  # type: ignore[no-untyped-call]

    async def stop(self) -> None:
        """Stop it, as SIGSTOP does: it lives and does nothing."""
        self._process.suspend()  # type: ignore[no-untyped-call]
        await until(lambda: self.stopped)

    @property
    def stopped(self) -> bool:
        return self._status() == psutil.STATUS_STOPPED

    @property
    def asleep(self) -> bool:
        """It waits for something."""
        return self._status() == psutil.STATUS_SLEEPING

    @property
    def gone(self) -> bool:
        return self._status() in (None, psutil.STATUS_ZOMBIE)

    def _status(self) -> str | None:
        try:
            status: str = self._process.status()  # type: ignore[no-untyped-call]
        except psutil.NoSuchProcess:
            return None
        return status
