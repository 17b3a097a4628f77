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
_LOOKS = 3
_LEAST_S = 0.001
"""What takes less is done so often that it takes as long: a cache that is cold costs microseconds.
"""


def assert_linear(make: Callable[[int], T], work: Callable[[T], object], size: int) -> None:
    """Work on what is eight times as large takes about eight times as long.

    It is the processor's time of this thread that counts, the best of several tries, so that others
    on the machine do not. `size` is to be so large that what is quadratic shows. What seems to grow
    faster is measured again: what is quadratic seems so each time.

    Args:
        make: what is worked on, by its size.
    """
    for _ in range(_LOOKS):
        few, many = _seconds(make(size), work, 3), _seconds(make(_TIMES * size), work, 2)
        if many < _MOST * few:
            return
    raise AssertionError(f"{few * 1000:.2f} ms became {many * 1000:.2f} ms")


def _seconds(given: T, work: Callable[[T], object], tries: int) -> float:
    best, times = float("inf"), 1
    # The collector's work depends on what all other tests have left.
    gc.disable()
    try:
        while tries:
            began = time.thread_time()
            for _ in range(times):
                work(given)
            took = time.thread_time() - began
            if took < _LEAST_S:
                times *= 4
                continue
            best, tries = min(best, took / times), tries - 1
    finally:
        gc.enable()
    return best
