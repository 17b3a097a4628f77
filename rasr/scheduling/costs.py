"""What decoding costs, as measured by `rasr.scheduling.calibration`: step time by batch size.

Pure reckoning on those numbers: the largest batch that is worth waiting for, and how many streams
that makes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

IN_BATCHES, ONE_BY_ONE = 1.25, 1.1
"""Steps of a server at its limit take so much longer than calibrated ones: the event loop wants its
part of the cores and ends of utterances take more than their sound; where streams are decoded in
batches, these are of what is ready (measured with 90 streams of a model of 20 million parameters on
two cores: 1.2 to 1.3)."""
_TIMELY = 0.5
"""Of the sound of a step. A stream whose chunk comes just after a batch began waits for that batch
and then for its own: with more than half, its text would come later than its next chunk."""


@dataclass(frozen=True, slots=True)
class StepCosts:
    """Of one engine on one machine, with all its calls busy at once."""

    step_s: float
    """Sound that a stream gets in one step, seconds."""
    calls: int
    """Batches decoded at the same time."""
    seconds: Mapping[int, float]
    """Batch size → time that one such step takes, seconds. Not empty; keys ascend."""
    disturbance: float = 1.0
    """Median over shortest time of the same step: up to 1.3 where nothing else used the machine."""

    def step_seconds(self, batch: int) -> float:
        """Time of a step with so many streams: measured, or between two that were."""
        sizes = list(self.seconds)
        if batch in self.seconds:
            return self.seconds[batch]
        place = bisect_left(sizes, batch)
        if place == len(sizes):
            return self.seconds[sizes[-1]] * batch / sizes[-1]
        if place == 0:
            return self.seconds[sizes[0]] * batch / sizes[0]
        low, high = sizes[place - 1], sizes[place]
        share = (batch - low) / (high - low)
        return self.seconds[low] + share * (self.seconds[high] - self.seconds[low])

    @property
    def timely_batch(self) -> int:
        """The largest measured batch whose step takes less than half the sound in it; 0: none."""
        timely = [size for size, s in self.seconds.items() if s <= _TIMELY * self.step_s]
        return max(timely, default=0)

    @property
    def in_service(self) -> float:
        """How much longer than calibrated steps take at the limit."""
        return IN_BATCHES if len(self.seconds) > 1 else ONE_BY_ONE

    @property
    def per_second(self) -> float:
        """Time of one call for a second of one stream's speech, in batches that form under load."""
        size = self.timely_batch or min(self.seconds)
        return self.seconds[size] / size / self.step_s
