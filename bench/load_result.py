"""What came of one load on one server: latencies by clock, what was lost, and whether it was held.

The module is pure. It also finds the largest load that holds, and writes results down: rows of
tables, notes, and figures for JSON, from which `bench.pictures` draws. What the clocks are stands
in `bench.latency`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise
from math import nan

import numpy as np

from bench.latency import Latency, Window, percentile
from bench.report import milliseconds, number

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
_LATE_MS = 20.0
"""Clients that have a core when they need one are in time to within a few milliseconds."""
_MOST_NOTES = 5
_MOST_STRETCHES = 24
_STRETCH_VALUES = 20
"""A stretch of the window with fewer values would show chance."""


class Clock(StrEnum):
    """The latencies that are measured, as tables name them."""

    STEP = "chunk compute"
    FIRST = "word end to its first message"
    STABLE = "word end to stable"
    FINAL = "speech end to final"
    END = "END to END"


@dataclass(frozen=True, slots=True)
class LoadResult:
    """One load on one server, or the share of it that one process put on."""

    clients: int
    window: Window
    latencies: Mapping[Clock, tuple[Latency, ...]]
    """Those of the window."""
    streams: int = 0
    refused: tuple[str, ...] = ()
    """The words of refusals for want of capacity, which are no errors."""
    errors: tuple[str, ...] = ()
    ended: int = 0
    """Streams whose end came."""
    sentences: int = 0
    lost: int = 0
    """Sentences without a final."""
    doubled: int = 0
    """Finals of a stretch of audio that has one already."""
    words: int = 0
    """Words that were said by streams that ended, where they are known."""
    heard: int = 0
    """Of these, those that the finals have."""
    received: int = 0
    """Messages that came in the window."""
    speech_share: float = nan
    """Of the audio of all streams."""
    late_sends_ms: float = nan
    """99th percentile of how late chunks went out: how good the measurement is."""
    client_cpu: float = 0.0
    """Cores that the load clients took."""
    server_cpu: float = nan
    """Cores that the server took."""
    server_bytes: float = nan
    """Memory of the server and its workers at the most, shared pages counted in each."""

    def values_ms(self, clock: Clock) -> list[float]:
        """Return all latencies of a clock."""
        return [one.ms for one in self.latencies.get(clock, ())]

    def ms(self, clock: Clock, percent: float) -> float:
        """Return a percentile of a clock; NaN if it has no values."""
        return percentile(self.values_ms(clock), percent)

    def late_ms(self, clock: Clock) -> float:
        """Return the 95th percentile of the last third of the window."""
        latencies = self.window.last_third.of(self.latencies.get(clock, ()))
        return percentile([one.ms for one in latencies], 95)

    def halves_ms(self, clock: Clock) -> tuple[float, float]:
        """Return the 95th percentiles of the first and of the second half of the window."""
        latencies = self.latencies.get(clock, ())
        first, second = (
            percentile([one.ms for one in half.of(latencies)], 95) for half in self.window.halves
        )
        return first, second

    def unfairness(self, clock: Clock) -> float:
        """Return the worst client's 95th percentile over the median client's."""
        each = client_p95_ms(self.latencies.get(clock, ()))
        return max(each) / percentile(each, 50) if each else nan

    @property
    def clock(self) -> Clock:
        """The clock that says most about the server: the first that has values."""
        return next((one for one in Clock if self.latencies.get(one)), Clock.END)

    @property
    def steps_per_second(self) -> float:
        """Decoding steps that came first in partials, for each client and second."""
        steps = len(self.latencies.get(Clock.STEP, ()))
        return steps / (self.window.end_s - self.window.start_s) / self.clients

    def holds(self, limits_ms: Mapping[Clock, float]) -> bool:
        """Whether no stream failed or was refused, no final was lost or came twice, and the 95th
        percentile of each clock keeps to its limit, over the whole window and its last third."""
        # Comparisons with NaN are false: a load without values is not held.
        return not (self.errors or self.refused or self.lost or self.doubled) and all(
            self.ms(clock, 95) <= limit_ms and self.late_ms(clock) <= limit_ms
            for clock, limit_ms in limits_ms.items()
        )


def merged(parts: Sequence[LoadResult]) -> LoadResult:
    """Join what several processes put on; CPU and memory of the server are not theirs."""
    shares = [(one.speech_share, one.streams) for one in parts if one.streams]
    return LoadResult(
        clients=sum(one.clients for one in parts),
        window=parts[0].window,
        latencies={
            clock: tuple(latency for one in parts for latency in one.latencies.get(clock, ()))
            for clock in Clock
        },
        streams=sum(one.streams for one in parts),
        refused=tuple(text for one in parts for text in one.refused),
        errors=tuple(text for one in parts for text in one.errors),
        ended=sum(one.ended for one in parts),
        sentences=sum(one.sentences for one in parts),
        lost=sum(one.lost for one in parts),
        doubled=sum(one.doubled for one in parts),
        words=sum(one.words for one in parts),
        heard=sum(one.heard for one in parts),
        received=sum(one.received for one in parts),
        speech_share=sum(share * count for share, count in shares)
        / max(sum(count for _, count in shares), 1),
        # The worst process spoils as much as if all were like it.
        late_sends_ms=max(one.late_sends_ms for one in parts),
        client_cpu=sum(one.client_cpu for one in parts),
    )


def client_p95_ms(latencies: Sequence[Latency]) -> list[float]:
    """Return the 95th percentile of each client."""
    ordered = sorted(latencies, key=lambda one: one.client)
    groups = groupby(ordered, key=lambda one: one.client)
    return [percentile([one.ms for one in group], 95) for _, group in groups]


def largest(holds: Callable[[int], bool], start: int, resolution: int, most: int) -> int:
    """Find the largest load that holds, to within `resolution`; 0 if not even one does.

    It goes up by a quarter and then by halves, so that few are tried.

    Args:
        holds: is asked for each number of clients at most once, and is taken to be true up to
            some number.
        start: where to look first.
        resolution: how exact the result is.
        most: larger ones are not tried.
    """
    held, failed = 0, most + 1
    tried = min(start, most)
    while failed - held > max(1, resolution if held else 1) and tried:
        if holds(tried):
            held = tried
        else:
            failed = tried
        if failed > most:
            tried = min(most, tried + max(resolution, tried // 4))
        elif not held:
            tried = min(tried - 1, tried * 3 // 4)
        else:
            tried = (held + failed) // 2
    return held


def clock_rows(result: LoadResult) -> list[tuple[str, ...]]:
    """Return a row of `CLOCK_COLUMNS` for each clock that has values."""
    return [
        (
            clock,
            str(len(latencies)),
            *(milliseconds(result.ms(clock, percent)) for percent in (50, 95, 99, 100)),
            *(milliseconds(half) for half in result.halves_ms(clock)),
            number(result.unfairness(clock), ".2f"),
        )
        for clock in Clock
        if (latencies := result.latencies.get(clock))
    ]


def count_row(result: LoadResult) -> tuple[str, ...]:
    """Return the row of `COUNT_COLUMNS`."""
    return (
        str(result.clients),
        str(result.streams),
        str(result.ended),
        str(len(result.refused)),
        str(len(result.errors)),
        str(result.sentences),
        str(result.lost),
        str(result.doubled),
        f"{result.heard / result.words:.0%}" if result.words else "–",
        f"{result.speech_share:.0%}",
        number(result.server_cpu, ".2f"),
        number(result.server_bytes / 2**20, ".0f", " MB"),
        f"{result.client_cpu:.2f}",
        number(result.late_sends_ms, ".1f"),
    )


def notes(results: Sequence[LoadResult]) -> tuple[str, ...]:
    """Return what a reader must know: refusals and errors, each once, with how often, and whether
    the clients themselves were held up."""
    lines = Counter(
        f"{kind}: {text}"
        for result in results
        for kind, texts in (("refused", result.refused), ("error", result.errors))
        for text in texts
    )
    late = max((one.late_sends_ms for one in results), default=0.0)
    warning = f"DISTURBED: clients sent up to {late:.0f} ms late (p99); others use this machine"
    return (
        *(f"{line} ({count} times)" for line, count in lines.most_common(_MOST_NOTES)),
        *((warning,) if late > _LATE_MS else ()),
    )


def figures(result: LoadResult) -> dict[str, object]:
    """Return what the JSON says of a load."""
    return {
        "clients": result.clients,
        "clocks": {
            clock.name.lower(): _clock_figures(result, clock)
            for clock in Clock
            if result.latencies.get(clock)
        },
        "streams": result.streams,
        "ended": result.ended,
        "refused": dict(Counter(result.refused)),
        "errors": dict(Counter(result.errors)),
        "sentences": result.sentences,
        "lost": result.lost,
        "doubled": result.doubled,
        "words": result.words,
        "heard": result.heard,
        "speech_share": result.speech_share,
        "server_cpu": result.server_cpu,
        "server_bytes": result.server_bytes,
        "client_cpu": result.client_cpu,
        "late_sends_ms": result.late_sends_ms,
    }


def _clock_figures(result: LoadResult, clock: Clock) -> dict[str, object]:
    values = result.values_ms(clock)
    return {
        "name": clock,
        "values": len(values),
        **{f"p{percent}_ms": percentile(values, percent) for percent in (50, 95, 99, 100)},
        "p95_of_halves_ms": result.halves_ms(clock),
        "worst_client": result.unfairness(clock),
        "percentiles_ms": [round(float(one), 2) for one in np.percentile(values, range(101))],
        "over_time": _over_time(result, clock),
    }


def _over_time(result: LoadResult, clock: Clock) -> list[dict[str, float]]:
    """The percentiles of each stretch of the window: a backlog climbs here."""
    latencies = result.latencies[clock]
    if len(latencies) < 2 * _STRETCH_VALUES:
        return []
    window = result.window
    count = max(4, min(_MOST_STRETCHES, len(latencies) // _STRETCH_VALUES))
    edges = np.linspace(window.start_s, window.end_s, count + 1).tolist()
    stretches = []
    for start_s, end_s in pairwise(edges):
        values = [one.ms for one in Window(start_s, end_s).of(latencies)]
        if values:
            stretches.append(
                {
                    "at_s": (start_s + end_s) / 2 - window.start_s,
                    "p50_ms": percentile(values, 50),
                    "p95_ms": percentile(values, 95),
                }
            )
    return stretches
