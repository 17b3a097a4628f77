"""Jobs on recording files, in a transaction: those of all servers that share the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rasr.store.batches import in_batches
from rasr.store.keyring import Keyring
from rasr.store.names import is_id, may_be_kept
from rasr.store.records import OPEN_STATES, JobRecord, JobState
from rasr.store.schema import JOB_HEARD, JOB_MARKS, JOB_SEGMENTS, JOBS, PROJECTS

_TURN = 1000
"""Between two jobs of a project, where its share is 1."""
_LAST_TURN = (1 << 31) - 1
"""Of the column, and of the queue in which the jobs wait; those who have it go in the order of
coming."""
_FORGOTTEN = 100
"""So many jobs are forgotten in one transaction, each with up to some hundred rows of text."""
_UNTOLD = and_(JOBS.c.callback_url.is_not(None), JOBS.c.state.not_in(OPEN_STATES))
_TOLD = [one for one in JOBS.c if one.name not in ("data_url", "callback_url", "digest")]


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job that has come."""

    id: str
    project_id: str
    principal: Mapping[str, str] | None
    request: Mapping[str, Any]
    data_url: str = field(repr=False)
    callback_url: str | None = field(repr=False)
    digest: str
    """Of the request: the same one has the same."""
    upload_id: str | None = None
    """Where the recording was sent here."""


