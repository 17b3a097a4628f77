"""The highest of the last few values, in constant time for each."""

from __future__ import annotations

from collections import deque


class Highest:
    """Of the last `window` values pushed."""

    def __init__(self, window: int) -> None:
        assert window >= 1, window
        self._window = window
        self._pushed = 0
        self._falling: deque[tuple[int, float]] = deque()
        """Numbers and values of those that no later one has reached, so each lower than the last
        before it: the first is the highest."""

    def push(self, value: float) -> float:
        """Take the next value; the highest now."""
        falling = self._falling
        while falling and falling[-1][1] <= value:
            falling.pop()
        falling.append((self._pushed, value))
        if falling[0][0] <= self._pushed - self._window:
            falling.popleft()
        self._pushed += 1
        return falling[0][1]
