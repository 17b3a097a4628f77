"""A job waits for the database as long as it is gone, and goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from rasr.server.jobs.hearing import Hearing
from rasr.server.jobs.tools import OpenJob
from rasr.server.jobs.workflows import Told
from rasr.store.keyring import new_key
from rasr.store.records import JobState
from rasr.store.schema import JOBS as TABLE
from rasr.store.store import back_up_store, open_store, restore_store
from tests.processes import LONG_S, until
from tests.recordings.hosts import saying, serving
from tests.server.jobs.place import (
    JOBS,
    SLOW,
    asking,
    job_settings,
    service_of,
    talk,
    texts,
    url_of,
)


async def test_the_database_may_be_gone_while_a_job_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back once the job has noticed; nothing is lost or told twice."""
    monkeypatch.setattr("rasr.server.jobs.tools.AGAIN_S", 0.05)
    is_gone, minute = asyncio.Event(), Hearing.minute

    async def when_it_is_gone(hearing: Hearing, job: OpenJob, before: Told) -> Told:
        await is_gone.wait()
        return await minute(hearing, job, before)

    monkeypatch.setattr(Hearing, "minute", when_it_is_gone)
    file, aside = tmp_path / "store" / "store.db", tmp_path / "aside"
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        async with serving(saying(talk(90))) as host:
            job = await asker.submit(url_of(host))
            await asker.begun(job)
            with capture_logs() as lines:
                file.rename(aside)
                is_gone.set()
                answer = await asker.show(job)
                assert (answer.status_code, answer.json()["error_code"]) == (500, "SIS.0001")
                await until(lambda: any(one["event"] == "job_waits_for_store" for one in lines))
                aside.rename(file)
            told = await asker.over(job)
    assert told["status"] == "FINISHED"
    assert len(texts(told)) == 90


async def test_jobs_whose_keys_are_lost_fail_and_others_go_on(tmp_path: Path) -> None:
    """One had to be begun, and of another one the answer was on its way."""
    async with serving(saying(talk(1))) as host, serving(saying(b"", "500 Oh")) as receiver:
        settings = job_settings(tmp_path, jobs={"at_once": 0})
        async with service_of(settings) as service, asking(service) as asker:
            told = await asker.submit(url_of(host), callback_url=url_of(receiver))
            open_one = await asker.submit(url_of(host, "/2"), callback_url=url_of(receiver))
        on_its_way = {
            "id": told,
            "began_at": 0.0,
            "state": "WAITING",
            "attempts": 1,
            "next_at": 0.0,
            "ended_at": None,
            "fault": "the receiver answers with HTTP 500",
        }
        async with await open_store(settings.store, {}) as store, store.writing() as work:
            ended = {"state": JobState.FINISHED, "finished_at": 1.0, "delivery": on_its_way}
            await work.connection.execute(update(TABLE).where(TABLE.c.id == told).values(ended))
        (tmp_path / "store" / "store.db.keys").write_text(f"{new_key()}\n", "ascii")
        settings = job_settings(tmp_path, jobs={"at_once": 1})
        async with service_of(settings, 0.1) as service, asking(service) as asker:
            assert service.state.jobs is not None
            failed = await asker.over(open_one)
            other = await asker.over(await asker.submit(url_of(host, "/3")))
            # As the queue does it.
            works = await service.state.jobs._running.begun()
            assert await works.work.deliver(told) == {}
            lost = (await asker.show(told)).json()
    assert failed["error_code"] == "SIS.0100"
    assert "lost the key" in failed["error_msg"]
    assert other["status"] == "FINISHED"
    assert lost["callback"]["state"] == "GIVEN_UP"
    assert receiver.asked == []


async def test_a_damaged_database_of_workflows_may_be_mended_while_a_server_runs(
    tmp_path: Path,
) -> None:
    async with serving(saying(talk(1))) as host:
        settings = job_settings(tmp_path, jobs={"at_once": 0})
        async with service_of(settings) as service, asking(service) as asker:
            job = await asker.submit(url_of(host))
        file = tmp_path / "store" / "store.db.jobs" / "workflows.db"
        for one in file.parent.glob("workflows.db*"):
            one.unlink()
        file.write_bytes(b"no database " * 1000)
        with capture_logs() as lines:
            async with service_of(job_settings(tmp_path), 0.1) as service:
                await until(lambda: any(one["event"] == "jobs_not_looked_after" for one in lines))
                file.unlink()
                async with asking(service) as asker:
                    told = await asker.over(job)
    assert told["status"] == "FINISHED"


