"""The largest load that is held, found in few tries: up by a quarter, then by halves."""

from __future__ import annotations

from collections.abc import Callable


def largest(holds: Callable[[int], bool], start: int, resolution: int, most: int) -> int:
    """The largest number that holds, to within `resolution`; 0 if not even one does.

    Args:
        holds: is asked for each number at most once; is taken to be true up to some number.
        start: where to look first.
        most: larger numbers are not tried.
    """
    held, failed = 0, most + 1
    tried = min(start, most)
    while failed - held > max(1, resolution if held else 1) and tried:
        if holds(tried):
            held = tried
        else:
            failed = tried
        if failed > most:
            tried = min(most, tried + max(resolution, tried // 4))
        elif not held:
            tried = min(tried - 1, tried * 3 // 4)
        else:
            tried = (held + failed) // 2
    return held
