"""A scripted server beside a command that has a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.client.scripted import Script, scripted


@contextmanager
def scripted_server(script: Script) -> Iterator[str]:
    """The URL of a server that plays `script` in a thread; its faults fail the test."""
    ready = threading.Event()
    urls: list[str] = []
    faults: list[BaseException] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def play() -> None:
        done = asyncio.Event()
        async with scripted(script) as url:
            urls.append(url)
            stop.append((asyncio.get_running_loop(), done))
            ready.set()
            await done.wait()

    def run() -> None:
        try:
            asyncio.run(play())
        except BaseException as fault:
            faults.append(fault)
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield urls[0]
    finally:
        for loop, done in stop:
            loop.call_soon_threadsafe(done.set)
        thread.join()
    if faults:
        raise faults[0]
