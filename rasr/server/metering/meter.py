"""The meter of a server with a store."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import structlog

from rasr.identity.directory import DirectoryUnavailable
from rasr.identity.principals import Principal
from rasr.server.metering.allowances import Allowances
from rasr.server.metering.ledger import LedgerWriter
from rasr.server.metering.rows import LedgerRow
from rasr.server.metering.watch import UsageWatch
from rasr.store.on_demand import StoreOnDemand
from rasr.usage.meter import Charge, Meter, Unmetered
from rasr.usage.services import Service

_log = structlog.get_logger("rasr.usage")


def make_meter(store: StoreOnDemand | None) -> Meter:
    """The meter of a server that has this store, or none."""
    return Unmetered() if store is None else StoreMeter(store)


class StoreMeter:
    """See `rasr.usage.meter.Meter`. As long as there is no store it meters nothing."""

    def __init__(
        self,
        store: StoreOnDemand,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            clock: seconds since 1970.
            monotonic: seconds of any clock that is never set.
        """
        self._store = store
        self._allowances = Allowances(store, clock, monotonic)
        self._watch = UsageWatch(store, clock, monotonic)
        self._ledger = LedgerWriter(store, self._kept, self._watch.look)

    async def start(self) -> None:
        """Take up what earlier processes have left."""
        try:
            if await self._store.asked() is None:
                return
        except DirectoryUnavailable as error:
            _log.warning("usage_store_unavailable", why=str(error))
        self._ledger.begin()

    async def close(self) -> None:
        """See `Meter`."""
        self._allowances.close()
        await self._ledger.close()

    async def check(self, principal: Principal | None, service: Service) -> None:
        """See `Meter`."""
        if principal is None or await self._store.asked() is None:
            return
        self._ledger.begin()
        await self._allowances.check(principal.project_id, service)

    def charge(self, charge: Charge) -> None:
        """See `Meter`."""
        row = LedgerRow.of(charge)
        if not row.row.amount:
            return
        self._allowances.charged(row)
        self._ledger.write(row)

    async def caught_up(self) -> None:
        """See `Meter`."""
        await self._ledger.caught_up()

    @property
    def waiting(self) -> int:
        """See `Meter`."""
        return self._ledger.waiting

    @property
    def lost(self) -> int:
        """See `Meter`."""
        return self._ledger.lost

    def _kept(self, rows: Sequence[LedgerRow], ours: bool) -> None:
        self._allowances.kept(rows, ours)
        self._watch.used(rows)
