"""When a step is worth its overhead, and how an engine that falls behind is spared.

Pure: lateness comes in with the time, an overload level comes out. Levels spare partials alone. A
step of two chunks costs one batch, one reading of the hypothesis and one message where two would
cost two; a partial that is not told costs nothing. Finals lose nothing on any level.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from decoder import Capabilities
from decoder.engine import SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class OverloadLevel:
    """How much an engine is spared."""

    merged: int
    """Chunks that a step waits for."""
    partials: int
    """Partials come so many times less often than asked for."""
    interval: float
    """An engine that reads anew waits so many times longer between its readings, in place of the
    other two. Each reading is told: it was made for that."""


LEVELS = (
    OverloadLevel(merged=1, partials=1, interval=1.0),
    OverloadLevel(merged=2, partials=2, interval=1.25),
    OverloadLevel(merged=2, partials=4, interval=1.5),
)
TOP_LEVEL = len(LEVELS) - 1
"""The level at which nobody else is let in."""

WINDOW_S = 1.0
"""Lateness is averaged over so long."""
CALM_WINDOWS = 3
"""So long nothing may be late before a level is left: down is slower than up, or it would swing."""
LATE = 0.75
"""Of a step's audio: later on average means that the backlog grows. A machine at its limit that
still keeps up is late by a quarter of a step (`python -m bench load`)."""
CALM = 0.25
"""Of a step's audio: earlier on average means that the machine keeps up."""
_ALL = 1 << 62
"""Samples: more than any utterance has."""
_LEAST_STEP_S = 0.1
"""Nobody notices that a shorter step came late by its own length."""


class OverloadMonitor:
    """Says on which level one engine is."""

    def __init__(self, step_s: float) -> None:
        """
        Args:
            step_s: audio of a step on level 0, seconds; more than 0.
        """
        self._step_s = step_s
        self._level = 0
        self._began: float | None = None
        self._late_s = 0.0
        self._steps = 0
        self._calm = 0

    @property
    def level(self) -> int:
        """The level: 0 while all is well, up to `TOP_LEVEL`."""
        return self._level

    def observe(self, late_s: float, now: float) -> bool:
        """A step is taken, so long after it was ready and due. True if the level has changed."""
        if self._began is None:
            self._began = now
        before = self._level
        # Windows without a step are calm ones: nobody waits.
        for _ in range(min(int((now - self._began) / WINDOW_S), CALM_WINDOWS * len(LEVELS))):
            self._close()
        if now - self._began >= WINDOW_S:
            self._began = now
        self._late_s += max(0.0, late_s)
        self._steps += 1
        return self._level != before

    def _close(self) -> None:
        late = self._late_s / self._steps / self._step_s if self._steps else 0.0
        self._late_s, self._steps = 0.0, 0
        if late > LATE:
            self._calm = 0
            self._level = min(self._level + 1, TOP_LEVEL)
        elif late > CALM:
            self._calm = 0
        else:
            self._calm += 1
            if self._calm >= CALM_WINDOWS:
                self._calm = 0
                self._level = max(self._level - 1, 0)


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """When a step is worth its overhead, in samples at 16 kHz."""

    least: int
    """Audio that must wait, unless the end is there."""
    most: int
    """Audio that one step takes where so much waits, rounded up to whole pieces."""
    partial: int | None
    """Audio between two partials; None where none are wanted."""
    first: int
    """With so much audio the engine does its first work, and again with each `every` more."""
    every: int
    merged: int = 1
    """So many steps in one, but for the first: the first partial is not kept waiting."""

    @staticmethod
    def of(
        capabilities: Capabilities,
        *,
        step_ms: int,
        partial_ms: int,
        partials: bool,
        level: OverloadLevel = LEVELS[0],
    ) -> StepPolicy:
        """The policy for an engine.

        Args:
            step_ms: most audio that a step takes.
            partial_ms: audio between two partials.
            partials: somebody wants partials.
        """
        merged, rarer, longer = level.merged, level.partials, 1.0
        if capabilities.rereads:
            merged, rarer, longer = 1, 1, level.interval
        # Who watches wants every partial; who does not can wait for a longer step.
        least_ms = min(partial_ms, step_ms) if partials else step_ms
        return StepPolicy(
            least=SAMPLE_RATE * least_ms // 1000,
            most=_most(capabilities, SAMPLE_RATE * step_ms // 1000),
            partial=SAMPLE_RATE * partial_ms // 1000 * rarer if partials else None,
            first=capabilities.first_step_samples,
            every=int(capabilities.step_samples * longer),
            merged=merged,
        )

    @property
    def step_samples(self) -> int:
        """Audio of each step but the first."""
        first = self.next_step_at(0)
        return self.next_step_at(first) - first

    def next_step_at(self, taken: int) -> int:
        """With how much audio in all the next step begins, when `taken` has been taken.

        It is counted from the engine's own last step, not from `taken`: what came beyond that step
        is the beginning of the next one.
        """
        steps, merged = -1, 1
        if taken >= self.first:
            steps, merged = (taken - self.first) // self.every, self.merged
        return self.first + (steps + max(1, -(-self.least // self.every)) * merged) * self.every


def _most(capabilities: Capabilities, step_samples: int) -> int:
    if capabilities.rereads:
        # It reads all of the utterance in any case, and what waits would need a reading of its own.
        return _ALL
    # An engine's own step is not worth cutting: the first part of it would do nothing.
    return max(step_samples, capabilities.first_step_samples, capabilities.step_samples)


class StepPolicies:
    """The step policies of one engine, on the overload level where it stands."""

    def __init__(self, capabilities: Capabilities, *, step_ms: int, partial_ms: int) -> None:
        """
        Args:
            step_ms: most audio that a step takes.
            partial_ms: audio between two partials.
        """
        self._capabilities = capabilities
        self._step_ms = step_ms
        self._partial_ms = partial_ms
        self._policies = self._on(0)
        self.step_s = max(self._policies[True].step_samples / SAMPLE_RATE, _LEAST_STEP_S)
        """Audio of a step on level 0, seconds, against which it is late; a tenth at the least."""
        self._monitor = OverloadMonitor(self.step_s)

    @property
    def level(self) -> int:
        """The overload level: 0 while all is well."""
        return self._monitor.level

    @property
    def reads_anew(self) -> bool:
        """The engine decodes an utterance anew as it grows."""
        return self._capabilities.rereads

    def policy(self, *, partials: bool) -> StepPolicy:
        """The policy of an utterance whose partials are wanted, or not."""
        return self._policies[partials]

    def renewed(self, policy: StepPolicy) -> StepPolicy:
        """The policy of now for an utterance that had this one, with or without partials."""
        return self._policies[policy.partial is not None]

    @property
    def spared(self) -> StepPolicy | None:
        """Of an engine that reads anew: the policy with partials on the first overload level."""
        return self._on(1)[True] if self.reads_anew else None

    def observe(self, late_s: Iterable[float], now: float) -> bool:
        """Steps are taken, each so long after it was ready and due. True if the level changes."""
        changed = False
        for one in late_s:
            changed |= self._monitor.observe(one, now)
        if changed:
            self._policies = self._on(self.level)
        return changed

    def _on(self, level: int) -> dict[bool, StepPolicy]:
        """With partials, and without."""
        return {
            partials: StepPolicy.of(
                self._capabilities,
                step_ms=self._step_ms,
                partial_ms=self._partial_ms,
                partials=partials,
                level=LEVELS[level],
            )
            for partials in (True, False)
        }