async def test_the_database_of_workflows_may_be_taken_away_while_a_job_runs(
    tmp_path: Path,
) -> None:
    """That job goes on, and others are taken."""
    settings = job_settings(tmp_path, jobs={"at_once": 1}, engines=SLOW)
    async with serving(saying(talk(35))) as long, serving(saying(talk(1))) as short:
        async with service_of(settings) as service, asking(service) as asker:
            first = await asker.submit(url_of(long))
            await asker.begun(first)
            _take_workflows_away(tmp_path)
            with capture_logs() as lines:
                second = await asker.submit(url_of(short))
            told = [await asker.over(job) for job in (first, second)]
    assert [one["status"] for one in told] == ["FINISHED", "FINISHED"]
    assert [len(texts(one)) for one in told] == [35, 1]
    assert [one["event"] for one in lines].count("workflows_lost") == 1


async def test_an_answer_that_is_still_to_be_sent_is_sent_where_workflows_are_gone(
    tmp_path: Path,
) -> None:
    """Also where no job is open."""
    settings = job_settings(tmp_path)
    async with (
        serving(saying(talk(1))) as host,
        serving(saying(b"", "500 Oh"), saying()) as receiver,
    ):
        async with service_of(settings) as service, asking(service) as asker:
            job = await asker.submit(url_of(host), callback_url=url_of(receiver))
            await asker.until(job, lambda now: now.get("callback", {}).get("attempts") == 1)
        _take_workflows_away(tmp_path)
        async with await open_store(settings.store, {}) as store, store.writing() as work:
            record = await work.jobs.find(job)
            assert record is not None
            assert record.delivery is not None
            due = {"delivery": {**record.delivery, "next_at": 0.0}}
            await work.connection.execute(update(TABLE).values(due))
        async with service_of(settings, 0.1) as service, asking(service) as asker:
            told = await asker.until(job, lambda now: now["callback"]["state"] != "WAITING")
    assert told["callback"]["state"] == "DELIVERED"
    assert len(receiver.asked) == 2


async def test_a_process_that_holds_the_database_of_workflows_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does that is stopped in the middle of writing. The job is done when that goes on."""
    async with service_of(job_settings(tmp_path)) as service, asking(service) as asker:
        async with serving(saying(talk(1))) as host:
            await asker.over(await asker.submit(url_of(host, "/first")))
            monkeypatch.setattr("rasr.server.jobs.workflows._ANSWER_S", 0.2)
            path = tmp_path / "store" / "store.db.jobs" / "workflows.db"
            with closing(sqlite3.connect(path, timeout=LONG_S, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                answer = await asker.post(url_of(host))
                other.execute("ROLLBACK")
            monkeypatch.undo()
            again = await asker.submit(url_of(host))
            told = await asker.over(again)
            count = (await asker.web.get(JOBS)).json()["count"]
    assert (answer.status_code, answer.json()["error_code"]) == (500, "SIS.0001")
    assert (told["status"], count) == ("FINISHED", 2)


def _take_workflows_away(folder: Path) -> None:
    found = list((folder / "store" / "store.db.jobs").glob("workflows.db*"))
    assert found
    for one in found:
        one.unlink()


async def test_a_job_that_is_open_again_in_a_store_of_before_is_done_again(tmp_path: Path) -> None:
    """As one is that was put back from a backup, while the workflows are those of now: those go,
    and would not be believed."""
    async with serving(saying(talk(1))) as host:
        settings = job_settings(tmp_path, jobs={"at_once": 0})
        async with service_of(settings) as service, asking(service) as asker:
            jobs = [await asker.submit(url_of(host, path)) for path in ("/1", "/2")]
        await back_up_store(settings.store, {}, tmp_path / "backup.db")
        settings = job_settings(tmp_path)
        async with service_of(settings) as service, asking(service) as asker:
            await asker.over(jobs[0])
            assert (await asker.web.delete(f"{JOBS}/{jobs[1]}")).status_code == 204
        workflows = tmp_path / "store" / "store.db.jobs" / "workflows.db"
        known = workflows.read_bytes()
        await restore_store(settings.store, {}, tmp_path / "backup.db", force=True)
        assert not workflows.exists()
        workflows.write_bytes(known)
        async with service_of(settings) as service, asking(service) as asker:
            told = [await asker.over(job) for job in jobs]
    assert [one["status"] for one in told] == ["FINISHED", "FINISHED"]
