"""The numbers of one engine: what it has done, what is asked of it, and how it keeps up.

Load is counted in audio, not in busy time: a machine that decodes batches of one is busy half its
time with a quarter of the streams that it can carry, because larger batches cost less a stream.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from decoder.engine import SAMPLE_RATE
from rasr.scheduling.costs import TYPICAL_UTTERANCE_S, StepCosts
from rasr.scheduling.lateness import LatenessMeter
from rasr.scheduling.learning import CostLearner, Evidence

DEMAND_WINDOW_S = 20
"""Long enough for sentences and the pauses between them, short enough to follow comings and goings.
"""
_SLOWNESS_WINDOW_S = 2.0
_LENGTH_MEMORY_S = 120.0
"""Speech of all clients over which the length of utterances is averaged."""
_WEIGHT = 0.5
"""Of the newest window in the mean: half a dozen seconds of memory."""


class Demand:
    """How much audio real time asks an engine to decode.

    Audio counts in the second in which it is due (`rasr.scheduling.task.Piece.due`), not when it
    came: a client that sends a recording at ten times the speed of speech asks for no more than one
    that speaks, because what it sent early waits behind what is due.
    """

    def __init__(self) -> None:
        self._due: Counter[int] = Counter()
        """Second → samples. Whole numbers, so that nothing adds up to drift."""

    def add(self, samples: int, due: float) -> None:
        """`samples` are due at `due`, seconds of a monotonic clock."""
        self._due[int(due)] += samples

    def per_second(self, now: float) -> float:
        """Seconds of audio that fell due in each second of the last window."""
        end = int(now)
        for second in [second for second in self._due if second < end - DEMAND_WINDOW_S]:
            del self._due[second]
        samples = sum(self._due[second] for second in range(end - DEMAND_WINDOW_S, end))
        return samples / SAMPLE_RATE / DEMAND_WINDOW_S


class EngineStatistics:
    """The scheduler of an engine keeps them, and everybody may read them.

    Numbers without another word only grow: read them twice and divide.
    """

    def __init__(self, *, finals_only: bool = False) -> None:
        """
        Args:
            finals_only: nobody wants partials of this engine.
        """
        self.batches = 0
        self.steps = 0
        """Steps ÷ batches is the mean batch size."""
        self.decoded_samples = 0
        self.busy_s = 0.0
        """Over all slots; ÷ (time · `Scheduler.slots`) is the share of the slots that is in use."""
        self.queued_s = 0.0
        """Between a step's being ready and its being taken; ÷ steps is the mean wait."""
        self.restarts = 0
        """Workers that died or hung and were replaced."""
        self.replays = 0
        """Utterances that were decoded anew because of that."""
        self.faults = 0
        """Errors of our own that serving survived, each logged with its traceback."""
        self.open_tasks = 0
        """Decode tasks that are not over, now."""
        self.waiting_tasks = 0
        """Decode tasks with work and without a stream, now."""
        self.demand = Demand()
        """Of live utterances and second passes: recordings take what these leave."""
        self.lateness = LatenessMeter()
        """Of live steps and of those of second passes."""
        self.utterance_s = TYPICAL_UTTERANCE_S
        """How long utterances are of late, seconds: the mean over their audio."""
        self._finals_only = finals_only
        self.in_use = 0.0
        """Share of the slots' time that was taken by batches, the last seconds of decoding."""
        self._costs: StepCosts | None = None
        self._learner = CostLearner()
        self._slowness = 1.0
        self._began = 0.0
        self._busy_s = 0.0
        self._expected_s = 0.0

    @property
    def costs(self) -> StepCosts | None:
        """What steps cost here, as far as is known now; None before a calibration."""
        return self._costs

    @costs.setter
    def costs(self, costs: StepCosts | None) -> None:
        before, self._costs = self._costs, costs
        self._learner.forget()
        if before is not None and costs is not None:
            # Steps take what they took: against lower costs that is longer.
            lower = costs.ratio_to(before)
            self._slowness /= lower
            self._expected_s *= lower

    def calibrated(self, found: StepCosts) -> None:
        """A calibration has found these costs: the best of all count, and what it found is what
        steps take just now."""
        best = found if self._costs is None else self._costs.best_with(found)
        self.costs = best
        self._slowness = max(1.0, found.ratio_to(best))

    def batch_decoded(
        self,
        busy_s: float,
        steps: int,
        samples: int,
        now: float,
        *,
        worded: int = 0,
        is_spared: bool = False,
    ) -> None:
        """A batch with so many steps and samples in all took `busy_s` of a slot.

        Args:
            worded: steps that came back with words.
            is_spared: on an overload level.
        """
        self.batches += 1
        self.steps += steps
        self.decoded_samples += samples
        self.busy_s += busy_s
        costs = self._costs
        if costs is None or not steps:
            return
        self._busy_s += busy_s
        each_s = samples / SAMPLE_RATE / steps
        expected_s = costs.batch_seconds(steps, each_s, self.utterance_s, is_spared=is_spared)
        self._expected_s += expected_s
        if now - self._began >= _SLOWNESS_WINDOW_S and self._expected_s > 0:
            self.in_use = self._busy_s / (now - self._began) / costs.slots
            ratio = self._busy_s / self._expected_s
            self._slowness += _WEIGHT * (ratio - self._slowness)
            self._began, self._busy_s, self._expected_s = now, 0.0, 0.0
        if expected_s > 0:
            shown = Evidence(busy_s, expected_s, self.busy_s, costs.slots, now)
            self._learn(self._learner.batch(costs, steps, worded, each_s, shown))

    def utterance_decoded(
        self,
        samples: int,
        *,
        busy_s: float = 0.0,
        letters: int = 0,
        partials: bool = True,
        is_spared: bool = False,
        now: float = 0.0,
    ) -> None:
        """An utterance of so many samples has its final.

        Args:
            busy_s: time of slots that it took.
            letters: of its text.
            partials: it was read as it grew.
            is_spared: on an overload level, which makes that rarer.
        """
        length_s = samples / SAMPLE_RATE
        weight = min(1.0, length_s / _LENGTH_MEMORY_S)
        self.utterance_s += weight * (length_s - self.utterance_s)
        costs = self._costs
        # It must have been read as often as those of the calibration were.
        if costs is None or not length_s or is_spared or partials is self._finals_only:
            return
        expected_s = costs.batch_seconds(1, length_s, length_s)
        shown = Evidence(busy_s, expected_s, self.busy_s, costs.slots, now)
        self._learn(self._learner.utterance(costs, length_s, letters, shown))

    def _learn(self, lower: StepCosts | None) -> None:
        if lower is not None and self._costs is not None:
            agreeing = lower.agreeing if self._costs.agrees_with(lower) else 0
            # What has been put right disturbs no longer.
            left = max(1.0, lower.disturbance * lower.ratio_to(self._costs))
            self.costs = replace(lower, agreeing=agreeing, disturbance=left)

    @property
    def slowness(self) -> float:
        """Time that steps take against what they took when calibrated, the last seconds.

        Others on the machine, a lower clock, harder speech, the server's own event loop: all of it
        shows here. Less than `StepCosts.in_service` only says that the machine is not busy yet,
        unless the calibration is known to have been disturbed and to have found too much: then it
        counts at once, before the costs themselves are known better.
        """
        if self._costs is None:
            return self._slowness
        return max(self._costs.in_service / self._costs.disturbance, self._slowness)

    def share(self, audio_per_second: float) -> float:
        """The part of the slots' time that so much audio takes in each second, in full batches."""
        if self._costs is None:
            return 0.0
        per_second = self._costs.per_second_of(self.utterance_s)
        return audio_per_second * per_second * self.slowness / self._costs.slots
