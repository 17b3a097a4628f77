"""How the servers of a comparison stand to each other, a row for each bar. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import nan

from bench.figures import number
from bench.percentiles import ratio
from bench.sound import SPEECH_SHARE

FINAL_SHARE = 0.8
"""Of the first one's largest load of speech: where finals are compared."""
LIGHT_SHARE = 0.2


@dataclass(slots=True)
class Standing:
    """What one server carries, and how it does where all are compared."""

    speech: float = nan
    conversation: float = nan
    fairness: float = nan
    end_p95_ms: float = nan
    light_ms: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that is compared, ours with the first peer's."""

    what: str
    of: Callable[[Standing], float]
    least: float | None = None
    most: float | None = None
    form: str = ".0f"
    absolute: bool = False
    """The bar is for our own value, not for the ratio."""

    @property
    def limit(self) -> str:
        what = "ours " if self.absolute else ""
        return f"{what}at least {self.least}" if self.least else f"{what}at most {self.most}"

    def met(self, ours: float, ratio: float) -> str:
        value = ours if self.absolute else ratio
        if value != value:
            return "–"
        met = value >= self.least if self.least is not None else value <= (self.most or 0.0)
        return "yes" if met else "no"


BARS = (
    Bar("all speech: streams held", lambda one: one.speech, least=1.1),
    Bar(
        f"conversation ({SPEECH_SHARE:.0%} speech): streams held",
        lambda one: one.conversation,
        least=1.8,
    ),
    Bar(
        f"END to END p95 at {FINAL_SHARE:.0%} of the first one's speech, ms",
        lambda one: one.end_p95_ms,
        most=0.6,
    ),
    Bar(
        f"light load ({LIGHT_SHARE:.0%} of it): chunk compute p50, ms",
        lambda one: one.light_ms.get(50, nan),
        most=1.0,
    ),
    Bar(
        f"light load ({LIGHT_SHARE:.0%} of it): chunk compute p95, ms",
        lambda one: one.light_ms.get(95, nan),
        most=1.0,
    ),
    Bar(
        "fairness at the highest load held: worst client over median",
        lambda one: one.fairness,
        most=2.0,
        form=".2f",
        absolute=True,
    ),
)


def bar_columns(names: Sequence[str]) -> tuple[str, ...]:
    *peers, ours = names
    return ("what", *names, *(f"{ours} / {peer}" for peer in peers), "bar", "met")


def bar_rows(standings: Sequence[Standing]) -> list[tuple[str, ...]]:
    """The comparison, a row for each bar; the last standing is ours, the bar is for the ratio to
    the first. What was not measured is a dash."""
    *peers, ours = standings
    rows = []
    for bar in BARS:
        our = bar.of(ours)
        ratios = [ratio(our, bar.of(peer)) for peer in peers]
        rows.append(
            (
                bar.what,
                *(number(bar.of(one), bar.form) for one in standings),
                *(number(ratio, ".2f") for ratio in ratios),
                bar.limit,
                bar.met(our, ratios[0] if ratios else nan),
            )
        )
    return rows
