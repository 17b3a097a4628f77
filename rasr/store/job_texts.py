"""What was said in recordings, and what of some lists stands in it, in a transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.inserting import insert_into
from rasr.store.schema import JOB_HEARD, JOB_MARKS, JOB_SEGMENTS, JOBS


class JobTexts:
    """What was said in the recordings of jobs. Segments are JSON with commas between."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def put_minute(
        self, job_id: str, minute: int, segments: str, done_ms: int, marks: Mapping[str, int]
    ) -> None:
        """What was said in a minute, as it is told; it replaces what was kept of it before.

        Args:
            done_ms: so much of the audio has been heard now.
            marks: in how many places something of a list stands, by the names of the lists.
        """
        if await self._is_gone(job_id):
            return
        if segments:
            await self._put(JOB_SEGMENTS, segments, job_id=job_id, minute=minute)
        await self._put_marks(job_id, minute, marks)
        await self._done(job_id, done_ms)

    async def put_heard(
        self, job_id: str, channel: int, minute: int, segments: str, done_ms: int
    ) -> None:
        """What was said in a minute of a channel, with all words, until the whole is analysed."""
        if await self._is_gone(job_id):
            return
        if segments:
            await self._put(JOB_HEARD, segments, job_id=job_id, channel=channel, minute=minute)
        await self._done(job_id, done_ms)

    async def heard(self, job_id: str) -> list[tuple[int, str]]:
        """What is still to be analysed: channel, and segments as `segments` has them."""
        query = select(JOB_HEARD.c.channel, JOB_HEARD.c.segments)
        query = query.where(JOB_HEARD.c.job_id == job_id)
        rows = await self._connection.execute(
            query.order_by(JOB_HEARD.c.channel, JOB_HEARD.c.minute)
        )
        return [(row[0], row[1]) for row in rows]

    async def put_analysed(
        self, job_id: str, parts: Sequence[str], marks: Mapping[str, int]
    ) -> None:
        """All that was said, as it is told, in the place of what was heard."""
        if await self._is_gone(job_id):
            return
        for number, segments in enumerate(parts):
            await self._put(JOB_SEGMENTS, segments, job_id=job_id, minute=number)
        await self._put_marks(job_id, 0, marks)
        await self._connection.execute(delete(JOB_HEARD).where(JOB_HEARD.c.job_id == job_id))

    async def segments(self, job_id: str) -> list[str]:
        """What was said, part by part: JSON with commas between."""
        query = select(JOB_SEGMENTS.c.segments).where(JOB_SEGMENTS.c.job_id == job_id)
        return list(
            (await self._connection.execute(query.order_by(JOB_SEGMENTS.c.minute))).scalars()
        )

    async def marks(self, job_ids: Collection[str]) -> dict[str, dict[str, int]]:
        """Of each job in how many places something of a list stands, by the names of the lists."""
        query = select(JOB_MARKS.c.job_id, JOB_MARKS.c.name, func.sum(JOB_MARKS.c.places))
        query = query.where(JOB_MARKS.c.job_id.in_(job_ids))
        rows = await self._connection.execute(
            query.group_by(JOB_MARKS.c.job_id, JOB_MARKS.c.name).order_by(JOB_MARKS.c.name)
        )
        found: dict[str, dict[str, int]] = {}
        for job_id, name, places in rows:
            found.setdefault(job_id, {})[name] = int(places)
        return found

    async def _is_gone(self, job_id: str) -> bool:
        """True if somebody has taken it back."""
        found = await self._connection.execute(select(JOBS.c.id).where(JOBS.c.id == job_id))
        return found.first() is None

    async def _put(self, table: Table, segments: str, **place: str | int) -> None:
        added = insert_into(self._connection, table).values(**place, segments=segments)
        await self._connection.execute(
            added.on_conflict_do_update(
                index_elements=list(place), set_={"segments": added.excluded.segments}
            )
        )

    async def _put_marks(self, job_id: str, minute: int, marks: Mapping[str, int]) -> None:
        await self._connection.execute(
            delete(JOB_MARKS).where(JOB_MARKS.c.job_id == job_id, JOB_MARKS.c.minute == minute)
        )
        rows = [
            {"job_id": job_id, "minute": minute, "name": name, "places": places}
            for name, places in marks.items()
        ]
        if rows:
            await self._connection.execute(insert(JOB_MARKS), rows)

    async def _done(self, job_id: str, done_ms: int) -> None:
        await self._connection.execute(
            update(JOBS)
            .where(JOBS.c.id == job_id, JOBS.c.done_ms < done_ms)
            .values(done_ms=done_ms)
        )
