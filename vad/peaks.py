"""How high the values of a stream usually peak: a peak that comes once does not count.

The values are cut into blocks, each of which has a highest. Of the last few blocks the highest but
`SPARED` is the usual peak, so two stray bursts, or one across a border, change nothing.
"""

from __future__ import annotations

import math
from typing import Final

SPARED: Final = 2


class UsualPeak:
    """Of the last `blocks` blocks of `block` values, the unfinished one among them."""

    def __init__(self, block: int, blocks: int) -> None:
        assert block >= 1, block
        assert blocks > SPARED, blocks
        self._block = block
        self._blocks = blocks
        self._highest: list[float] = []
        self._pushed = 0
        self.value = -math.inf
        """Of the blocks so far; while there are no more than are spared, the highest of all."""

    def push(self, value: float) -> None:
        if self._pushed % self._block == 0:
            self._highest.append(value)
            del self._highest[: -self._blocks]
        elif value > self._highest[-1]:
            self._highest[-1] = value
        else:
            self._pushed += 1
            return
        self._pushed += 1
        ranked = sorted(self._highest, reverse=True)
        self.value = ranked[SPARED] if len(ranked) > SPARED else ranked[0]
