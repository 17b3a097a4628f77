"""How much sound real time asks an engine to decode.

Sound counts in the second in which it is due (`rasr.scheduling.job.Piece.due`), not when it came: a
client that sends a recording at ten times the speed of speech asks for no more than one that
speaks, because what it sent early waits behind what is due.
"""

from __future__ import annotations

from collections import Counter

WINDOW_S = 20
"""Long enough for sentences and the pauses between them, short enough to follow comings and goings.
"""


class Demand:
    """Sound given to one engine, by the second in which it is due."""

    def __init__(self) -> None:
        self._due: Counter[int] = Counter()
        """Second → milliseconds of sound. Whole numbers, so that nothing adds up to drift."""

    def add(self, ms: int, due: float) -> None:
        """`ms` of sound that is due at `due`, seconds of a monotonic clock."""
        self._due[int(due)] += ms

    def per_second(self, now: float) -> float:
        """Seconds of sound that fell due in each second of the last window."""
        end = int(now)
        for second in [second for second in self._due if second < end - WINDOW_S]:
            del self._due[second]
        ms = sum(self._due[second] for second in range(end - WINDOW_S, end))
        return ms / 1000 / WINDOW_S
