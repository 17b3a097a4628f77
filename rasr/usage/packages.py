"""How much of its packages a project has used: computed from what it used and when, kept nowhere.

Packages are used before anything is on demand. Of those that are valid at a moment the one that
ends first is used first. What is used while none is valid, or all are used up, is on demand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rasr.usage.periods import Period


@dataclass(frozen=True, slots=True)
class PackageTerms:
    """A package of one service."""

    key: str
    """Names it. Of two that end at once the one with the lesser key is used first."""
    amount: int
    valid: Period


@dataclass(frozen=True, slots=True)
class Span:
    """What was used in a period."""

    period: Period
    amount: int


@dataclass(frozen=True, slots=True)
class Allotment:
    """What was used, of which package or on demand."""

    used: dict[str, int]
    """Of each package."""
    on_demand: list[int]
    """Of each span."""


def spans_of(
    packages: Iterable[PackageTerms], whole: Period, cuts: Iterable[float] = ()
) -> list[Period]:
    """A period in parts, in each of which the same packages are valid all the time.

    Args:
        cuts: moments at which a part has to end, too.
    """
    moments = {whole.since, whole.until, *cuts}
    for package in packages:
        moments |= {package.valid.since, package.valid.until}
    inside = sorted(one for one in moments if whole.since <= one <= whole.until)
    return [Period(*both) for both in pairwise(inside)]


def allot(packages: Sequence[PackageTerms], spans: Iterable[Span]) -> Allotment:
    """What was used of which package.

    Args:
        spans: in the order of time, each a part of `spans_of` these packages: within it the order
            in which things were used makes no difference.
    """
    left = {package.key: package.amount for package in packages}
    in_order = sorted(packages, key=lambda package: (package.valid.until, package.key))
    on_demand = []
    for span in spans:
        open_amount = span.amount
        for package in in_order:
            if (
                package.valid.since <= span.period.since
                and span.period.until <= package.valid.until
            ):
                taken = min(left[package.key], open_amount)
                left[package.key] -= taken
                open_amount -= taken
        on_demand.append(open_amount)
    return Allotment({one.key: one.amount - left[one.key] for one in packages}, on_demand)
