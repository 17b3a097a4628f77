"""What steps of one engine cost on one machine, and what follows from the numbers.

An engine that reads the growing utterance anew has no cost of a step: what a second of speech costs
depends on how long its utterance is.

Costs come from calibrations (`rasr.scheduling.calibration`) and from live steps
(`rasr.scheduling.learning`). Others on the machine only ever make a step longer, so of two
measurements the lower one is the better, and costs only ever fall. That steps take longer just now
is told apart from their costs: `rasr.scheduling.statistics.EngineStatistics.slowness`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import exp, inf, isfinite, log
from statistics import fmean

import numpy as np

IN_BATCHES, ONE_BY_ONE = 1.25, 1.1
"""Steps of a server at its limit take so much longer than calibrated ones: the event loop wants its
part of the cores and ends of utterances take more than their audio; where streams are decoded in
batches, these are of what is ready (measured with 90 streams of a model of 20 million parameters on
two cores: 1.2 to 1.3)."""
LEAST_STEP_S = 1e-5
"""No step takes less: handing it to a worker and back takes longer (20 to 60 µs by a thread)."""
MOST_DISTURBANCE = 1.5
"""`StepCosts.disturbance` past which a calibration is not trusted. Calibrations on a machine that
did nothing else had up to 1.3."""
AGREEMENT = 0.1
"""Two calibrations agree whose costs differ by so little on average."""
_ENOUGH_AGREEING = 2
_TIMELY = 0.5
"""Of the audio of a step. A stream whose chunk comes just after a batch began waits for that batch
and then for its own: with more than half, its text would come later than its next chunk."""
TYPICAL_UTTERANCE_S = 4.0
"""Sentences of a conversation and of dictation are mostly of 2 to 8 s."""
UNBROKEN_UTTERANCE_S = 20.0
"""Speech without pauses is cut at a quiet place before `max_seconds` (30 s) are full."""
_GROWTH = 0.4
"""Of the cost of a second of speech with the length of its utterance, as a power: Moonshine took
1.46 times as much at 9 s as at 4 s, and 1.26 times as much at 18 s as at 9 s."""


@dataclass(frozen=True, slots=True)
class StepCosts:
    """The costs of one engine on one machine, with all its slots busy at once.

    Raises:
        ValueError: a number is not one that could have been measured; the text says which.
    """

    step_s: float
    """Audio that a stream gets in one step, seconds."""
    slots: int
    """Batches decoded at the same time."""
    seconds: Mapping[int, float]
    """Batch size → time that one such step takes, seconds. Not empty; keys ascend."""
    disturbance: float = 1.0
    """How much others used the machine during the calibration, 1.0 being not at all: median over
    shortest time of the same step, or time over processor time, whichever is larger."""
    by_length: Mapping[float, float] = field(default_factory=dict)
    """Of an engine that reads anew: length of an utterance in seconds → time of a slot for a second
    of its speech, all readings that it makes of one counted. Keys ascend; empty for other engines.
    """
    spared: Mapping[float, float] = field(default_factory=dict)
    """As `by_length` while the engine is behind and reads an utterance less often: on the first
    overload level, on which a machine at its limit is."""
    agreeing: int = 0
    """Calibrations that nobody disturbed and that found these costs, to within `AGREEMENT`."""

    def __post_init__(self) -> None:
        _check("step_s", self.step_s, 0.001, 60.0)
        _check("slots", self.slots, 1, 10_000)
        _check("disturbance", self.disturbance, 1.0, inf)
        _check("agreeing", self.agreeing, 0, inf)
        if not self.seconds:
            raise ValueError("seconds is empty; a time for at least one batch size is needed")
        for name, table in (
            ("seconds", self.seconds),
            ("by_length", self.by_length),
            ("spared", self.spared),
        ):
            if list(table) != sorted(table):
                raise ValueError(f"the keys of {name} do not ascend: {list(table)}")
            for key, value in table.items():
                _check(f"a key of {name}", key, 0.1 if name != "seconds" else 1, 10_000)
                _check(f"{name}[{key:g}]", value, LEAST_STEP_S, 10_000)

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
        """The largest measured batch whose step takes less than half the audio in it; 0: none."""
        timely = [size for size, s in self.seconds.items() if s <= _TIMELY * self.step_s]
        return max(timely, default=0)

    @property
    def in_service(self) -> float:
        """How much longer than calibrated steps take at the limit."""
        return IN_BATCHES if len(self.seconds) > 1 else ONE_BY_ONE

    @property
    def is_sure(self) -> bool:
        """True once several calibrations that nobody disturbed agree."""
        return self.agreeing >= _ENOUGH_AGREEING

    @property
    def is_disturbed(self) -> bool:
        """True if others used the machine so much that these costs are surely too high."""
        return self.disturbance > MOST_DISTURBANCE

    def per_second_of(self, utterance_s: float = TYPICAL_UTTERANCE_S) -> float:
        """Time of one slot for a second of one stream's speech, in batches that form under load and
        in utterances of so many seconds."""
        if self.by_length:
            return _at(self.spared or self.by_length, utterance_s)
        size = self.timely_batch or min(self.seconds)
        return self.seconds[size] / size / self.step_s

    def batch_seconds(
        self, steps: int, step_s: float, utterance_s: float, *, is_spared: bool = False
    ) -> float:
        """Time that a batch of so many steps should take.

        Args:
            step_s: audio of each step, seconds.
            utterance_s: length of the utterances that they are of, as far as is known.
            is_spared: an overload level is in force.
        """
        if self.by_length:
            curve = self.spared if is_spared and self.spared else self.by_length
            return _at(curve, utterance_s) * step_s * steps
        return self.step_seconds(steps) * step_s / self.step_s

    # Costs only ever fall

    def lowered(self, seconds: Mapping[int, float]) -> StepCosts:
        """With the times of these batch sizes, where they are lower than what was known.

        Where one has become much lower, sizes of which nothing is said follow it: a larger batch
        takes at most as long a stream, a smaller one at most as long.
        """
        known = dict(self.seconds)
        for size, s in seconds.items():
            known[size] = max(min(s, known.get(size, s)), LEAST_STEP_S)
            if known[size] * (1 + AGREEMENT) < self.seconds.get(size, 0.0):
                for other in self.seconds.keys() - seconds.keys():
                    bound = known[size] * max(1.0, other / size)
                    known[other] = min(known[other], bound)
        return replace(self, seconds=dict(sorted(known.items())))

    def scaled(self, ratio: float) -> StepCosts:
        """All costs so many times higher."""

        def times(table: Mapping[float, float]) -> dict[float, float]:
            return {key: max(value * ratio, LEAST_STEP_S) for key, value in table.items()}

        return replace(
            self,
            seconds={size: max(s * ratio, LEAST_STEP_S) for size, s in self.seconds.items()},
            by_length=times(self.by_length),
            spared=times(self.spared),
        )

    def best_with(self, other: StepCosts) -> StepCosts:
        """The lower of both in everything, and how sure that is.

        Args:
            other: of the same engine and machine. What it has not measured may be missing.
        """
        best = replace(
            self.lowered(other.seconds),
            by_length=_lower(self.by_length, other.by_length),
            spared=_lower(self.spared, other.spared),
            disturbance=min(self.disturbance, other.disturbance),
        )
        agreeing = sum(one.agreeing for one in (self, other) if one.agrees_with(best))
        return replace(best, agreeing=agreeing)

    def agrees_with(self, other: StepCosts) -> bool:
        """True if what both have measured differs by `AGREEMENT` at most, on average."""
        return abs(log(self.ratio_to(other))) <= log(1 + AGREEMENT)

    def ratio_to(self, other: StepCosts) -> float:
        """These costs over those of `other`: the geometric mean over what both have measured."""
        pairs = [
            (ours[key], theirs[key])
            for ours, theirs in ((self.by_length, other.by_length), (self.spared, other.spared))
            for key in ours.keys() & theirs.keys()
        ]
        if not pairs:
            sizes = self.seconds.keys() & other.seconds.keys()
            pairs = [(self.seconds[size], other.seconds[size]) for size in sizes]
        return exp(fmean(log(a / b) for a, b in pairs)) if pairs else 1.0


def _at(curve: Mapping[float, float], utterance_s: float) -> float:
    """What lies between two lengths is interpolated, what lies beyond the longest is reckoned."""
    beyond = max(1.0, utterance_s / max(curve)) ** _GROWTH
    return float(np.interp(utterance_s, list(curve), list(curve.values())) * beyond)


def _lower(ours: Mapping[float, float], theirs: Mapping[float, float]) -> dict[float, float]:
    """The lower of both curves. Lengths that only one has are as much lower as the rest is."""
    both = ours.keys() & theirs.keys()
    if not both:
        return dict(ours or theirs)
    best = {key: min(ours[key], theirs[key]) for key in both}
    for curve in (ours, theirs):
        ratio = max(best[key] / curve[key] for key in both)
        best |= {key: curve[key] * ratio for key in curve.keys() - both}
    return dict(sorted(best.items()))


def _check(name: str, value: float, least: float, most: float) -> None:
    if not (isfinite(value) and least <= value <= most):
        allowed = f"from {least:g}" if most == inf else f"from {least:g} to {most:g}"
        raise ValueError(f"{name} is {value:g}; allowed: {allowed}")
