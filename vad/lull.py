"""The quietest moment of the last few seconds.

Kept by blocks: the lowest of the last few and of the one that is filling, so a frame costs two
comparisons. It reaches back `blocks` blocks at most and one fewer at least.
"""

from __future__ import annotations

import math
from collections import deque


class Lull:
    """Of a stream of loudnesses, two numbers each; each has a lowest of its own."""

    def __init__(self, block: int, blocks: int) -> None:
        assert block >= 1, block
        assert blocks >= 2, blocks
        self._block = block
        self._left = block
        self._finished: deque[tuple[float, float]] = deque(maxlen=blocks - 1)
        self._lowest = (math.inf, math.inf)
        """Of the finished blocks."""
        self._level = self._edges = math.inf
        """Of the block that is filling."""

    def push(self, level: float, edges: float) -> None:
        if not self._left:
            self._finished.append((self._level, self._edges))
            self._lowest = (
                min(level for level, _ in self._finished),
                min(edges for _, edges in self._finished),
            )
            self._level = self._edges = math.inf
            self._left = self._block
        self._left -= 1
        if level < self._level:
            self._level = level
        if edges < self._edges:
            self._edges = edges

    @property
    def level(self) -> float:
        return min(self._level, self._lowest[0])

    @property
    def edges(self) -> float:
        return min(self._edges, self._lowest[1])

    @property
    def is_whole(self) -> bool:
        """Whether it has heard as much as it reaches back."""
        return len(self._finished) == self._finished.maxlen
