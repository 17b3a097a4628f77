"""The way of charges into the ledger: to a journal at once, to the store in batches.

Writing down a charge asks no database. A background task takes what is in the journal to the store,
again and again until the store has it; a row that arrives twice counts once. What cannot be written
to the journal, because its disk is full, is kept in memory within a bound, and goes to the store
from there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog

from rasr.identity.directory import DirectoryUnavailable
from rasr.server.metering.rows import LedgerRow
from rasr.store.on_demand import StoreOnDemand
from rasr.tasks import given_up, watched
from rasr.usage.journal import Journal, Segment

if TYPE_CHECKING:
    from rasr.store.store import Store

_log = structlog.get_logger("rasr.usage")

_SYNC_S = 1.0
"""So long after a row the disk is asked to have it for good."""
_GATHER_S = 5.0
"""So long rows gather before they are taken to the store together: that costs some milliseconds of
processor time, and rounds that end just then have them to wait."""
_AGAIN_S = 2.0
"""Until the next try, where the store cannot be asked."""
_LOOK_S = 60.0
"""How often journals of other processes that are gone are looked for."""
_MOST_IN_MEMORY = 20_000
"""Rows: some megabytes. More are lost."""
_MOST_AT_ONCE = 500
"""Rows of one transaction: some ten milliseconds, in which nobody else writes."""
_CATCH_UP_S = 1.0
_FAREWELL_S = 1.0

ResultT = TypeVar("ResultT")


class LedgerWriter:
    """Takes rows to the ledger."""

    def __init__(
        self,
        store: StoreOnDemand,
        kept: Callable[[Sequence[LedgerRow], bool], None],
        afterwards: Callable[[], Awaitable[None]],
    ) -> None:
        """
        Args:
            kept: told of rows that the store has now, and whether they came from this process.
            afterwards: called when the store has everything.
        """
        self._store = store
        self._kept = kept
        self._afterwards = afterwards
        self._disk = ThreadPoolExecutor(1, "usage-journal")
        self._journal: Journal | None = None
        self._in_memory: deque[LedgerRow] = deque()
        self._abandoned: list[Segment] = []
        self._task: asyncio.Task[None] | None = None
        self._work = asyncio.Event()
        self._hurry = asyncio.Event()
        self._tried: set[asyncio.Future[None]] = set()
        self._is_failing = False
        self._journal_is_failing = False
        self._is_closing = False
        self._has_begun = False
        """What earlier processes have left is in the store."""
        self._strangers: set[str] = set()
        self.waiting = 0
        """Rows that are not in the store."""
        self.lost = 0
        """Rows that found room nowhere."""

    def begin(self) -> None:
        """There is a store: keep a journal beside it, and take up those that others have left."""
        if self._task is None:
            self._task = watched(self._run(), name="usage-ledger")

    def write(self, row: LedgerRow) -> None:
        """Keep a row. It never waits."""
        self.waiting += 1
        if self._in_memory or self._journal is None or not self._journal.append(row.line()):
            self._remember(row)
        self._work.set()

    async def caught_up(self) -> None:
        """Wait until the rows so far are in the store, or a moment has passed."""
        if self._task is None or (self._has_begun and not self.waiting):
            return
        tried = asyncio.get_running_loop().create_future()
        self._tried.add(tried)
        self._hurry.set()
        self._work.set()
        try:
            await _within(_CATCH_UP_S, tried)
        finally:
            self._tried.discard(tried)

    async def close(self) -> None:
        """Take what waits to the store, if that is quick; else it stays in the journal."""
        task, self._task = self._task, None
        if task is None:
            return
        self._is_closing = True
        self._hurry.set()
        self._work.set()
        await asyncio.wait({task}, timeout=_FAREWELL_S)
        await given_up(task)
        if self._in_memory:
            self.lost += len(self._in_memory)
            _log.error("usage_lost", rows=len(self._in_memory), why="there was room nowhere")
        elif self.waiting:
            _log.warning("usage_left_for_the_next_start", rows=self.waiting)
        await self._on_disk(self._let_go)
        self._disk.shutdown(wait=False)

    def _let_go(self) -> None:
        for segment in self._abandoned:
            segment.close(remove=False)
        if self._journal is not None:
            self._journal.close()

    async def _on_disk(self, work: Callable[[], ResultT]) -> ResultT:
        """What the disk may take its time for: one thing after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)

    def _remember(self, row: LedgerRow) -> None:
        if len(self._in_memory) >= _MOST_IN_MEMORY:
            self.lost += 1
            self.waiting -= 1
            if self.lost == 1 or not self.lost % 1000:
                _log.error("usage_lost", rows=self.lost, why="neither disk nor store has room")
            return
        self._in_memory.append(row)

    # In the background

    async def _run(self) -> None:
        while True:
            is_last = self._is_closing
            self._work.clear()
            self._hurry.clear()
            # Whoever asks while others are on their way may have rows that come behind them.
            asked, self._tried = self._tried, set()
            try:
                await self._prepare()
                await self._take_all()
                self._succeeded()
                await self._afterwards()
            except (DirectoryUnavailable, OSError) as error:
                self._failed(error)
            except Exception as error:
                # A mistake of ours. Rows are kept until it is mended: without this task none of
                # those that come would reach the store.
                self._failed(error, exc_info=error)
            for one in asked | self._tried if is_last else asked:
                if not one.done():
                    one.set_result(None)
            if is_last:
                return
            await self._pause()

    async def _prepare(self) -> None:
        """Have a journal; find those that others have left."""
        if self._journal is None:
            journal = Journal(self._store.usage_folder())
            try:
                await self._on_disk(journal.open)
            except OSError as error:
                self._journal_failed(error.strerror)
                return
            self._journal = journal
        if not self._abandoned:
            self._abandoned = await self._on_disk(self._journal.abandoned)
            if self._abandoned:
                _log.info("usage_taken_up", journals=len(self._abandoned))

    async def _take_all(self) -> None:
        """What is here now: where rows come faster than they are taken, who waits for the end of a
        round would wait for ever."""
        self._refill()
        for _ in range(0, len(self._in_memory), _MOST_AT_ONCE):
            await self._take_from_memory()
        # There is no next round, and `close` waits for this one only so long.
        while self._is_closing and self._in_memory:
            await self._take_from_memory()
        while self._abandoned:
            segment = self._abandoned[0]
            await self._take(segment, ours=False)
            await self._on_disk(partial(segment.close, remove=True))
            del self._abandoned[0]
        if self._journal is not None:
            await self._sync()
            # What the last round has left of one file, and then the other.
            for _ in range(2):
                segment_of_ours = self._journal.turn()
                if segment_of_ours is None:
                    break
                await self._take(segment_of_ours, ours=True)
                await self._on_disk(segment_of_ours.clear)

    def _refill(self) -> None:
        """Rows in memory go to the journal once there is room."""
        while self._in_memory and self._journal is not None:
            if not self._journal.append(self._in_memory[0].line()):
                self._journal_failed("there is no room on its disk")
                return
            self._in_memory.popleft()
            self._journal_is_failing = False

    async def _take_from_memory(self) -> None:
        batch = [self._in_memory[i] for i in range(min(len(self._in_memory), _MOST_AT_ONCE))]
        await self._put(batch)
        for _ in batch:
            self._in_memory.popleft()
        self._confirm(batch, ours=True)

    async def _take(self, segment: Segment, *, ours: bool) -> None:
        """The rows of one file."""
        while True:
            lines, reached = await self._on_disk(segment.read)
            if reached == segment.taken:
                return
            rows = []
            for line in lines:
                row = LedgerRow.read(line)
                if row is None:
                    # The last line of a process that was killed: its round was in progress.
                    _log.warning("usage_line_unreadable", bytes=len(line))
                else:
                    rows.append(row)
            for first in range(0, len(rows), _MOST_AT_ONCE):
                await self._put(rows[first : first + _MOST_AT_ONCE])
            segment.taken = reached
            self._confirm(rows, ours=ours)

    async def _put(self, rows: Sequence[LedgerRow]) -> None:
        store = await self._store.asked()
        if store is None:
            raise DirectoryUnavailable("there is no store")
        for stranger in await _write(store, rows) - self._strangers:
            # An identity provider names projects that nobody has made here.
            self._strangers.add(stranger)
            _log.warning("usage_of_unknown_project", project=stranger[:64])

    def _confirm(self, rows: Sequence[LedgerRow], *, ours: bool) -> None:
        if ours:
            self.waiting -= len(rows)
        self._kept(rows, ours)

    async def _sync(self) -> None:
        if self._journal is None:
            return
        try:
            await self._on_disk(self._journal.sync)
        except OSError as error:
            self._journal_failed(error.strerror)

    async def _pause(self) -> None:
        """Until there is something to do."""
        if self._is_failing:
            await _within(_AGAIN_S, self._hurry.wait())
        else:
            await _within(_LOOK_S, self._work.wait())
            await _within(_SYNC_S, self._hurry.wait())
            await self._sync()
            await _within(_GATHER_S - _SYNC_S, self._hurry.wait())

    # What the operator is told

    def _failed(self, error: Exception, **more: object) -> None:
        if not self._is_failing:
            self._is_failing = True
            _log.error("usage_waits", rows=self.waiting, why=str(error), **more)

    def _succeeded(self) -> None:
        self._has_begun = True
        if self._is_failing:
            self._is_failing = False
            _log.info("usage_caught_up")

    def _journal_failed(self, why: str | None) -> None:
        if not self._journal_is_failing:
            self._journal_is_failing = True
            _log.error("usage_journal_failed", rows_in_memory=len(self._in_memory), why=why)


async def _write(store: Store, rows: Sequence[LedgerRow]) -> set[str]:
    """Keep rows. Returns the projects that there are not: nothing is kept of them."""
    projects = {one.project_id for one in rows}
    async with store.writing() as work:
        known = await work.projects.known(projects)
        for project_id in sorted(known):
            own = [one.row for one in rows if one.project_id == project_id]
            await work.usage.write(project_id, own)
    return projects - known


async def _within(seconds: float, waited: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(seconds):
            await waited
    except TimeoutError:
        pass
