"""A text that says the same over and over: what models make of sound that is no speech."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

_LEAST_LOOP: Final = 12
"""Tokens or words: people say "no, no, no", and nobody says four words three times over."""
_LEAST_REPEATS: Final = 3
_LONGEST_PERIOD: Final = 40


def loop_period(tokens: Sequence[Hashable]) -> int | None:
    """How many tokens or words repeat at the end of a text, over and over; None where none do."""
    count = len(tokens)
    for period in range(1, min(_LONGEST_PERIOD, count // _LEAST_REPEATS) + 1):
        repeated = period * max(_LEAST_REPEATS, -(-_LEAST_LOOP // period))
        if repeated > count:
            continue
        if all(
            tokens[count - 1 - at] == tokens[count - 1 - at - period]
            for at in range(repeated - period)
        ):
            return period
    return None


def without_loop(tokens: Sequence[Hashable], period: int) -> int:
    """How many are left of a text that ends in a loop, if the loop is told once."""
    end = len(tokens)
    while end > period and tokens[end - 1] == tokens[end - 1 - period]:
        end -= 1
    return end
