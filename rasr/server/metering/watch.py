"""Tells the operator, once for each level, that what a project may use comes to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from rasr.identity.directory import DirectoryUnavailable
from rasr.server.metering.rows import LedgerRow
from rasr.store.on_demand import StoreOnDemand
from rasr.usage.periods import month_of
from rasr.usage.warnings import UsageWarning

_log = structlog.get_logger("rasr.usage")

_EVERY_S = 10.0
"""A service of a project is looked at no more often: that reads what it used of its packages."""
_MOST_TOLD = 10_000


class UsageWatch:
    """Looks at projects whose use has reached the store."""

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
        self._due: dict[tuple[str, str], None] = {}
        self._looked: dict[tuple[str, str], float] = {}
        self._told: dict[tuple[object, ...], None] = {}

    def used(self, rows: Sequence[LedgerRow]) -> None:
        """The store has these rows now."""
        for one in rows:
            self._due[one.project_id, one.row.service] = None

    async def look(self) -> None:
        """Look at those that are due, and tell what is new."""
        now = self._monotonic()
        due = [one for one in self._due if now - self._looked.get(one, -_EVERY_S) >= _EVERY_S]
        if not due:
            return
        try:
            store = await self._store.asked()
            if store is None:
                return
            from rasr.store.usage_report import warnings_now

            for project_id, service in due:
                async with store.reading() as work:
                    found = await warnings_now(work.usage, project_id, service, self._clock())
                self._looked[project_id, service] = now
                self._due.pop((project_id, service), None)
                for warning in found:
                    self._tell(project_id, warning)
        except DirectoryUnavailable:
            # They stay due.
            return
        for key, at in list(self._looked.items()):
            if now - at >= _EVERY_S:
                del self._looked[key]

    def _tell(self, project_id: str, warning: UsageWarning) -> None:
        # A package or a quota that is changed, or a new month, makes it news.
        month = month_of(self._clock()).since
        level = (project_id, warning.bound, warning.service, warning.percent, warning.of, month)
        if level in self._told:
            return
        self._told[level] = None
        while len(self._told) > _MOST_TOLD:
            del self._told[next(iter(self._told))]
        _log.warning(
            "usage_level_reached",
            project=project_id,
            service=str(warning.service),
            bound=str(warning.bound),
            percent=warning.percent,
            used=warning.used,
            of=warning.of,
        )
