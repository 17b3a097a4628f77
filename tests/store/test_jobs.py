"""Jobs in both databases: what many of them would break."""

from __future__ import annotations

from sqlalchemy import insert, select, update

from rasr.store.jobs import NewJob
from rasr.store.names import new_id
from rasr.store.records import JobRecord, JobState
from rasr.store.schema import JOBS
from rasr.store.store import Store

NOW = 1_767_323_045.0
LAST_TURN = (1 << 31) - 1
MANY = 40_000
"""More than a statement takes parameters."""


async def test_many_jobs_are_forgotten_some_at_a_time_and_asked_for_at_once(store: Store) -> None:
    names = [new_id() for _ in range(MANY)]
    async with store.writing() as work:
        open_one = NewJob(new_id(), "p", None, {}, "https://here/1.wav", None, "0")
        kept = await work.jobs.add(open_one, 1, NOW)
        [row] = (await work.connection.execute(select(JOBS))).mappings()
        over = dict(row) | {"state": JobState.FINISHED, "expires_at": NOW + 1}
        rows = [
            over | {"id": name, "digest": str(number)} for number, name in enumerate(names, start=1)
        ]
        for begin in range(0, MANY, 1000):
            await work.connection.execute(insert(JOBS), rows[begin : begin + 1000])
    async with store.writing() as work:
        assert await work.jobs.still_open([*names, kept.id]) == {kept.id}
        assert await work.jobs.forget_expired(NOW) == []
        gone: list[str] = []
        while some := await work.jobs.forget_expired(NOW + 2):
            # In a transaction that takes them all nobody else would write for seconds, and one that
            # is not over in time forgets none of them.
            assert len(some) <= 100
            gone += some
        assert sorted(gone) == sorted(names)
        assert [one.id for one in await work.jobs.open_ones()] == [kept.id]
        assert list((await work.connection.execute(select(JOBS.c.id))).scalars()) == [kept.id]


async def test_where_there_are_no_later_turns_jobs_are_taken_all_the_same(store: Store) -> None:
    async def take(project: str) -> JobRecord:
        async with store.writing() as work:
            job = NewJob(new_id(), project, None, {}, "https://here/1.wav", None, "0")
            return await work.jobs.add(job, 1, NOW)

    async def set_turn(job: JobRecord, turn: int) -> None:
        async with store.writing() as work:
            await work.jobs.start(job.id, NOW)
            await work.connection.execute(update(JOBS).where(JOBS.c.id == job.id).values(turn=turn))

    running = await take("a")
    await set_turn(running, LAST_TURN - 1000)
    assert [(await take(project)).turn for project in "aaba"] == [LAST_TURN] * 4
    async with store.writing() as work:
        for job in await work.jobs.open_ones():
            await work.jobs.forget(job.id)
    assert (await take("b")).turn == 1000
