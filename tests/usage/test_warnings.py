"""When somebody is told that a quota or packages come to their end."""

from __future__ import annotations

import pytest

from rasr.usage.services import Service
from rasr.usage.warnings import Bound, warning_of


@pytest.mark.parametrize(
    ("used", "of", "percent"),
    [
        *((0, 100, None), (79, 100, None), (80, 100, 80), (99, 100, 80), (100, 100, 100)),
        *((500, 100, 100), (0, 0, 100), (3, 4, None), (4, 5, 80), (0, 1, None), (1, 1, 100)),
    ],
)
def test_the_highest_level_that_is_reached(used: int, of: int, percent: int | None) -> None:
    found = warning_of(Bound.QUOTA, Service.REAL_TIME, used, of)
    assert (None if found is None else found.percent) == percent


def test_a_person_is_told_what_follows() -> None:
    def told(bound: Bound, used: int) -> str:
        found = warning_of(bound, Service.REAL_TIME, used, 3600)
        assert found is not None
        return found.sentence

    of = "of 3600 seconds of real-time are used"
    assert told(Bound.QUOTA, 3000) == f"80 % of the quota of the month are reached: 3000 {of}"
    assert told(Bound.QUOTA, 3600) == (
        f"the quota of the month is used up: 3600 {of}; calls are refused"
    )
    assert told(Bound.PACKAGES, 3000) == f"80 % of the packages are reached: 3000 {of}"
    assert told(Bound.PACKAGES, 3600) == (
        f"the packages are used up: 3600 {of}; what is used now is on demand"
    )
