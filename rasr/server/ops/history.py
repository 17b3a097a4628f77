"""The history of interfaces, by minute: what this server remembers, and where there is a store,
what it and others wrote there.

Each start of a server has an id of its own, and writes each of its minutes once. So the rows of
several servers, and of one before and after it was started anew, add up; and to write one twice
because nobody knows whether it was kept changes nothing.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from rasr.identity.directory import DirectoryUnavailable
from rasr.server.ops.interfaces import (
    HISTORY_MINUTES,
    InterfaceCount,
    InterfaceStatistics,
    Minutes,
    summed,
)
from rasr.store.on_demand import StoreOnDemand
from rasr.store.records import InterfaceMinute
from rasr.tasks import faults_noticed, given_up, watched

if TYPE_CHECKING:
    from rasr.store.store import Store

_log = structlog.get_logger("rasr.history")

_LATEST_S = 20.0
"""After the end of a minute; servers that share a store do not write all at once."""
_LAST_WORD_S = 1.0
"""For what was counted since the last time, when the server stops."""


class History:
    """One server's."""

    def __init__(self, statistics: InterfaceStatistics, store: StoreOnDemand | None) -> None:
        """
        Args:
            store: where it is kept; None: nowhere but here.
        """
        self._statistics = statistics
        self._store = store
        self._server_id = secrets.token_hex(16)
        self._task: asyncio.Task[None] | None = None
        self._is_kept = True
        """False once it could not be written, until it can."""

    def start(self) -> None:
        """Keep it, each minute, from now on."""
        if self._store is not None:
            self._task = watched(self._keep(), name="history", forever=True)

    async def stop(self) -> None:
        """Keep what was counted until now, and no more after it. It takes a second at most."""
        if self._task is None:
            return
        task, self._task = self._task, None
        await given_up(task)
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                await self.save(self._statistics.minute + 1)
        except TimeoutError:
            _log.warning("history_lost", why="the store did not answer in time")

    async def save(self, until: int) -> None:
        """Keep the minutes before `until`, where there is a store. What cannot be kept now is tried
        again the next time."""
        unsaved = self._statistics.history.unsaved
        minutes = sorted(minute for minute in unsaved if minute < until)
        if self._store is None or not minutes:
            return
        try:
            store = await self._store.asked()
            if store is None:
                # There may be one some day.
                return
            # Each by itself: after hours without the store all of them may be more than one
            # transaction has time for.
            for minute in minutes:
                await self._write(store, minute)
            async with store.writing() as work:
                await work.interface_minutes.forget(until - HISTORY_MINUTES)
            self._is_kept = True
        except DirectoryUnavailable as error:
            if self._is_kept:
                _log.error("history_not_kept", why=str(error))
            self._is_kept = False

    async def sums(
        self, project: str | None, since: int, until: int, period: int
    ) -> Mapping[str, Minutes]:
        """By interface, the calls from minute `since` on and before `until`, added up by periods of
        so many minutes. Those without calls are left out.

        Args:
            since: the beginning of a period.
            project: None: of all.

        Raises:
            DirectoryUnavailable: the store cannot be asked now.
        """
        history = self._statistics.history
        # Both now: what is forgotten here while the store is asked would be nowhere, or twice.
        parts, complete_from = history.of(project), history.complete_from
        store = None if self._store is None else await self._store.asked()
        rows: list[InterfaceMinute] = []
        if store is not None:
            async with store.reading() as work:
                rows = await work.interface_minutes.sums(
                    project,
                    since,
                    until,
                    period,
                    without=self._server_id,
                    complete_from=complete_from,
                )
        return await asyncio.to_thread(_summed, parts, rows, since, until, period)

    async def _keep(self) -> None:
        while True:
            clock = self._statistics.clock
            await asyncio.sleep(60 - clock() % 60 + random.uniform(1.0, _LATEST_S))
            with faults_noticed():
                await self.save(self._statistics.minute)

    async def _write(self, store: Store, minute: int) -> None:
        history = self._statistics.history
        # First: what is counted meanwhile is not in these rows.
        history.unsaved.discard(minute)
        is_written = False
        rows = [
            InterfaceMinute(
                project,
                minute,
                interface,
                count.successful,
                count.failed_4xx,
                count.failed_5xx,
                count.delay_s,
            )
            for project, interface, count in history.minute(minute)
        ]
        try:
            async with store.writing() as work:
                await work.interface_minutes.write(self._server_id, rows)
            is_written = True
        finally:
            if not is_written:
                history.unsaved.add(minute)


def _summed(
    parts: dict[str, list[Minutes]],
    rows: Sequence[InterfaceMinute],
    since: int,
    until: int,
    period: int,
) -> dict[str, Minutes]:
    """What is remembered and what is kept, together. It is done in a thread."""
    kept: dict[str, dict[int, InterfaceCount]] = {}
    for row in rows:
        count = InterfaceCount(row.successful, row.failed_4xx, row.failed_5xx, row.delay_s)
        kept.setdefault(row.interface, {})[row.minute] = count
    for interface, minutes in kept.items():
        parts.setdefault(interface, []).append(minutes)
    found = {
        interface: summed(some, since, until, period) for interface, some in sorted(parts.items())
    }
    return {interface: minutes for interface, minutes in found.items() if minutes}
