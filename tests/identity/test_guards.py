"""What the doors remember: it does what it says, and has a bound whatever strangers do."""

from __future__ import annotations

import pytest

from rasr.identity.guards import LOCK_S, WRONG_TRIES, Lockouts, RateLimit, UsedSignatures


def test_five_wrong_tries_in_a_row_lock_for_five_minutes() -> None:
    lockouts = Lockouts()
    assert [lockouts.wrong("a", 10.0) for _ in range(WRONG_TRIES)] == [False] * 4 + [True]
    assert lockouts.is_locked("a", 10.0 + LOCK_S - 0.001)
    assert not lockouts.is_locked("a", 10.0 + LOCK_S)
    assert not lockouts.is_locked("b", 10.0)


def test_a_right_try_makes_the_row_end() -> None:
    lockouts = Lockouts()
    for _ in range(WRONG_TRIES - 1):
        lockouts.wrong("a", 0.0)
    lockouts.right("a")
    assert not lockouts.wrong("a", 0.0)
    assert not lockouts.is_locked("a", 0.0)


def test_after_a_lock_there_are_five_tries_again() -> None:
    lockouts = Lockouts()
    for _ in range(WRONG_TRIES):
        lockouts.wrong("a", 0.0)
    assert not any(lockouts.wrong("a", LOCK_S) for _ in range(WRONG_TRIES - 1))
    assert not lockouts.is_locked("a", LOCK_S)


def test_lockouts_have_a_bound() -> None:
    lockouts = Lockouts(most=3)
    for number in range(100):
        lockouts.wrong(str(number), 0.0)
    assert len(lockouts) == 3


def test_a_rate_lets_some_go_in_a_row_and_then_one_by_one() -> None:
    rate = RateLimit(2.0, in_a_row=3)
    assert [rate.take("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert rate.take("a", 0.5) == 0.0
    assert rate.take("a", 0.5) == pytest.approx(0.5)
    assert rate.take("b", 0.5) == 0.0


def test_who_is_refused_is_not_counted() -> None:
    rate = RateLimit(1.0, in_a_row=1)
    assert rate.take("a", 0.0) == 0.0
    assert [rate.take("a", 0.5) for _ in range(9)] == [0.5] * 9
    assert rate.take("a", 1.0) == 0.0


def test_without_a_rate_there_is_no_bound_and_no_memory() -> None:
    rate = RateLimit(0.0, in_a_row=1)
    assert {rate.take("a", 0.0) for _ in range(100)} == {0.0}
    assert len(rate) == 0


def test_rates_forget_whose_time_has_passed_and_have_a_bound() -> None:
    rate = RateLimit(1.0, in_a_row=1, most=5)
    for number in range(100):
        rate.take(str(number), 0.0)
    assert len(rate) == 5
    rate.take("late", 10.0)
    assert len(rate) == 1


ONE, TWO = "1" * 64, "2" * 64


def test_a_signature_changes_something_once() -> None:
    used = UsedSignatures()
    assert not used.is_used(ONE, 0.0)
    used.use("key", ONE, until=900.0)
    assert used.is_used(ONE, 900.0)
    assert not used.is_used(TWO, 0.0)
    assert not used.is_used(ONE, 900.1)
    assert len(used) == 0


def test_a_key_that_changes_too_much_waits_and_others_do_not() -> None:
    used = UsedSignatures(most_of_a_key=2)
    used.use("key", ONE, until=900.0)
    used.use("key", TWO, until=901.0)
    assert used.is_full("key", 0.0)
    assert not used.is_full("other", 0.0)
    assert used.is_full("key", 900.0)
    assert not used.is_full("key", 900.5)
