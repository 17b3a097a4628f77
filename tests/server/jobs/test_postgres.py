"""Jobs where the store is in PostgreSQL: the workflows are in the same database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rasr.server.jobs.needs import StoreClock
from rasr.settings import StoreSettings
from rasr.store.store import Work
from tests.recordings.hosts import saying, serving
from tests.server.jobs.place import asking, job_settings, service_of, talk, texts, url_of


async def test_a_job_is_done_and_goes_on_after_a_restart(
    tmp_path: Path, postgres_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    given = postgres_settings.model_dump()
    settings = job_settings(tmp_path, store=given)
    async with serving(saying(talk(75))) as host:
        async with service_of(settings) as service, asking(service) as asker:
            job = await asker.submit(url_of(host))
            await asker.begun(job)
        async with service_of(settings) as service, asking(service) as asker:
            told = await asker.over(job)
    assert len(texts(told)) == 75


async def test_a_server_whose_clock_is_wrong_ends_no_jobs(
    tmp_path: Path, postgres_settings: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight hours ahead every job would be late, and four days ahead forgotten."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    settings = job_settings(tmp_path, store=postgres_settings.model_dump())
    async with serving(saying(talk(2))) as host:
        async with service_of(settings) as service, asking(service) as asker:
            job = await asker.submit(url_of(host))
            before = await asker.over(job)
        ahead = (lambda: time.time() + 4 * 86_400,)
        monkeypatch.setattr(StoreClock.__init__, "__defaults__", ahead)
        async with service_of(settings, beat_s=0.05) as service, asking(service) as asker:
            other = await asker.submit(url_of(host, "/b.wav"))
            told = await asker.over(other)
            beats = asyncio.Event()
            monkeypatch.setattr(StoreClock, "follow", counting(StoreClock.follow, 3, beats))
            await beats.wait()
            assert (await asker.show(job)).json() == before
    assert told["status"] == "FINISHED"


def counting(
    follow: Callable[[StoreClock, Work], Awaitable[None]], most: int, event: asyncio.Event
) -> Callable[[StoreClock, Work], Awaitable[None]]:
    """The same, and sets the event after so many times."""
    times = 0

    async def counted(clock: StoreClock, work: Work) -> None:
        nonlocal times
        await follow(clock, work)
        times += 1
        if times == most:
            event.set()

    return counted
