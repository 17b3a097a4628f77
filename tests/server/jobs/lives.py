"""Servers in processes of their own, which tests kill."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection

import httpx

from rasr.settings import Settings
from tests.processes import LONG_S
from tests.server.jobs.place import Asker, service_of

_LOADED = ["rasr.server.service", "rasr.server.jobs.works", "rasr.store.directory", "dbos"]
"""Loaded once, so that each server begins in a moment."""


@asynccontextmanager
async def life(settings: Settings, beat_s: float = 5.0) -> AsyncIterator[Asker]:
    """A server until its process is killed, as by SIGKILL: it has no time for anything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    near, far = context.Pipe()
    process = context.Process(target=_serve, args=(settings, far, beat_s))
    process.start()
    far.close()
    try:
        url = await asyncio.to_thread(near.recv)
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=LONG_S) as web:
            yield Asker(web)
    finally:
        process.kill()
        await asyncio.to_thread(process.join)
        near.close()


def _serve(settings: Settings, connection: Connection, beat_s: float) -> None:
    asyncio.run(_until_killed(settings, connection, beat_s))


async def _until_killed(settings: Settings, connection: Connection, beat_s: float) -> None:
    async with service_of(settings, beat_s) as service:
        connection.send(service.url.replace("ws:", "http:"))
        await asyncio.Event().wait()
