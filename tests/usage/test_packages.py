"""What was used of which package, computed from what was used and when."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rasr.usage.packages import Allotment, PackageTerms, Span, allot, spans_of
from rasr.usage.periods import Period

WHOLE = Period(0, 100)
Use = tuple[int, int]
"""When, and how much."""


def package(key: str, amount: int, since: float, until: float) -> PackageTerms:
    return PackageTerms(key, amount, Period(since, until))


def allotted(packages: list[PackageTerms], uses: list[Use]) -> Allotment:
    parts = spans_of(packages, WHOLE)
    return allot(
        packages,
        [Span(part, sum(amount for at, amount in uses if part.has(at))) for part in parts],
    )


def one_by_one(packages: list[PackageTerms], uses: list[Use]) -> tuple[dict[str, int], int]:
    """The same rule, said for each use by itself."""
    left = {one.key: one.amount for one in packages}
    on_demand = 0
    for at, amount in sorted(uses, key=lambda use: use[0]):
        for one in sorted(packages, key=lambda one: (one.valid.until, one.key)):
            if one.valid.has(at):
                taken = min(left[one.key], amount)
                left[one.key] -= taken
                amount -= taken
        on_demand += amount
    return {one.key: one.amount - left[one.key] for one in packages}, on_demand


def test_without_packages_all_is_on_demand() -> None:
    found = allotted([], [(5, 7), (9, 1)])
    assert (found.used, found.on_demand) == ({}, [8])


def test_the_one_that_ends_first_is_used_first() -> None:
    late, soon = package("late", 10, 0, 90), package("soon", 10, 0, 50)
    assert allotted([late, soon], [(1, 4)]).used == {"late": 0, "soon": 4}
    assert allotted([late, soon], [(1, 14)]).used == {"late": 4, "soon": 10}
    found = allotted([late, soon], [(1, 25)])
    assert (found.used, sum(found.on_demand)) == ({"late": 10, "soon": 10}, 5)


def test_of_two_that_end_at_once_the_lesser_name_is_used_first() -> None:
    assert allotted([package("b", 5, 0, 50), package("a", 5, 0, 50)], [(1, 6)]).used == {
        "a": 5,
        "b": 1,
    }


def test_what_was_used_before_and_after_is_on_demand() -> None:
    found = allotted([package("a", 10, 20, 30)], [(19, 1), (20, 2), (29, 3), (30, 4)])
    assert (found.used, sum(found.on_demand)) == ({"a": 5}, 5)


def test_a_package_that_comes_later_pays_for_nothing_before_it() -> None:
    found = allotted([package("a", 5, 0, 100), package("b", 5, 50, 60)], [(10, 8), (55, 4)])
    # At 55 the first is used up; at 10 the second was not there.
    assert (found.used, sum(found.on_demand)) == ({"a": 5, "b": 4}, 3)


def test_one_that_lasts_longer_pays_on_when_the_other_is_over() -> None:
    found = allotted([package("a", 5, 0, 100), package("b", 5, 0, 50)], [(10, 3), (60, 4)])
    assert found.used == {"a": 4, "b": 3}


def test_parts_end_where_a_package_begins_or_ends_and_where_they_are_told_to() -> None:
    packages = [package("a", 1, 10, 30), package("b", 1, -5, 200)]
    parts = spans_of(packages, WHOLE, (20, 300))
    assert [(part.since, part.until) for part in parts] == [(0, 10), (10, 20), (20, 30), (30, 100)]
    assert spans_of([], Period(3, 3)) == []


PACKAGES = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 90), st.integers(1, 60)), max_size=6
)
USES = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 20)), max_size=25)


@given(terms=PACKAGES, uses=USES)
def test_it_is_what_it_would_be_for_each_use_by_itself(
    terms: list[tuple[int, int, int]], uses: list[Use]
) -> None:
    packages = [
        package(str(number), amount, since, since + length)
        for number, (amount, since, length) in enumerate(terms)
    ]
    found = allotted(packages, uses)
    assert (found.used, sum(found.on_demand)) == one_by_one(packages, uses)
    # Nothing is lost, nothing is used twice, nothing is negative.
    assert sum(found.used.values()) + sum(found.on_demand) == sum(amount for _, amount in uses)
    assert all(0 <= found.used[one.key] <= one.amount for one in packages)
    assert all(amount >= 0 for amount in found.on_demand)


@given(terms=PACKAGES, cuts=st.lists(st.integers(-10, 110), max_size=5))
def test_parts_are_the_whole_without_gaps(
    terms: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    packages = [package("p", amount, since, since + length) for amount, since, length in terms]
    parts = spans_of(packages, WHOLE, cuts)
    assert (parts[0].since, parts[-1].until) == (WHOLE.since, WHOLE.until)
    assert all(one.until == other.since for one, other in pairwise(parts))


@given(terms=PACKAGES, uses=USES, cut=st.integers(0, 100))
def test_a_cut_changes_nothing(
    terms: list[tuple[int, int, int]], uses: list[Use], cut: int
) -> None:
    packages = [
        package(str(number), amount, since, since + length)
        for number, (amount, since, length) in enumerate(terms)
    ]
    parts = spans_of(packages, WHOLE, (cut,))
    cut_up = allot(
        packages, [Span(part, sum(a for at, a in uses if part.has(at))) for part in parts]
    )
    assert cut_up.used == allotted(packages, uses).used
