"""How late live steps have begun of late: what is measured of an engine, whatever was predicted."""

from __future__ import annotations

from collections import deque

from rasr.scheduling.overload import CALM

WINDOW_S = 2.0
"""Steps of so long are looked at: a newcomer shows in them, and what was before him does not."""
ON_TIME = CALM
"""Of a step's audio: nine steps of ten begin within so much, or the engine is not on time. Half way
to its limit a machine is late by a tenth of a step, at its limit by a quarter on average."""
_SHARE = 0.9
_LEAST_STEPS = 8
"""Fewer say nothing: one speaker has three to five steps a second."""
_MOST_STEPS = 2048
"""Kept; of thousands in two seconds the newest half say the same."""


class LatenessMeter:
    """Of one engine."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, float]] = deque(maxlen=_MOST_STEPS)
        """When each was taken, and how late: in parts of a step's audio."""

    def observe(self, queued_s: float, waited_s: float, step_s: float, now: float) -> None:
        """A step is taken.

        Args:
            queued_s: so long after it was ready and due.
            waited_s: so long after its oldest audio was due.
            step_s: audio of a step, seconds.
        """
        # What has waited for longer than a step takes to come waited for the steps before it: an
        # engine that is slower than speech has no queue, and yet is ever later.
        self._steps.append((now, max(queued_s, waited_s - step_s) / step_s))
        while now - self._steps[0][0] > WINDOW_S:
            self._steps.popleft()

    def on_time(self, now: float) -> bool | None:
        """Whether the steps of the last seconds began in time; None where there were too few."""
        late = sorted(late for taken, late in self._steps if now - taken <= WINDOW_S)
        if len(late) < _LEAST_STEPS:
            return None
        return late[int(len(late) * _SHARE)] <= ON_TIME
