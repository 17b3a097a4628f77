"""Servers that are killed lose nothing and do nothing twice; others take over what they left."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from glob import glob
from pathlib import Path
from typing import Any

import pytest

from tests.longer import mostly_long
from tests.processes import until
from tests.recordings.hosts import Answer, Asked, Host, hanging, saying, serving
from tests.server.audio import quiet
from tests.server.jobs.lives import life
from tests.server.jobs.place import (
    JOBS,
    Asker,
    asking,
    job_settings,
    service_of,
    talk,
    texts,
    url_of,
)

RECORDINGS = 5
SENTENCES = 200


def told_apart(number: int) -> bytes:
    """Minutes, longer than a moment takes to be heard, other ones for each number."""
    return quiet(10 * number) + talk(SENTENCES)


def by_path(bodies: list[bytes]) -> Answer:
    """Each recording at a path of its own: /0 and so on."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await saying(bodies[int(asked.path.removeprefix("/"))])(asked, writer)

    return answer


@pytest.mark.parametrize("kills", mostly_long([4, 50], 4))
async def test_kills_at_any_moment_change_no_answer(tmp_path: Path, kills: int) -> None:
    bodies = [told_apart(number) for number in range(RECORDINGS)]
    async with serving(by_path(bodies)) as host:
        undisturbed = await _undisturbed(tmp_path / "calm", host)
        settings = job_settings(tmp_path / "wild", decoding={"workers": 1}, jobs={"same_s": 0.0})
        moments = random.Random(18)
        jobs: list[str] = []
        cut_short = begun_in_vain = 0
        host.asked.clear()
        for _ in range(kills):
            async with life(settings) as asker:
                # There is always one that is open, and sometimes several are.
                if moments.random() < 0.1 or not jobs or not await _is_open(asker, jobs[-1]):
                    path = f"/{len(jobs) % RECORDINGS}"
                    jobs.append(await asker.submit(url_of(host, path)))
                await asker.until(jobs[-1], come_to(moments.choice((0, 0, 30, 70))))
                await asyncio.sleep(moments.uniform(0.0, 0.1))
                cut_short += await _is_open(asker, jobs[-1])
                told = [(await asker.show(job)).json() for job in jobs]
                begun_in_vain += sum("audio_duration" not in one for one in told)
        async with life(settings) as asker:
            told = [await asker.over(job) for job in jobs]
            listed = (await asker.web.get(JOBS)).json()
    assert cut_short >= kills // 2
    assert [one["segments"] for one in told] == [
        undisturbed[number % RECORDINGS]["segments"] for number in range(len(jobs))
    ]
    assert listed["count"] == len(jobs)
    # What was fetched whole is not fetched again.
    assert len(host.asked) <= len(jobs) + begun_in_vain


async def _is_open(asker: Asker, job: str) -> bool:
    return bool((await asker.show(job)).json()["status"] == "WAITING")


def come_to(percent: int) -> Callable[[dict[str, Any]], bool]:
    """True of what is told of a job that has come so far, or is over."""
    return lambda told: told["status"] != "WAITING" or told["progress"] >= percent


async def _undisturbed(folder: Path, host: Host) -> list[dict[str, object]]:
    async with service_of(job_settings(folder)) as service, asking(service) as asker:
        jobs = [await asker.submit(url_of(host, f"/{number}")) for number in range(RECORDINGS)]
        told = [await asker.over(job) for job in jobs]
    assert [len(texts(one)) for one in told] == [SENTENCES] * RECORDINGS
    return told


async def test_what_a_stopped_server_has_begun_goes_on_after_a_restart(tmp_path: Path) -> None:
    settings = job_settings(tmp_path)
    async with serving(saying(talk(SENTENCES))) as host:
        async with service_of(settings) as service, asking(service) as asker:
            job = await asker.submit(url_of(host))
        async with service_of(settings) as service, asking(service) as asker:
            told = await asker.over(job)
    assert len(texts(told)) == SENTENCES


async def test_a_server_takes_over_from_one_that_is_gone(tmp_path: Path) -> None:
    """It begins while the other one works, which then is killed and does not come back."""
    settings = job_settings(tmp_path, decoding={"workers": 1})
    async with serving(saying(talk(SENTENCES))) as host, AsyncExitStack() as survivors:
        async with life(settings, beat_s=0.1) as other:
            jobs = [await other.submit(url_of(host, f"/{number}.wav")) for number in range(2)]
            for job in jobs:
                # Both are begun, so that both have to be taken over.
                await other.begun(job)
            survivor = await survivors.enter_async_context(life(settings, beat_s=0.1))
        told = [await survivor.over(job) for job in jobs]
    assert [len(texts(one)) for one in told] == [SENTENCES] * 2


async def test_a_job_that_is_taken_back_at_another_server_leaves_nothing_where_it_is_done(
    tmp_path: Path,
) -> None:
    engines: dict[str, object] = {"fake": {"kind": "fake", "options": {"cost_ms_per_second": 40.0}}}
    store: dict[str, object] = {"url": f"sqlite:///{tmp_path}/shared/store.db"}
    asked = job_settings(tmp_path / "asked", store=store, jobs={"at_once": 0})
    does = job_settings(tmp_path / "does", store=store, engines=engines)

    def here() -> list[str]:
        # One may go while they are looked at.
        return glob("*/*", root_dir=tmp_path / "does" / "cache" / "recordings-of-jobs")

    async with serving(saying(talk(60))) as host, serving(hanging) as slow:
        async with life(asked, beat_s=0.1) as one, life(does, beat_s=0.1):
            # The one that is over some time comes last.
            jobs = [await one.submit(url_of(slow))]
            await until(lambda: len(here()) == 1)
            jobs.append(await one.submit(url_of(host)))
            await one.begun(jobs[1])
            assert len(here()) == 2
            for job in jobs:
                assert (await one.web.delete(f"{JOBS}/{job}")).status_code == 204
            await until(lambda: here() == [])
