"""What a project has used in some days, of which package or quota, and what is left of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from rasr.store.records import Package, Quota, UsageSum
from rasr.usage.packages import PackageTerms, Span, allot, spans_of
from rasr.usage.periods import Period, days, moment_text, month_of
from rasr.usage.services import Service
from rasr.usage.warnings import Bound, UsageWarning, warning_of

if TYPE_CHECKING:
    from rasr.store.usage import Usage

MOST_ROWS = 50_000
"""Days, services, keys and users of a report."""


class TooMuch(Exception):
    """A report would be longer than it may be."""


@dataclass(frozen=True, slots=True)
class PackageUse:
    """A package and what was used of it in all."""

    package: Package
    used: int


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """A quota and what was used in this month."""

    quota: Quota
    used: int


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What a project has used."""

    project_id: str
    first: date
    last: date
    """Included."""
    usage: list[UsageSum] = field(default_factory=list)
    packages: list[PackageUse] = field(default_factory=list)
    """Those that were not over when the first day began, or are not over now."""
    quotas: list[QuotaUse] = field(default_factory=list)
    on_demand: dict[str, int] = field(default_factory=dict)
    """What was used in these days and of no package, by service."""
    warnings: list[UsageWarning] = field(default_factory=list)
    """As of now."""

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "project_id": self.project_id,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "usage": [
                {
                    "day": one.day,
                    "service": one.service,
                    "access_id": one.access_id,
                    "user_id": one.user_id,
                    "calls": one.calls,
                    "amount": one.amount,
                    "unit": unit_of(one.service),
                    "audio_ms": one.audio_ms,
                }
                for one in self.usage
            ],
            "packages": [
                {
                    "id": one.package.id,
                    "service": one.package.service,
                    "unit": unit_of(one.package.service),
                    "amount": one.package.amount,
                    "used": one.used,
                    "starts_at": moment_text(one.package.starts_at),
                    "ends_at": moment_text(one.package.ends_at),
                }
                for one in self.packages
            ],
            "quotas": [
                {
                    "service": one.quota.service,
                    "unit": unit_of(one.quota.service),
                    "per_month": one.quota.per_month,
                    "used": one.used,
                }
                for one in self.quotas
            ],
            "on_demand": [
                {"service": service, "unit": unit_of(service), "amount": amount}
                for service, amount in sorted(self.on_demand.items())
            ],
            "warnings": [
                {
                    "bound": one.bound,
                    "service": one.service,
                    "unit": one.service.unit,
                    "percent": one.percent,
                    "used": one.used,
                    "of": one.of,
                    "message": one.sentence,
                }
                for one in self.warnings
            ],
        }


def unit_of(service: str) -> str:
    """What is counted of a service."""
    return Service(service).unit


async def usage_report(
    usage: Usage, project_id: str, first: date, last: date, now: float
) -> UsageReport:
    """What a project has used from the first day to the last one.

    Raises:
        TooMuch: that has more than `MOST_ROWS` entries.
    """
    # Servers without a store import this module, and have no use for what the store is made of.
    from rasr.store.names import may_be_kept

    if not may_be_kept(project_id):
        # Where nobody is asked who he is, a path can name anything.
        return UsageReport(project_id, first, last)
    asked = days(first, last)
    sums = await usage.sums(project_id, asked.since, asked.until, most=MOST_ROWS + 1)
    if len(sums) > MOST_ROWS:
        raise TooMuch(f"{first} to {last}")
    used: Counter[str] = Counter()
    for one in sums:
        used[one.service] += one.amount
    quotas = await quotas_in_use(usage, project_id, now)
    packages, of_packages = await packages_in_use(usage, project_id, now, asked)
    on_demand = {**used, **of_packages}
    packages = [one for one in packages if one.package.ends_at > min(asked.since, now)]
    warnings = [
        *(_of_quota(one) for one in quotas),
        *_of_packages(packages, now),
    ]
    return UsageReport(
        project_id,
        first,
        last,
        sums,
        packages,
        quotas,
        {service: amount for service, amount in on_demand.items() if amount > 0},
        [one for one in warnings if one is not None],
    )


async def quotas_in_use(usage: Usage, project_id: str, now: float) -> list[QuotaUse]:
    """The quotas of a project."""
    return [
        QuotaUse(quota, await used_this_month(usage, project_id, quota.service, now))
        for quota in await usage.quotas(project_id)
    ]


async def packages_in_use(
    usage: Usage, project_id: str, now: float, asked: Period | None = None
) -> tuple[list[PackageUse], dict[str, int]]:
    """All packages of a project, and of each service that has some what was used of none of them
    in the period asked for."""
    packages = await usage.packages(project_id)
    used: dict[str, int] = {}
    on_demand: dict[str, int] = {}
    for service in {one.service for one in packages}:
        of_service = [one for one in packages if one.service == service]
        uses, on_demand[service] = await _allotted(
            usage, project_id, of_service, asked or Period(now, now), now
        )
        used |= uses
    return [PackageUse(one, used[one.id]) for one in packages], on_demand


async def used_this_month(usage: Usage, project_id: str, service: str, now: float) -> int:
    """What counts for a quota."""
    month = month_of(now)
    return await usage.amount(project_id, service, month.since, month.until)


async def warnings_now(
    usage: Usage, project_id: str, service: str, now: float
) -> list[UsageWarning]:
    """What is to be told of a service of a project."""
    packages = [one for one in await usage.packages(project_id) if one.service == service]
    found: list[UsageWarning | None] = []
    per_month = await usage.quota(project_id, service)
    if per_month is not None:
        used = await used_this_month(usage, project_id, service, now)
        found.append(_of_quota(QuotaUse(Quota(service, per_month), used)))
    if any(one.starts_at <= now < one.ends_at for one in packages):
        uses, _ = await _allotted(usage, project_id, packages, Period(now, now), now)
        found += _of_packages([PackageUse(one, uses[one.id]) for one in packages], now)
    return [one for one in found if one is not None]


async def _allotted(
    usage: Usage, project_id: str, packages: list[Package], asked: Period, now: float
) -> tuple[dict[str, int], int]:
    """What was used of each of the packages of a service, and on demand in the period asked for."""
    terms = [
        PackageTerms(one.id, one.amount, Period(one.starts_at, one.ends_at)) for one in packages
    ]
    first = min(asked.since, *(one.starts_at for one in packages))
    # Nothing is used later than now; clocks of several servers may differ a little.
    last = max(asked.until, now + 3600.0)
    parts = spans_of(terms, Period(first, last), (asked.since, asked.until))
    service = packages[0].service
    spans = [
        Span(part, await usage.amount(project_id, service, part.since, part.until))
        for part in parts
    ]
    allotment = allot(terms, spans)
    on_demand = sum(
        amount
        for part, amount in zip(parts, allotment.on_demand, strict=True)
        if asked.since <= part.since and part.until <= asked.until
    )
    return allotment.used, on_demand


def _of_quota(one: QuotaUse) -> UsageWarning | None:
    return warning_of(Bound.QUOTA, Service(one.quota.service), one.used, one.quota.per_month)


def _of_packages(packages: list[PackageUse], now: float) -> list[UsageWarning | None]:
    valid = [one for one in packages if one.package.starts_at <= now < one.package.ends_at]
    return [
        warning_of(
            Bound.PACKAGES,
            Service(service),
            sum(one.used for one in valid if one.package.service == service),
            sum(one.package.amount for one in valid if one.package.service == service),
        )
        for service in sorted({one.package.service for one in valid})
    ]
