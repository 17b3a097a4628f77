"""Days and months, in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.usage.periods import BadDays, a_year_after, asked_days, days, month_of


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOW = at("2026-11-30T23:59:59")


@pytest.mark.parametrize(
    ("moment", "since", "until"),
    [
        ("2026-11-30T23:59:59.999", "2026-11-01", "2026-12-01"),
        ("2026-12-01T00:00:00", "2026-12-01", "2027-01-01"),
        ("2024-02-29T12:00:00", "2024-02-01", "2024-03-01"),
    ],
)
def test_a_month_is_of_the_calendar(moment: str, since: str, until: str) -> None:
    found = month_of(at(moment))
    assert (found.since, found.until) == (at(since), at(until))
    assert found.has(at(moment))
    assert not found.has(at(until))


@given(st.floats(0, 4e9))
def test_every_moment_is_in_its_month_and_no_gap_is_behind_it(moment: float) -> None:
    month = month_of(moment)
    assert month.has(moment)
    assert month_of(month.until).since == month.until


def test_the_last_day_is_part_of_it() -> None:
    found = days(date(2026, 11, 1), date(2026, 11, 30))
    assert (found.since, found.until) == (at("2026-11-01"), at("2026-12-01"))


def test_a_year_is_the_same_day_of_the_next_one() -> None:
    assert a_year_after(at("2026-11-05T07:08:09")) == at("2027-11-05T07:08:09")
    assert a_year_after(at("2024-02-29")) == at("2025-03-01")


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (None, None, ("2026-11-01", "2026-11-30")),
        ("", "", ("2026-11-01", "2026-11-30")),
        ("2026-11-07", None, ("2026-11-07", "2026-11-30")),
        (None, "2026-02-10", ("2026-02-01", "2026-02-10")),
        ("2026-02-10", "2026-02-10", ("2026-02-10", "2026-02-10")),
        ("2025-10-27", "2026-11-30", ("2025-10-27", "2026-11-30")),
    ],
)
def test_days_that_are_asked_for(
    first: str | None, last: str | None, found: tuple[str, str]
) -> None:
    asked = asked_days(first, last, NOW)
    assert tuple(map(str, asked)) == found


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        ("2026-11-31", None, "'from' is invalid: it is '2026-11-31'; allowed: a day as 2026-11-30"),
        (None, "20261101", "'to' is invalid: it is '20261101'"),
        ("2026-W44-1", None, "'from' is invalid"),
        ("1999-12-31", None, "from 2000-01-01 to 2199-12-31"),
        (None, "9999-12-31", "from 2000-01-01 to 2199-12-31"),
        ("٢٠٢٦-١١-٠١", None, "'from' is invalid"),
        ("'; DROP TABLE usage; --", None, "'from' is invalid"),
        ("2026-11-02", "2026-11-01", "it is 2026-11-02, which is after 'to', 2026-11-01"),
        ("2025-10-26", "2026-11-30", "are 401 days; allowed: 400"),
    ],
)
def test_what_are_no_days_is_told(first: str | None, last: str | None, why: str) -> None:
    with pytest.raises(BadDays) as told:
        asked_days(first, last, NOW)
    assert why in str(told.value)
