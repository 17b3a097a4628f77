"""How what came of a load is written down: rows of tables, lines of notes, figures for JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bench.outcome import Clock, Outcome

_LATE_MS = 20.0
"""Clients that have a core when they need one are in time to within a few milliseconds."""
_LINES = 5
CLOCK_COLUMNS = (
    *("clock, ms", "values", "p50", "p95", "p99", "max"),
    *("p95 1st half", "2nd half", "worst client"),
)
COUNT_COLUMNS = (
    *("clients", "streams", "ended", "refused", "errors", "sentences", "lost", "doubled"),
    *("words heard", "speech", "CPU", "memory", "clients' CPU", "sent late"),
)
NOTES = (
    "worst client: its p95 over the median client's; speech end to final: vad_tail is within",
    "CPU: cores of the server, then those of the load clients; sent late: p99, ms",
)


def clock_rows(outcome: Outcome) -> list[tuple[str, ...]]:
    """A row for each clock that has values."""
    return [
        (
            clock,
            str(len(waits)),
            *(milliseconds(outcome.ms(clock, percent)) for percent in (50, 95, 99, 100)),
            *(milliseconds(half) for half in outcome.halves_ms(clock)),
            number(outcome.unfairness(clock), ".2f"),
        )
        for clock in Clock
        if (waits := outcome.waits.get(clock))
    ]


def count_row(outcome: Outcome) -> tuple[str, ...]:
    return (
        str(outcome.clients),
        str(outcome.streams),
        str(outcome.ended),
        str(len(outcome.refused)),
        str(len(outcome.errors)),
        str(outcome.sentences),
        str(outcome.lost),
        str(outcome.doubled),
        f"{outcome.heard / outcome.words:.0%}" if outcome.words else "–",
        f"{outcome.speech_share:.0%}",
        number(outcome.server_cpu, ".2f"),
        number(outcome.server_bytes / 2**20, ".0f", " MB"),
        f"{outcome.client_cpu:.2f}",
        number(outcome.late_sends_ms, ".1f"),
    )


def figures(outcome: Outcome) -> dict[str, object]:
    return {
        "clients": outcome.clients,
        "clocks": {
            clock.name.lower(): {
                "values": len(waits),
                **{f"p{percent}_ms": outcome.ms(clock, percent) for percent in (50, 95, 99, 100)},
                "p95_of_halves_ms": outcome.halves_ms(clock),
                "worst_client": outcome.unfairness(clock),
            }
            for clock in Clock
            if (waits := outcome.waits.get(clock))
        },
        "streams": outcome.streams,
        "ended": outcome.ended,
        "refused": dict(Counter(outcome.refused)),
        "errors": dict(Counter(outcome.errors)),
        "sentences": outcome.sentences,
        "lost": outcome.lost,
        "doubled": outcome.doubled,
        "words": outcome.words,
        "heard": outcome.heard,
        "speech_share": outcome.speech_share,
        "server_cpu": outcome.server_cpu,
        "server_bytes": outcome.server_bytes,
        "client_cpu": outcome.client_cpu,
        "late_sends_ms": outcome.late_sends_ms,
    }


def said(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """What the reader must know: refusals and errors, each once, with how often, and whether the
    clients themselves were held up."""
    lines = Counter(
        f"{kind}: {text}"
        for outcome in outcomes
        for kind, texts in (("refused", outcome.refused), ("error", outcome.errors))
        for text in texts
    )
    late = max((one.late_sends_ms for one in outcomes), default=0.0)
    warning = f"DISTURBED: clients sent up to {late:.0f} ms late (p99); others use this machine"
    return (
        *(f"{line} ({count} times)" for line, count in lines.most_common(_LINES)),
        *((warning,) if late > _LATE_MS else ()),
    )


def number(value: float, form: str = ".0f", unit: str = "") -> str:
    return "–" if value != value else f"{value:{form}}{unit}"


def milliseconds(value: float) -> str:
    return number(value, ".1f" if abs(value) < 10 else ".0f")
