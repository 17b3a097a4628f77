"""What projects may still use: a copy of what the store says, a few seconds old at most.

A check of a project that is busy asks no database. What this process has charged counts at once;
what others have charged counts when the copy is made anew.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rasr.identity.directory import DirectoryUnavailable
from rasr.server.metering.rows import LedgerRow
from rasr.store.on_demand import StoreOnDemand
from rasr.tasks import awaited, watched
from rasr.usage.meter import UsageRefused
from rasr.usage.periods import Period, month_of
from rasr.usage.services import Service

FRESH_S = 5.0
"""A copy of this age is made anew, in the background."""
STALE_S = 30.0
"""One of this age is not used: who asks waits for a new one."""
_MOST_COPIES = 5000
_MOST_READS = 3

Key = tuple[str, Service]
"""A project and a service."""


@dataclass(slots=True)
class _Copy:
    is_frozen: bool
    quota: int | None
    used: int
    """In the month, as the store has it."""
    month: Period
    read_at: float


class Allowances:
    """Who may begin a call or round."""

    def __init__(
        self,
        store: StoreOnDemand,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """
        Args:
            clock: seconds since 1970.
            monotonic: seconds of any clock that is never set.
        """
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._copies: dict[Key, _Copy] = {}
        self._reading: dict[Key, asyncio.Future[None]] = {}
        self._refreshing: set[asyncio.Task[None]] = set()
        self._pending: Counter[tuple[str, str, float]] = Counter()
        """What this process charged and the store has not: by project, service and month."""
        self._kept = 0
        """Counts what the store was given."""

    def close(self) -> None:
        """Read nothing any more."""
        for task in (*self._refreshing, *self._reading.values()):
            task.cancel()

    def charged(self, one: LedgerRow) -> None:
        """A row is on its way to the store."""
        self._pending[_month_key(one)] += one.row.amount

    def kept(self, rows: Sequence[LedgerRow], ours: bool) -> None:
        """The store has these rows now."""
        self._kept += 1
        for one in rows:
            key = _month_key(one)
            if ours:
                self._pending[key] -= one.row.amount
                if not self._pending[key]:
                    del self._pending[key]
            copy = self._copies.get((one.project_id, Service(one.row.service)))
            if copy is not None and copy.month.has(one.row.at):
                copy.used += one.row.amount

    async def check(self, project_id: str, service: Service) -> None:
        """Whether a call or round of this project may begin.

        Raises:
            UsageRefused: it may not.
            DirectoryUnavailable: nobody knows.
        """
        key = project_id, service
        copy = self._copies.get(key)
        age = STALE_S if copy is None else self._monotonic() - copy.read_at
        if copy is None or age >= STALE_S or not copy.month.has(self._clock()):
            await self._read_once(key)
            copy = self._copies[key]
        elif age >= FRESH_S and key not in self._reading:
            task = watched(self._refresh(key), name="refresh-allowance")
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)
        if copy.is_frozen:
            raise UsageRefused(
                "the project is frozen: recognition and synthesis are refused until it is not; "
                "ask who runs this server",
                is_frozen=True,
            )
        used = copy.used + self._pending[project_id, service, copy.month.since]
        if copy.quota is not None and used >= copy.quota:
            raise UsageRefused(
                f"the quota of {service} is used up: {used} of {copy.quota} {service.unit} of this "
                "month (UTC); ask who runs this server for more"
            )

    async def _refresh(self, key: Key) -> None:
        try:
            await self._read_once(key)
        except DirectoryUnavailable:
            # Whoever asks next finds out by himself, and is told.
            self._copies.pop(key, None)

    async def _read_once(self, key: Key) -> None:
        """Read; those who want the same at once share it."""
        reading = self._reading.get(key)
        if reading is None:
            reading = self._reading[key] = awaited(self._read(key), name="read-allowance")
            reading.add_done_callback(partial(self._was_read, key))
        await asyncio.shield(reading)

    def _was_read(self, key: Key, reading: asyncio.Future[None]) -> None:
        self._reading.pop(key, None)
        if not reading.cancelled():
            # Perhaps nobody is left who wants to know.
            reading.exception()

    async def _read(self, key: Key) -> None:
        project_id, service = key
        for _ in range(_MOST_READS):
            before = self._kept
            at, month = self._monotonic(), month_of(self._clock())
            store = await self._store.asked()
            if store is None:
                raise DirectoryUnavailable("there is no store")
            async with store.reading() as work:
                frozen_at = await work.projects.frozen_at(project_id)
                quota = await work.usage.quota(project_id, service)
                used = 0
                if quota is not None:
                    used = await work.usage.amount(project_id, service, month.since, month.until)
            self._copies.pop(key, None)
            self._copies[key] = _Copy(frozen_at is not None, quota, used, month, at)
            # Rows that the store was given meanwhile are perhaps not in what was read.
            if self._kept == before:
                break
        while len(self._copies) > _MOST_COPIES:
            del self._copies[next(iter(self._copies))]


def _month_key(one: LedgerRow) -> tuple[str, str, float]:
    return one.project_id, one.row.service, month_of(one.row.at).since
