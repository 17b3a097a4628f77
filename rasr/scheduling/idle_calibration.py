"""Calibrations in idle moments: what was found at start is never the last word.

The calibration at start is short, so that a server is ready soon; a whole one follows at once, if
nobody speaks. A machine may have been busy for as long as a calibration took, with all steps longer
alike, so that nothing about it looks wrong. So costs are measured again until several calibrations
agree, whenever nobody has spoken for some seconds; ever more seldom, if they do not come to agree.
It ends as soon as somebody speaks. Costs that live steps have shown to be too high are to be agreed
upon anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from rasr.scheduling.costs import StepCosts
from rasr.scheduling.statistics import EngineStatistics

_log = structlog.get_logger("rasr.scheduling")

FIRST_S = 5.0
"""So long nobody must have spoken before one; doubled each time, up to `_LONGEST_S`. The first one
is made without a wait where none has been made before."""
_LONGEST_S = 3600.0
_LOOK_S = 1.0
"""Between two looks whether anybody speaks."""
_TELL_S = 60.0
"""Between two tellings of costs that live steps have shown."""


class IdleMoments:
    """When no engine of a machine decodes: one that is calibrated would take from all of them."""

    def __init__(self, engines: Sequence[EngineStatistics]) -> None:
        """
        Args:
            engines: all that share the machine.
        """
        self._engines = engines
        self.measuring = asyncio.Lock()
        """Held by the engine that is being calibrated: two at once would disturb each other."""

    @property
    def somebody_speaks(self) -> bool:
        """True while an utterance is open."""
        return any(one.open_tasks for one in self._engines)

    @property
    def batches(self) -> int:
        """That all engines have decoded: who has spoken since it was looked at last, shows."""
        return sum(one.batches for one in self._engines)


class IdleCalibration:
    """Of one engine."""

    def __init__(
        self,
        statistics: EngineStatistics,
        moments: IdleMoments,
        measure: Callable[[], Awaitable[StepCosts | None]],
        told: Callable[[StepCosts], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """
        Args:
            statistics: of the engine.
            moments: of the machine.
            measure: a calibration that ends when somebody speaks; None where it came to nothing.
            told: is told of costs that have become lower or surer: by a calibration at once, by
                live steps after a while.
            clock: in seconds.
        """
        self._statistics = statistics
        self._moments = moments
        self._measure = measure
        self._told = told
        self._clock = clock
        self._sleep = sleep
        costs = statistics.costs
        self._wait_s = FIRST_S if costs is not None and costs.agreeing else 0.0
        self._idle_since = clock()
        self._batches = moments.batches
        self._known = statistics.costs
        self._told_at = clock()

    async def run(self) -> None:
        """Look at the engine again and again. Does not return."""
        while True:
            await self._sleep(_LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Measure if it is time, and tell what is new."""
        now = self._clock()
        moments = self._moments
        if moments.somebody_speaks or moments.batches != self._batches:
            self._idle_since, self._batches = now, moments.batches
        costs = self._statistics.costs
        is_sure = costs is not None and costs.is_sure
        if (
            now - self._idle_since >= self._wait_s
            and not is_sure
            and not moments.measuring.locked()
        ):
            async with moments.measuring:
                await self._calibrate()
        if now - self._told_at >= _TELL_S:
            await self._tell()

    async def _tell(self) -> None:
        costs = self._statistics.costs
        if costs is not None and costs != self._known:
            self._known, self._told_at = costs, self._clock()
            await self._told(costs)

    async def _calibrate(self) -> None:
        before = self._statistics.costs
        found = await self._measure()
        self._idle_since = self._clock()
        if not self._moments.somebody_speaks:
            # Nobody interrupted it: what it found, or why it found nothing, will not be otherwise
            # in a moment.
            self._wait_s = min(2 * self._wait_s, _LONGEST_S)
        self._wait_s = max(FIRST_S, self._wait_s)
        if found is None:
            return
        self._statistics.calibrated(found)
        best = self._statistics.costs
        assert best is not None
        _log.debug(
            "calibration_repeated",
            lower_by=0.0 if before is None else round(1 - best.ratio_to(before), 3),
            disturbance=round(found.disturbance, 2),
            sure=best.is_sure,
        )
        await self._tell()