class Jobs:
    """Jobs and what was heard in them."""

    def __init__(self, connection: AsyncConnection, keyring: Keyring) -> None:
        self._connection = connection
        self._keyring = keyring

    async def add(self, job: NewJob, share: int, now: float) -> JobRecord:
        """Keep a job. Its turn comes behind those of its project that wait, and among those of
        others as if each project had been served all the time as its share says.

        Args:
            share: of the project.
        """
        await self._connection.execute(
            insert(JOBS).values(
                id=job.id,
                project_id=job.project_id,
                principal=job.principal,
                state=JobState.WAITING,
                request=job.request,
                data_url=self._keyring.encrypt(job.data_url),
                callback_url=job.callback_url and self._keyring.encrypt(job.callback_url),
                upload_id=job.upload_id,
                digest=job.digest,
                turn=await _next_turn(self._connection, job.project_id, share),
                created_at=now,
                done_ms=0,
            )
        )
        added = await self.find(job.id)
        assert added is not None, "it has just been added"
        return added

    async def find(self, job_id: str, project_id: str | None = None) -> JobRecord | None:
        """A job; None where there is none of this id, or it is another project's.

        Args:
            project_id: None: of any.
        """
        if not is_id(job_id) or (project_id is not None and not may_be_kept(project_id)):
            return None
        wanted = [JOBS.c.id == job_id]
        if project_id is not None:
            wanted.append(JOBS.c.project_id == project_id)
        found = await self._records(*wanted)
        return found[0] if found else None

    async def urls(self, job_id: str) -> tuple[str | None, str | None]:
        """The URL of the recording and that of the callback, as long as they are needed.

        Raises:
            SecretsUnreadable: they were encrypted with a key that is not here.
        """
        query = select(JOBS.c.data_url, JOBS.c.callback_url).where(JOBS.c.id == job_id)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None, None
        data_url, callback_url = (one and self._keyring.decrypt(one) for one in row)
        return data_url, callback_url

    async def same(self, project_id: str, digest: str, since: float) -> JobRecord | None:
        """The newest job of a request that came before; not one that has failed."""
        found = await self._records(
            JOBS.c.project_id == project_id,
            JOBS.c.digest == digest,
            JOBS.c.created_at >= since,
            JOBS.c.state.in_((*OPEN_STATES, JobState.FINISHED)),
        )
        return found[-1] if found else None

    async def of_project(
        self, project_id: str, limit: int, offset: int, mark: str | None = None
    ) -> list[JobRecord]:
        """Jobs of a project, the newest first.

        Args:
            mark: only those in which something of this list stands.
        """
        if not may_be_kept(project_id):
            return []
        query = select(*_TOLD).where(JOBS.c.project_id == project_id, *_marked(mark))
        query = query.order_by(JOBS.c.created_at.desc(), JOBS.c.id).limit(limit).offset(offset)
        return [_record(row) for row in await self._connection.execute(query)]

    async def count(
        self, project_id: str, *, is_open: bool = False, mark: str | None = None
    ) -> int:
        """How many jobs a project has, or how many that wait or run.

        Args:
            mark: as for `of_project`.
        """
        if not may_be_kept(project_id):
            return 0
        query = select(func.count()).where(JOBS.c.project_id == project_id, *_marked(mark))
        if is_open:
            query = query.where(JOBS.c.state.in_(OPEN_STATES))
        return await _number(self._connection, query) or 0

    async def open_ones(self) -> list[JobRecord]:
        """All that wait or run, by their turns."""
        return await self._records(JOBS.c.state.in_(OPEN_STATES))

    async def still_open(self, job_ids: Collection[str]) -> set[str]:
        """Those of these jobs that wait or run."""
        found: set[str] = set()
        for batch in in_batches(job_ids):
            query = select(JOBS.c.id).where(JOBS.c.id.in_(batch), JOBS.c.state.in_(OPEN_STATES))
            found.update((await self._connection.execute(query)).scalars())
        return found

    async def untold(self) -> list[str]:
        """Those that are over, and whose answer is still to be sent to a callback URL."""
        return list((await self._connection.execute(select(JOBS.c.id).where(_UNTOLD))).scalars())

    async def any_to_do(self) -> bool:
        """True if any waits or runs, or its answer is still to be sent."""
        query = select(JOBS.c.id).where(or_(JOBS.c.state.in_(OPEN_STATES), _UNTOLD)).limit(1)
        return (await self._connection.execute(query)).first() is not None

    async def by_state(self) -> dict[JobState, int]:
        """How many there are in each state."""
        rows = await self._connection.execute(
            select(JOBS.c.state, func.count()).group_by(JOBS.c.state)
        )
        found = {row[0]: row[1] for row in rows}
        return {state: found.get(state, 0) for state in JobState}

    async def oldest_waiting(self) -> float | None:
        """When the job came that waits longest; None where none waits."""
        query = select(JOBS.c.created_at).where(JOBS.c.state == JobState.WAITING)
        rows = await self._connection.execute(query.order_by(JOBS.c.created_at).limit(1))
        found: float | None = rows.scalar_one_or_none()
        return found

    async def before(self, job: JobRecord) -> int:
        """How many jobs are served before one that waits."""
        query = select(func.count()).where(JOBS.c.state == JobState.WAITING, JOBS.c.turn < job.turn)
        return await _number(self._connection, query) or 0

    async def overdue(self, came_before: float) -> list[str]:
        """Jobs that wait or run, and should be done by now."""
        query = select(JOBS.c.id).where(
            JOBS.c.state.in_(OPEN_STATES), JOBS.c.created_at < came_before
        )
        return list((await self._connection.execute(query)).scalars())

    async def of_blocked(self) -> list[str]:
        """Jobs that wait or run, of projects that may not be called any more."""
        query = select(JOBS.c.id).join(PROJECTS, PROJECTS.c.id == JOBS.c.project_id)
        query = query.where(PROJECTS.c.blocked_at.is_not(None), JOBS.c.state.in_(OPEN_STATES))
        return list((await self._connection.execute(query)).scalars())

    async def forget_expired(self, now: float) -> list[str]:
        """Some of those whose time is over are gone with all that was heard. Returns which; empty
        where none is left.

        A few at a time, so that no transaction takes long: where one did not come to its end in
        time, the next one would have no less to do.
        """
        query = select(JOBS.c.id).where(JOBS.c.expires_at < now)
        query = query.order_by(JOBS.c.expires_at).limit(_FORGOTTEN)
        gone = list((await self._connection.execute(query)).scalars())
        await self._connection.execute(delete(JOBS).where(JOBS.c.id.in_(gone)))
        return gone

    async def start(self, job_id: str, now: float) -> None:
        """A server works on it."""
        await self._connection.execute(
            update(JOBS)
            .where(JOBS.c.id == job_id, JOBS.c.state == JobState.WAITING)
            .values(state=JobState.RUNNING, started_at=now)
        )

    async def measured(self, job_id: str, audio_ms: int) -> None:
        """So long is the recording, as it says itself."""
        await self._connection.execute(
            update(JOBS).where(JOBS.c.id == job_id).values(audio_ms=audio_ms)
        )

    async def end(
        self,
        job_id: str,
        state: JobState,
        now: float,
        kept_s: float,
        *,
        fault: tuple[str, str] | None = None,
        audio_ms: int | None = None,
        delivery: Mapping[str, Any] | None = None,
    ) -> bool:
        """A job that waits or runs is over. False where it was over before.

        Args:
            fault: code and sentence, where it has failed; what was heard is forgotten.
            audio_ms: so long the recording was.
            delivery: where the answer is to be sent to a callback URL.
        """
        values: dict[str, Any] = {
            "state": state,
            "finished_at": now,
            "expires_at": now + kept_s,
            "data_url": None,
            "delivery": delivery,
        }
        if fault is not None:
            values |= {"error_code": fault[0], "error_message": fault[1]}
        if audio_ms is not None:
            values |= {"audio_ms": audio_ms, "done_ms": audio_ms}
        if delivery is None:
            values["callback_url"] = None
        result = await self._connection.execute(
            update(JOBS).where(JOBS.c.id == job_id, JOBS.c.state.in_(OPEN_STATES)).values(**values)
        )
        if state is not JobState.FINISHED and result.rowcount:
            for table in (JOB_SEGMENTS, JOB_HEARD, JOB_MARKS):
                await self._connection.execute(delete(table).where(table.c.job_id == job_id))
        return bool(result.rowcount)

    async def delivered(self, job_id: str, delivery: Mapping[str, Any], *, is_over: bool) -> None:
        """What became of an attempt to send the answer."""
        values: dict[str, Any] = {"delivery": delivery}
        if is_over:
            values["callback_url"] = None
        await self._connection.execute(update(JOBS).where(JOBS.c.id == job_id).values(**values))

    async def forget(self, job_id: str) -> None:
        """It is gone with all that was heard."""
        await self._connection.execute(delete(JOBS).where(JOBS.c.id == job_id))

    async def _records(self, *wanted: ColumnElement[bool]) -> list[JobRecord]:
        query = select(*_TOLD).where(*wanted).order_by(JOBS.c.turn, JOBS.c.created_at)
        return [_record(row) for row in await self._connection.execute(query)]


