"""The overload ladder: how much an engine that falls behind is spared.

Pure: lateness comes in with the time, a rung comes out. Rungs spare partials alone. A step of two
chunks costs one batch, one reading of the hypothesis and one message where two would cost two;
a partial that is not told costs nothing. Finals lose nothing on any rung.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rung:
    merged: int
    """Chunks that a step waits for."""
    partials: int
    """Partials come so many times less often than asked for."""


RUNGS = (Rung(merged=1, partials=1), Rung(merged=2, partials=2), Rung(merged=2, partials=4))
TOP_RUNG = len(RUNGS) - 1

WINDOW_S = 1.0
CALM_WINDOWS = 3
"""So long nothing may be late before a rung is left: down is slower than up, or it would swing."""
LATE = 0.75
"""Of a step's sound: later on average means that the backlog grows. A machine at its limit that
still keeps up is late by a quarter of a step (`python -m bench load`)."""
CALM = 0.25
_LEAST_STEP_S = 0.1
"""Nobody notices that a shorter step came late by its own length."""


class Ladder:
    """Which rung one engine is on."""

    def __init__(self, step_s: float) -> None:
        """
        Args:
            step_s: sound of a step on the lowest rung, seconds.
        """
        self._step_s = max(step_s, _LEAST_STEP_S)
        self._rung = 0
        self._began: float | None = None
        self._late_s = 0.0
        self._steps = 0
        self._calm = 0

    @property
    def rung(self) -> int:
        """0, the lowest, up to `TOP_RUNG`."""
        return self._rung

    def observe(self, late_s: float, now: float) -> bool:
        """A step is taken, so long after it was ready and due. True if the rung has changed."""
        if self._began is None:
            self._began = now
        before = self._rung
        # Windows without a step are calm ones: nobody waits.
        for _ in range(min(int((now - self._began) / WINDOW_S), CALM_WINDOWS * len(RUNGS))):
            self._close()
        if now - self._began >= WINDOW_S:
            self._began = now
        self._late_s += max(0.0, late_s)
        self._steps += 1
        return self._rung != before

    def _close(self) -> None:
        late = self._late_s / self._steps / self._step_s if self._steps else 0.0
        self._late_s, self._steps = 0.0, 0
        if late > LATE:
            self._calm = 0
            self._rung = min(self._rung + 1, TOP_RUNG)
        elif late > CALM:
            self._calm = 0
        else:
            self._calm += 1
            if self._calm >= CALM_WINDOWS:
                self._calm = 0
                self._rung = max(self._rung - 1, 0)
