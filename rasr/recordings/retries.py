"""When something is tried again. Pure: what happened goes in, a number of seconds comes out."""

from __future__ import annotations

from collections.abc import Mapping

_FIRST_S = 1.0
_LONGEST_S = 60.0

MAY_PASS = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Statuses that say nothing about the next request."""


def pause_s(tries: int) -> float:
    """How long to wait after so many tries in a row that brought nothing: 1 s, then twice as long
    each time, a minute at most.
    """
    return float(min(_LONGEST_S, _FIRST_S * 2 ** min(tries - 1, 10)))


def asked_pause_s(headers: Mapping[str, str]) -> float:
    """How long a server wants to be left alone, by its header Retry-After; a minute at most."""
    text = headers.get("retry-after", "")
    return min(_LONGEST_S, float(text)) if text.isascii() and text.isdecimal() else 0.0