async def _next_turn(connection: AsyncConnection, project_id: str, share: int) -> int:
    """Of a job of a project that comes now."""
    running = select(func.max(JOBS.c.turn)).where(JOBS.c.state == JobState.RUNNING)
    waiting = select(func.min(JOBS.c.turn)).where(JOBS.c.state == JobState.WAITING)
    own = select(func.max(JOBS.c.turn)).where(
        JOBS.c.project_id == project_id, JOBS.c.state.in_(OPEN_STATES)
    )
    served = await _number(connection, running)
    if served is None:
        served = max(0, (await _number(connection, waiting) or 0) - _TURN)
    turn = max(served, await _number(connection, own) or 0) + _TURN // share
    # They begin anew only where no job is left: one project that always has one, and takes back
    # what it sends, would lead all others to where there is no turn any more.
    return min(turn, _LAST_TURN)


async def _number(connection: AsyncConnection, query: Any) -> int | None:
    found: int | None = (await connection.execute(query)).scalar_one_or_none()
    return found


def _marked(name: str | None) -> list[ColumnElement[bool]]:
    if name is None:
        return []
    return [JOBS.c.id.in_(select(JOB_MARKS.c.job_id).where(JOB_MARKS.c.name == name))]


def _record(row: Row[Any]) -> JobRecord:
    values = dict(row._mapping)
    return JobRecord(**values | {"state": JobState(values["state"])})
