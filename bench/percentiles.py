"""Latencies as percentiles: the median says what is usual, the 95th what people complain of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed, interpolated; NaN of none."""
    return float(np.percentile(values, percent)) if values else float("nan")


def shown(values_ms: Sequence[float], percent: float) -> str:
    """A percentile of latencies in ms, in seconds for a table."""
    value = percentile(values_ms, percent)
    return "–" if value != value else f"{value / 1000:.2f} s"


def ratio(value: float, to: float) -> float:
    """How many times as much; NaN where there is nothing to compare with."""
    return value / to if to else float("nan")
