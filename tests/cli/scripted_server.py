"""A scripted server beside a command that has a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import partial

from tests.client.scripted import Script, scripted


def scripted_server(script: Script) -> AbstractContextManager[str]:
    """The URL of a server that plays `script` in a thread; its faults fail the test."""
    return in_a_thread(partial(scripted, script))


@contextmanager
def in_a_thread(serve: Callable[[], AbstractAsyncContextManager[str]]) -> Iterator[str]:
    """The URL that `serve` yields, in a thread with a loop of its own."""
    ready = threading.Event()
    urls: list[str] = []
    faults: list[BaseException] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def play() -> None:
        done = asyncio.Event()
        async with serve() as url:
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
