"""What `--plot` draws of loads: latencies of one, growth over several, capacity, overload."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench.machine import Picture
from bench.outcome import Clock, Outcome
from bench.percentiles import percentile
from bench.pictures import BLUE, GREEN, GREY, ORANGE, PALETTE, RED

_COLOURS = dict(zip(Clock, PALETTE, strict=False))
_BINS = 24


def load_picture(outcomes: Sequence[Outcome], title: str, server: str) -> Picture:
    """One load: how its latencies are spread and how they went over time. Several: how they grow
    with the number of clients."""

    def draw(figure: Figure) -> None:
        figure.suptitle(f"{title} · {server}", x=0.01, ha="left", fontweight="bold")
        if len(outcomes) == 1:
            left, right = figure.subplots(1, 2)
            _spread(left, outcomes[0])
            _over_time(right, outcomes[0])
            return
        left, right = figure.subplots(1, 2)
        _growth(left, outcomes)
        _use(right, outcomes)

    return draw


def _spread(axes: Axes, outcome: Outcome) -> None:
    for clock in Clock:
        values = sorted(one.ms for one in outcome.waits.get(clock, ()))
        if not values:
            continue
        share = np.arange(1, len(values) + 1) / len(values) * 100
        p95 = percentile(values, 95)
        axes.plot(values, share, color=_COLOURS[clock], label=f"{clock} (p95 {p95:,.0f} ms)")
        axes.plot([p95], [95], "o", color=_COLOURS[clock], markersize=5)
    axes.axhline(95, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_title(f"{outcome.clients} clients: share that had its text by then")
    axes.set_xlabel("latency, ms")
    axes.set_ylabel("% of values")
    axes.set_ylim(0, 101)
    axes.set_xlim(left=0)
    _legend(axes, loc="lower right")


def _legend(axes: Axes, loc: Literal["upper left", "upper right", "lower right"]) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc=loc, fontsize=8)
    else:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=GREY)


def _over_time(axes: Axes, outcome: Outcome) -> None:
    """p50 and p95 of each stretch of the window: a backlog climbs here."""
    window = outcome.window
    for clock in Clock:
        waits = outcome.waits.get(clock, ())
        # Stretches with fewer values would show chance.
        bins = max(4, min(_BINS, len(waits) // 20))
        edges = np.linspace(0, window.end_s - window.start_s, bins + 1)
        if len(waits) < 40:
            continue
        at = np.array([one.due_s - window.start_s for one in waits])
        ms = np.array([one.ms for one in waits])
        place = np.clip(np.digitize(at, edges) - 1, 0, bins - 1)
        middles, low, high = [], [], []
        for number in range(bins):
            values = ms[place == number]
            if len(values):
                middles.append((edges[number] + edges[number + 1]) / 2)
                low.append(np.percentile(values, 50))
                high.append(np.percentile(values, 95))
        axes.plot(middles, high, color=_COLOURS[clock])
        axes.plot(middles, low, color=_COLOURS[clock], linestyle=":", linewidth=1.2)
    if axes.lines:
        axes.plot([], [], color=GREY, label="p95")
        axes.plot([], [], color=GREY, linestyle=":", label="p50")
    axes.set_title("over the window: level is held, rising is a backlog")
    axes.set_xlabel("s")
    axes.set_ylabel("latency, ms")
    axes.set_ylim(bottom=0)
    _legend(axes, loc="upper right")


def _growth(axes: Axes, outcomes: Sequence[Outcome]) -> None:
    clients = [one.clients for one in outcomes]
    for clock in Clock:
        for percent, line in ((95, "-"), (50, ":")):
            values = [one.ms(clock, percent) for one in outcomes]
            if all(value != value for value in values):
                continue
            label = clock if percent == 95 else None
            axes.plot(clients, values, line, marker="o", color=_COLOURS[clock], label=label)
    axes.set_title("latency by load: p95 (line), p50 (dots)")
    axes.set_xlabel("clients")
    axes.set_ylabel("ms")
    axes.set_ylim(bottom=0)
    _legend(axes, loc="upper left")


def _use(axes: Axes, outcomes: Sequence[Outcome]) -> None:
    clients = [one.clients for one in outcomes]
    axes.plot(clients, [one.server_cpu for one in outcomes], "-o", color=BLUE, label="server")
    axes.plot(clients, [one.client_cpu for one in outcomes], "-o", color=GREY, label="load clients")
    axes.set_title("cores in use")
    axes.set_xlabel("clients")
    axes.set_ylabel("cores")
    axes.set_ylim(bottom=0)
    _legend(axes, loc="upper left")


def capacity_picture(
    outcomes: Sequence[Outcome], clock: Clock, bar_ms: float, found: int, talk: str
) -> Picture:
    """Each load that was tried: p95 against the bar."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        ordered = sorted(outcomes, key=lambda one: one.clients)
        for percent, line, width in ((99, "--", 1.0), (95, "-", 2.0), (50, ":", 1.5)):
            axes.plot(
                [one.clients for one in ordered],
                [one.ms(clock, percent) for one in ordered],
                line,
                color=BLUE,
                linewidth=width,
                label=f"p{percent}",
            )
        for one in ordered:
            held = one.holds(bar_ms, clock)
            axes.plot(
                [one.clients],
                [one.ms(clock, 95)],
                "o" if held else "X",
                color=GREEN if held else RED,
                markersize=9,
            )
        axes.plot([], [], "o", color=GREEN, label="held")
        axes.plot([], [], "X", color=RED, label="not held")
        axes.axhline(bar_ms, color=ORANGE, label=f"bar, {bar_ms:,.0f} ms")
        axes.axvline(found, color=GREY, linewidth=0.8, linestyle=":")
        if any(one.ms(clock, 95) > 0 for one in ordered):
            axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("clients")
        axes.set_ylabel(f"{clock}, ms")
        axes.set_title(f"capacity, {talk}: {found} clients")
        axes.legend()

    return draw


def overload_picture(
    stages: Sequence[tuple[float, Outcome]], clock: Clock, ratio_bar: float
) -> Picture:
    """Who was admitted, and what those that were had to wait."""

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        labels = [f"{factor:g} × capacity\n{one.clients} clients" for factor, one in stages]
        bottom = np.zeros(len(stages))
        for name, colour, counts in (
            ("admitted and ended", GREEN, [one.ended for _, one in stages]),
            ("refused", ORANGE, [len(one.refused) for _, one in stages]),
            ("failed", RED, [len(one.errors) for _, one in stages]),
        ):
            bars = left.bar(labels, counts, bottom=bottom, color=colour, label=name, width=0.6)
            left.bar_label(
                bars, [str(count) if count else "" for count in counts], label_type="center"
            )
            bottom += counts
        left.set_title("overload: what became of each stream")
        left.grid(visible=False, axis="x")
        left.set_ylim(top=1.25 * max(bottom.max(), 1))
        left.legend(loc="upper left")
        values = [one.ms(clock, 95) for _, one in stages]
        bars = right.bar(labels, values, color=BLUE, width=0.6)
        right.bar_label(bars, fmt="{:,.0f}", padding=3)
        limit = values[0] * ratio_bar
        if limit == limit:
            right.axhline(limit, color=RED, label=f"{ratio_bar:g} times that at full capacity")
            right.legend(loc="upper left")
        right.set_title(f"{clock}, p95 of those admitted, ms")
        right.grid(visible=False, axis="x")
        right.margins(y=0.25)

    return draw
