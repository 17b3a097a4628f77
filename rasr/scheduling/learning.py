"""Costs learnt from live steps: the lower envelope of what they take.

Others on the machine only ever make a step longer, so a step that took less than its cost says that
the cost is too high, if nothing else made it cheap. What else makes a step cheap, and how that is
kept out:

- little or no audio in it, as at the end of an utterance: steps of about the usual audio count;
- audio without speech, of which search makes little, or an utterance that failed: the results of at
  least half of a batch must have words, and an utterance that is read anew as many letters a second
  as people speak;
- an easy stretch of speech: batches are gathered into groups of some seconds, and of a dozen groups
  the one at the lower quarter counts, not the shortest;
- free cores, caches and memory while other slots do nothing: what was measured then counts as
  longer, the more the less the slots were in use.

What is too low all the same is put right by what steps take just now
(`rasr.scheduling.statistics.EngineStatistics.slowness`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import log

from rasr.scheduling.costs import StepCosts

_LEAST_AUDIO, _MOST_AUDIO = 0.75, 1.5
"""Of the audio of a calibrated step."""
_LEAST_LETTERS = 3.0
"""In a second of an utterance. Slow speech has 8 in English and 3 in Chinese characters."""
_LEAST_UTTERANCE_S = 1.5
"""Shorter ones have one reading or two, and their text is one word."""
_GROUP = 8
"""Batches, so that a group holds some seconds of audio of each stream or that of many streams."""
_GROUP_OF_UTTERANCES = 2
"""Each is a dozen readings or more, of some seconds; one speaker makes fifteen a minute."""
_GROUP_S = 1.0
"""At least: a group must not lie in one quiet moment of a neighbour."""
_KEPT_GROUPS = 12
_LEAST_GROUPS = 4
_WORTH = 0.95
"""Costs that would fall by less stay as they are."""
ALONE = 1.3
"""A step is taken to last so many times longer while all slots are busy than alone. On two cores it
was 1.0 by processor time, for Moonshine and for a zipformer of 20 million parameters; processors
whose cores share a cache or a clock lose more, so this is on the safe side."""
_FULLY_USED = 0.7
"""Of the slots' time: from here on a step has as much company as it ever has."""
_UTTERANCES = 0
"""The key of groups of utterances; batches have their size."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one batch, or one utterance that was read anew, took of a slot."""

    busy_s: float
    """Time that it took, seconds."""
    expected_s: float
    """Time that it should have taken by the costs of now, seconds."""
    slots_busy_s: float
    """Time that all slots of the engine have decoded so far, seconds."""
    slots: int
    now: float


class _Group:
    """What is being gathered."""

    def __init__(self, first: Evidence) -> None:
        self._began = first.now - first.busy_s
        self._slots_busy_s = first.slots_busy_s - first.busy_s
        self._busy_s = self._expected_s = 0.0
        self._count = 0

    def add(self, one: Evidence) -> None:
        self._busy_s += one.busy_s
        self._expected_s += one.expected_s
        self._count += 1

    def ratio(self, one: Evidence, least: int) -> float | None:
        """What was taken over what was expected, once the group is whole."""
        span_s = one.now - self._began
        if self._count < least or span_s < _GROUP_S:
            return None
        in_use = (one.slots_busy_s - self._slots_busy_s) / (span_s * one.slots)
        company = 1.0 if one.slots == 1 else min(1.0, in_use / _FULLY_USED)
        return self._busy_s / self._expected_s * (1 + (ALONE - 1) * (1 - company))


class CostLearner:
    """Finds costs that are too high. Costs go in with the evidence, lower ones come out."""

    def __init__(self) -> None:
        self._groups: dict[int, _Group] = {}
        self._ratios: dict[int, deque[float]] = {}

    def forget(self) -> None:
        """The costs are others now: what was gathered was held against the old ones."""
        self._groups.clear()
        self._ratios.clear()

    def batch(
        self, costs: StepCosts, steps: int, worded: int, step_s: float, one: Evidence
    ) -> StepCosts | None:
        """Lower costs, if this batch shows them; else None.

        Args:
            steps: of the batch.
            worded: those of them that came back with words.
            step_s: audio of each, seconds, the mean.
        """
        audio = step_s / costs.step_s
        if costs.by_length or 2 * worded < steps or not _LEAST_AUDIO <= audio <= _MOST_AUDIO:
            return None
        size = min(costs.seconds, key=lambda known: abs(log(known / steps)))
        ratio = self._shown(size, one, _GROUP)
        if ratio is None:
            return None
        return costs.lowered({size: costs.seconds[size] * ratio})

    def utterance(
        self, costs: StepCosts, length_s: float, letters: int, one: Evidence
    ) -> StepCosts | None:
        """Lower costs, if this utterance of an engine that reads anew shows them; else None.

        All lengths become as much lower: it is one model on one machine.

        Args:
            letters: of its final.
        """
        if (
            not costs.by_length
            or length_s < _LEAST_UTTERANCE_S
            or letters < _LEAST_LETTERS * length_s
        ):
            return None
        ratio = self._shown(_UTTERANCES, one, _GROUP_OF_UTTERANCES)
        return None if ratio is None else costs.scaled(ratio)

    def _shown(self, key: int, one: Evidence, least: int) -> float | None:
        """By how much costs are too high, if they are."""
        group = self._groups.setdefault(key, _Group(one))
        group.add(one)
        ratio = group.ratio(one, least)
        if ratio is None:
            return None
        del self._groups[key]
        ratios = self._ratios.setdefault(key, deque(maxlen=_KEPT_GROUPS))
        ratios.append(ratio)
        low = sorted(ratios)[len(ratios) // 4]
        return low if len(ratios) >= _LEAST_GROUPS and low < _WORTH else None
