"""Days, months and years as usage is counted by: in UTC, from a moment on and before another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Seconds since 1970."""

    since: float
    until: float
    """The first moment after it."""

    def has(self, at: float) -> bool:
        """True if a moment is in it."""
        return self.since <= at < self.until


def moment_text(at: float) -> str:
    """A moment as people and programs are told it: 2027-01-31T12:00:00Z.

    In whole seconds, and never later than it is: nobody is told of a time that has not come.
    """
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of(at: float) -> date:
    """The day of a moment."""
    return datetime.fromtimestamp(at, UTC).date()


def month_of(at: float) -> Period:
    """The month of a moment."""
    first = day_of(at).replace(day=1)
    return Period(_midnight(first), _midnight((first + 31 * DAY).replace(day=1)))


def days(first: date, last: date) -> Period:
    """The days from the first to the last one, both included."""
    return Period(_midnight(first), _midnight(last) + DAY.total_seconds())


def a_year_after(at: float) -> float:
    """The same moment a year later; of 29 February the one on 1 March."""
    moment = datetime.fromtimestamp(at, UTC)
    try:
        return moment.replace(year=moment.year + 1).timestamp()
    except ValueError:
        return moment.replace(year=moment.year + 1, month=3, day=1).timestamp()


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()


_FORM = re.compile(r"\d{4}-\d{2}-\d{2}")
_FIRST, _LAST = date(2000, 1, 1), date(2199, 12, 31)
MOST_DAYS = 400
"""A year and a month to compare it with."""


class BadDays(Exception):
    """What was asked for are no days; the text is for whoever asked."""


def asked_days(first: str | None, last: str | None, now: float) -> tuple[date, date]:
    """The days that somebody asks for: from the first to the last one, both included.

    Args:
        first: as `2026-11-01`; None or empty for the first of the month of the last one.
        last: None or empty for the last of this month.

    Raises:
        BadDays: they are none, in the wrong order, or too many.
    """
    to = _day("to", last) if last else day_of(month_of(now).until) - DAY
    since = _day("from", first) if first else to.replace(day=1)
    if since > to:
        raise BadDays(f"'from' is invalid: it is {since}, which is after 'to', {to}")
    if (to - since).days >= MOST_DAYS:
        raise BadDays(
            f"'from' is invalid: from {since} to {to} are {(to - since).days + 1} days; allowed: "
            f"{MOST_DAYS}"
        )
    return since, to


def _day(name: str, text: str) -> date:
    try:
        found = date.fromisoformat(text) if _FORM.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not _FIRST <= found <= _LAST:
        raise BadDays(
            f"'{name}' is invalid: it is {text[:40]!r}; allowed: a day as 2026-11-30, from "
            f"{_FIRST} to {_LAST}"
        )
    return found
