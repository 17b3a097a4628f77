"""The load of one engine: what is asked of it, against what it can do.

Demand is counted in sound, not in busy time: a machine that decodes batches of one is busy half its
time with a quarter of the streams that it can carry, because larger batches cost less a stream.
"""

from __future__ import annotations

from rasr.scheduling.costs import StepCosts
from rasr.scheduling.demand import Demand

_WINDOW_S = 2.0
_WEIGHT = 0.5
"""Of the newest window in the mean: half a dozen seconds of memory."""


class EngineLoad:
    """Kept by the scheduler; `costs` are there once the engine has been calibrated."""

    def __init__(self) -> None:
        self.costs: StepCosts | None = None
        self.demand = Demand()
        self._slowness = 1.0
        self._began = 0.0
        self._busy_s = 0.0
        self._expected_s = 0.0

    def decoded(self, busy_s: float, batch: int, sound_s: float, now: float) -> None:
        """A batch of `batch` streams with `sound_s` of sound in all took `busy_s` of a call."""
        if self.costs is None or not batch:
            return
        self._busy_s += busy_s
        each_s = sound_s / batch
        self._expected_s += self.costs.step_seconds(batch) * each_s / self.costs.step_s
        if now - self._began >= _WINDOW_S and self._expected_s > 0:
            ratio = self._busy_s / self._expected_s
            self._slowness += _WEIGHT * (ratio - self._slowness)
            self._began, self._busy_s, self._expected_s = now, 0.0, 0.0

    @property
    def slowness(self) -> float:
        """Time that steps take against what they took when calibrated, the last seconds.

        Others on the machine, a lower clock, harder speech, the server's own event loop: all of it
        shows here. Less than `StepCosts.in_service` only says that the machine is not busy yet,
        unless the calibration was disturbed and so took steps for dearer than they are.
        """
        if self.costs is None:
            return self._slowness
        return max(self.costs.in_service / self.costs.disturbance, self._slowness)

    def share(self, sound_per_second: float) -> float:
        """The part of the calls' time that so much sound takes in each second, in full batches."""
        if self.costs is None:
            return 0.0
        return sound_per_second * self.costs.per_second * self.slowness / self.costs.calls
