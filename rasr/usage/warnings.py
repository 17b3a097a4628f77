"""When somebody is to be told that what a project may use comes to its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rasr.usage.services import Service

LEVELS = (100, 80)
"""Percent, the highest first."""


class Bound(StrEnum):
    """What comes to its end."""

    QUOTA = "quota"
    """Of the month: past it calls are refused."""
    PACKAGES = "packages"
    """Those that are valid now, together: past them use is on demand."""


@dataclass(frozen=True, slots=True)
class UsageWarning:
    """A level that was reached."""

    bound: Bound
    service: Service
    percent: int
    """The level."""
    used: int
    of: int

    @property
    def sentence(self) -> str:
        """For a person."""
        amounts = f"{self.used} of {self.of} {self.service.unit} of {self.service} are used"
        match self.bound, self.percent:
            case Bound.QUOTA, 100:
                return f"the quota of the month is used up: {amounts}; calls are refused"
            case Bound.QUOTA, _:
                return f"{self.percent} % of the quota of the month are reached: {amounts}"
            case _, 100:
                return f"the packages are used up: {amounts}; what is used now is on demand"
            case _:
                return f"{self.percent} % of the packages are reached: {amounts}"


def warning_of(bound: Bound, service: Service, used: int, of: int) -> UsageWarning | None:
    """The highest level that was reached; None below all of them."""
    for percent in LEVELS:
        if used * 100 >= of * percent:
            return UsageWarning(bound, service, percent, used, of)
    return None
