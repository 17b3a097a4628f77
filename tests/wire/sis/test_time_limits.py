"""The idle rule and the longest life, on a clock that a test moves."""

from __future__ import annotations

import pytest

from rasr.settings import SessionSettings
from rasr.wire.sis.errors import ErrorCode
from rasr.wire.sis.time_limits import Expired, TimeLimits

SETTINGS = SessionSettings(idle_s=20, connection_s=100)


def test_the_next_limit_is_that_which_comes_first() -> None:
    limits = TimeLimits(SETTINGS, 1000.0)
    assert limits.deadline(idle=True) == 1020
    assert limits.deadline(idle=False) == 1100
    limits.heard(1090.0)
    assert limits.deadline(idle=True) == 1100


@pytest.mark.parametrize(
    ("now", "idle", "expired"),
    [
        (1019.9, True, None),
        (1020.0, True, Expired.IDLE),
        (1020.0, False, None),
        (1099.9, False, None),
        (1100.0, False, Expired.LIFE),
        (1100.0, True, Expired.LIFE),
    ],
)
def test_a_limit_is_reached_at_its_time(now: float, idle: bool, expired: Expired | None) -> None:
    assert TimeLimits(SETTINGS, 1000.0).expired(now, idle=idle) is expired


def test_whoever_is_heard_is_not_idle() -> None:
    limits = TimeLimits(SETTINGS, 1000.0)
    limits.heard(1015.0)
    assert limits.expired(1034.9, idle=True) is None
    assert limits.expired(1035.0, idle=True) is Expired.IDLE


def test_the_longest_life_is_told_once() -> None:
    limits = TimeLimits(SETTINGS, 1000.0)
    assert limits.expired(1100.0, idle=False) is Expired.LIFE
    assert limits.expired(1101.0, idle=False) is None
    assert limits.deadline(idle=False) == float("inf")


def test_an_idle_client_is_told_for_how_long() -> None:
    fault = TimeLimits(SETTINGS, 0.0).idle_fault
    assert (fault.code, fault.message) == (
        ErrorCode.IDLE,
        "wait voice timeout: no message for 20 s",
    )
