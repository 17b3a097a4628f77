"""Recordings that are sent to the server, part by part, in a transaction."""

from __future__ import annotations

from itertools import accumulate

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.errors import TooMany, Unknown
from rasr.store.names import is_id, may_be_kept, new_id
from rasr.store.records import OPEN_STATES
from rasr.store.schema import JOBS, UPLOAD_PARTS, UPLOADS

_DROPPED = 1000
_BYTES = 4 << 20
"""So many parts, or so many bytes, are forgotten in one transaction."""


class Uploads:
    """Recordings until the job that is to hear them is over."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def begin(self, project_id: str, now: float, most: int) -> str:
        """A recording of which no part has come yet. Returns its id.

        Args:
            most: recordings of a project that may be here at once.

        Raises:
            TooMany: so many are.
        """
        query = select(func.count()).where(UPLOADS.c.project_id == project_id)
        count = (await self._connection.execute(query)).scalar_one()
        if count >= most:
            raise TooMany(f"{count} recordings of this project are here, which is the most")
        upload_id = new_id()
        await self._connection.execute(
            insert(UPLOADS).values(
                id=upload_id, project_id=project_id, created_at=now, dropped=False
            )
        )
        return upload_id

    async def put(
        self, project_id: str, upload_id: str, part: int, content: bytes, most_bytes: int
    ) -> None:
        """Keep a part, in place of the one of this number that came before.

        Args:
            most_bytes: of all parts together.

        Raises:
            Unknown: the project has no such recording here.
            TooMany: it would have more bytes than it may.
        """
        await self._check(project_id, upload_id)
        table = UPLOAD_PARTS.c
        others = select(func.coalesce(func.sum(table.bytes), 0)).where(
            table.upload_id == upload_id, table.part != part
        )
        size = (await self._connection.execute(others)).scalar_one() + len(content)
        if size > most_bytes:
            raise TooMany(f"the recording has {size} bytes and more; allowed: {most_bytes} at most")
        await self._connection.execute(
            delete(UPLOAD_PARTS).where(table.upload_id == upload_id, table.part == part)
        )
        await self._connection.execute(
            insert(UPLOAD_PARTS).values(
                upload_id=upload_id, part=part, bytes=len(content), content=content
            )
        )

    async def parts(self, project_id: str, upload_id: str) -> list[int]:
        """The numbers of the parts that have come.

        Raises:
            Unknown: the project has no such recording here.
        """
        await self._check(project_id, upload_id)
        query = select(UPLOAD_PARTS.c.part).where(UPLOAD_PARTS.c.upload_id == upload_id)
        return list((await self._connection.execute(query.order_by(UPLOAD_PARTS.c.part))).scalars())

    async def content(self, upload_id: str, part: int) -> bytes | None:
        """A part; None where there is none of this number."""
        table = UPLOAD_PARTS.c
        query = select(table.content).where(table.upload_id == upload_id, table.part == part)
        found: bytes | None = (await self._connection.execute(query)).scalar_one_or_none()
        return found

    async def is_needed(self, project_id: str, upload_id: str) -> bool:
        """True if a job that waits or runs needs a recording. To be asked before the first
        `drop_parts`, in one transaction with it: behind that it is no recording any more.

        Raises:
            Unknown: the project has no such recording here.
        """
        await self._check(project_id, upload_id)
        return await self._is_needed(upload_id)

    async def drop_parts(self, upload_id: str) -> bool:
        """Forget the first part, or some that are small; once there is none, the recording. False
        where nothing is left to forget, and where a job that waits or runs needs it.

        A few at a time, so that no transaction takes long, and that many small ones are no more of
        them. From the first time on no job gets it and no part is added: whoever keeps sending
        parts would keep those busy who forget them.
        """
        await self._hold(UPLOADS.c.id == upload_id)
        if await self._is_needed(upload_id):
            return False
        await self._connection.execute(
            update(UPLOADS).where(UPLOADS.c.id == upload_id).values(dropped=True)
        )
        table = UPLOAD_PARTS.c
        query = select(table.part, table.bytes).where(table.upload_id == upload_id)
        first = (await self._connection.execute(query.order_by(table.part).limit(_DROPPED))).all()
        if first:
            sizes = accumulate(one.bytes for one in first)
            some = [one.part for one, size in zip(first, sizes, strict=True) if size <= _BYTES]
            last = some[-1] if some else first[0].part
            await self._connection.execute(
                delete(UPLOAD_PARTS).where(table.upload_id == upload_id, table.part <= last)
            )
            return True
        await self._connection.execute(delete(UPLOADS).where(UPLOADS.c.id == upload_id))
        return False

    async def needless(self, came_before: float) -> list[str]:
        """Recordings whose job is over, old ones of which there is no job, and those that somebody
        has begun to forget."""
        of_open = select(JOBS.c.upload_id).where(
            JOBS.c.upload_id.is_not(None), JOBS.c.state.in_(OPEN_STATES)
        )
        of_any = select(JOBS.c.upload_id).where(JOBS.c.upload_id.is_not(None))
        query = select(UPLOADS.c.id).where(
            UPLOADS.c.id.not_in(of_open),
            or_(UPLOADS.c.id.in_(of_any), UPLOADS.c.created_at < came_before, UPLOADS.c.dropped),
        )
        return list((await self._connection.execute(query)).scalars())

    async def _is_needed(self, upload_id: str) -> bool:
        query = select(JOBS.c.id).where(
            JOBS.c.upload_id == upload_id, JOBS.c.state.in_(OPEN_STATES)
        )
        return (await self._connection.execute(query.limit(1))).first() is not None

    async def _check(self, project_id: str, upload_id: str) -> None:
        is_known = is_id(upload_id) and may_be_kept(project_id)
        if not is_known or not await self._hold(
            UPLOADS.c.id == upload_id, UPLOADS.c.project_id == project_id, ~UPLOADS.c.dropped
        ):
            raise Unknown("there is no such upload of this project, or none any more")

    async def _hold(self, *which: ColumnElement[bool]) -> bool:
        """Whether there is such a recording; until the end of the transaction nobody else gives it
        to a job, adds to it or forgets it.

        PostgreSQL would let one job be taken while another transaction forgets its recording.
        SQLite has one writer at a time, and SQLAlchemy asks it for no lock.
        """
        query = select(UPLOADS.c.id).where(*which).with_for_update(key_share=True)
        return (await self._connection.execute(query)).first() is not None
