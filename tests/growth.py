"""How the work of something grows with what it is given."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_TIMES = 8
_MOST = 14.0
"""For eight times as much. What grows with the square takes 64 times as long."""


def assert_linear(make: Callable[[int], T], work: Callable[[T], object], size: int) -> None:
    """Work on what is eight times as large takes about eight times as long.

    It is the processor's time of this thread that counts, the best of several tries, so that others
    on the machine do not. `size` is to be so large that what is quadratic shows: some ms of work.

    Args:
        make: what is worked on, by its size.
    """
    few, many = _seconds(make(size), work, 3), _seconds(make(_TIMES * size), work, 2)
    assert many < _MOST * few, f"{few * 1000:.1f} ms became {many * 1000:.1f} ms"


def _seconds(given: T, work: Callable[[T], object], tries: int) -> float:
    best = float("inf")
    # The collector's work depends on what all other tests have left.
    gc.disable()
    try:
        for _ in range(tries):
            began = time.thread_time()
            work(given)
            best = min(best, time.thread_time() - began)
    finally:
        gc.enable()
    return best
