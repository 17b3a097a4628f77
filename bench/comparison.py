"""How the servers of a comparison compare: a row for each thing that is compared. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan

from bench.latency import ratio
from bench.report import number
from bench.workload import SPEECH_SHARE

FINAL_SHARE = 0.8
"""Of the first server's largest load of speech: where END to END is compared."""
LIGHT_SHARE = 0.2
"""The same, where a light load is compared."""


@dataclass(slots=True)
class Standing:
    """What one server carries, and how it does at the loads where all are compared."""

    speech: float = nan
    """Streams held, all of them speech."""
    conversation: float = nan
    """Streams held, with pauses."""
    fairness: float = nan
    """At the largest load of speech that was held: the worst client's p95 over the median's."""
    end_p95_ms: float = nan
    light_ms: dict[int, float] = field(default_factory=dict)
    """Percentile → chunk compute at a light load."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that is compared, ours with the first peer's, and what is required of it."""

    what: str
    of: Callable[[Standing], float]
    least: float | None = None
    most: float | None = None
    form: str = ".0f"
    absolute: bool = False
    """What is required is of our own value, not of the ratio."""

    @property
    def required(self) -> str:
        """What is required, in words."""
        whose = "ours " if self.absolute else ""
        return f"{whose}at least {self.least}" if self.least else f"{whose}at most {self.most}"

    def met(self, ours: float, ratio: float) -> str:
        """Return "yes", "no", or a dash where it was not measured."""
        value = ours if self.absolute else ratio
        if value != value:
            return "–"
        met = value >= self.least if self.least is not None else value <= (self.most or 0.0)
        return "yes" if met else "no"


CRITERIA = (
    Criterion("all speech: streams held", lambda one: one.speech, least=1.1),
    Criterion(
        f"conversation ({SPEECH_SHARE:.0%} speech): streams held",
        lambda one: one.conversation,
        least=1.8,
    ),
    Criterion(
        f"END to END p95 at {FINAL_SHARE:.0%} of the first one's speech, ms",
        lambda one: one.end_p95_ms,
        most=0.6,
    ),
    Criterion(
        f"light load ({LIGHT_SHARE:.0%} of it): chunk compute p50, ms",
        lambda one: one.light_ms.get(50, nan),
        most=1.0,
    ),
    Criterion(
        f"light load ({LIGHT_SHARE:.0%} of it): chunk compute p95, ms",
        lambda one: one.light_ms.get(95, nan),
        most=1.0,
    ),
    Criterion(
        "fairness at the highest load held: worst client over median",
        lambda one: one.fairness,
        most=2.0,
        form=".2f",
        absolute=True,
    ),
)


def comparison_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Return the heads of the table; the last name is ours."""
    *peers, ours = names
    return ("what", *names, *(f"{ours} / {peer}" for peer in peers), "required", "met")


def comparison_rows(standings: Sequence[Standing]) -> list[tuple[str, ...]]:
    """Return a row for each criterion; the last standing is ours, and the requirement is for its
    ratio to the first. What was not measured is a dash."""
    *peers, ours = standings
    rows = []
    for criterion in CRITERIA:
        our = criterion.of(ours)
        ratios = [ratio(our, criterion.of(peer)) for peer in peers]
        rows.append(
            (
                criterion.what,
                *(number(criterion.of(one), criterion.form) for one in standings),
                *(number(each, ".2f") for each in ratios),
                criterion.required,
                criterion.met(our, ratios[0] if ratios else nan),
            )
        )
    return rows


def comparison_figures(standings: Mapping[str, Standing]) -> dict[str, dict[str, float]]:
    """Return, for each criterion, the value of each server by its name."""
    return {
        criterion.what: {name: criterion.of(one) for name, one in standings.items()}
        for criterion in CRITERIA
    }
