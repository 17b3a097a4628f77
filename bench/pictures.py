"""What `--plot` draws: every picture is drawn from the line of JSON that a verb writes.

`draw` looks up the drawing of the line's verb; verbs without one of their own get a panel of bars
for each kind of number. Pictures are drawn into files, never onto a screen. Colours are those of
Okabe and Ito, which people who see fewer colours can tell apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import nan
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_BLUE, _ORANGE, _GREEN, _RED, _PURPLE, _GREY = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"),
    "#7F7F7F",
)
_PALETTE = (_BLUE, _ORANGE, _GREEN, _PURPLE, _RED, "#56B4E9", _GREY)
_CLOCK_COLOURS = dict(zip(("step", "first", "stable", "final", "end"), _PALETTE, strict=False))
_STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E5E5",
    "axes.edgecolor": "#888888",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}
_MOST_PANELS = 12

Json = Any
"""A value that was read from JSON."""


def draw(line: Json, file: Path) -> None:
    """Draw the picture of one line of JSON into a file; its suffix says of which kind."""
    machine = line["machine"]
    with rc_context(_STYLE):
        figure = Figure(figsize=(11, 6))
        _DRAWINGS.get(line["verb"], _draw_numbers)(figure, line)
        figure.supxlabel(
            f"{machine['cpu']}, {machine['cores']} cores · commit {line['commit'] or 'unknown'}",
            fontsize=8,
            color=_GREY,
            x=0.01,
            ha="left",
        )
        figure.savefig(file, dpi=140)


def _title(figure: Figure, text: str) -> None:
    figure.suptitle(text, x=0.01, ha="left", fontweight="bold")


def _value(value: float | None) -> float:
    """A number of JSON, where NaN is written as null."""
    return nan if value is None else value


def _label(value: float) -> str:
    if value != value:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _legend(axes: Axes, loc: Literal["upper left", "upper right", "lower right"]) -> None:
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc=loc, fontsize=8)
    else:
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=_GREY)


# load, null


def _draw_load(figure: Figure, line: Json) -> None:
    """One load: how its latencies are spread and how they went over time. Several: how they grow
    with the number of clients."""
    loads, settings = line["figures"]["loads"], line["settings"]
    server = settings.get("url") or "a server of our own"
    _title(figure, f"{line['verb']}: {settings.get('talk', '')} · {server}")
    left, right = figure.subplots(1, 2)
    if len(loads) == 1:
        _spread(left, loads[0])
        _over_time(right, loads[0])
    else:
        _growth(left, loads)
        _use(right, loads)


def _spread(axes: Axes, load: Json) -> None:
    for key, clock in load["clocks"].items():
        values, colour, p95 = clock["percentiles_ms"], _CLOCK_COLOURS[key], clock["p95_ms"]
        axes.plot(values, range(101), color=colour, label=f"{clock['name']} (p95 {p95:,.0f} ms)")
        axes.plot([p95], [95], "o", color=colour, markersize=5)
    axes.axhline(95, color=_GREY, linewidth=0.8, linestyle=":")
    axes.set_title(f"{load['clients']} clients: share that had its text by then")
    axes.set_xlabel("latency, ms")
    axes.set_ylabel("% of values")
    axes.set_ylim(0, 101)
    axes.set_xlim(left=0)
    _legend(axes, loc="lower right")


def _over_time(axes: Axes, load: Json) -> None:
    for key, clock in load["clocks"].items():
        if not clock["over_time"]:
            continue
        at_s = [one["at_s"] for one in clock["over_time"]]
        for name, style, width in (("p95_ms", "-", 1.5), ("p50_ms", ":", 1.2)):
            values = [one[name] for one in clock["over_time"]]
            axes.plot(at_s, values, style, color=_CLOCK_COLOURS[key], linewidth=width)
    if axes.lines:
        axes.plot([], [], color=_GREY, label="p95")
        axes.plot([], [], color=_GREY, linestyle=":", label="p50")
    axes.set_title("over the window: level is held, rising is a backlog")
    axes.set_xlabel("s")
    axes.set_ylabel("latency, ms")
    axes.set_ylim(bottom=0)
    _legend(axes, loc="upper right")


def _growth(axes: Axes, loads: Sequence[Json]) -> None:
    clients = [one["clients"] for one in loads]
    for key, colour in _CLOCK_COLOURS.items():
        clocks = [one["clocks"].get(key, {}) for one in loads]
        name = next((one["name"] for one in clocks if one), None)
        if name is None:
            continue
        for percent, style in ((95, "-"), (50, ":")):
            values = [_value(one.get(f"p{percent}_ms")) for one in clocks]
            label = name if percent == 95 else None
            axes.plot(clients, values, style, marker="o", color=colour, label=label)
    axes.set_title("latency by load: p95 (line), p50 (dots)")
    axes.set_xlabel("clients")
    axes.set_ylabel("ms")
    axes.set_ylim(bottom=0)
    _legend(axes, loc="upper left")


def _use(axes: Axes, loads: Sequence[Json]) -> None:
    clients = [one["clients"] for one in loads]
    for key, colour, label in (
        ("server_cpu", _BLUE, "server"),
        ("client_cpu", _GREY, "load clients"),
    ):
        axes.plot(clients, [_value(one[key]) for one in loads], "-o", color=colour, label=label)
    axes.set_title("cores in use")
    axes.set_xlabel("clients")
    axes.set_ylabel("cores")
    axes.set_ylim(bottom=0)
    _legend(axes, loc="upper left")


# capacity, overload


def _of_clock(load: Json, clock: str, percent: int) -> float:
    """A percentile of the clock of that name, in ms."""
    for one in load["clocks"].values():
        if one["name"] == clock:
            return float(one[f"p{percent}_ms"])
    return nan


def _draw_capacity(figure: Figure, line: Json) -> None:
    """Each load that was tried: p95 of each clock against its limit."""
    figures = line["figures"]
    loads = sorted(figures["loads"], key=lambda one: int(one["clients"]))
    limits_ms = figures["limits_ms"]
    every = figure.subplots(1, len(limits_ms), squeeze=False)[0]
    for axes, (clock, limit_ms) in zip(every, limits_ms.items(), strict=True):
        _draw_clock(axes, loads, clock, limit_ms)
        axes.axvline(figures["clients"], color=_GREY, linewidth=0.8, linestyle=":")
    title = f"capacity, {line['settings'].get('talk', '')}: {figures['clients']} clients"
    every[0].set_title(title)
    every[0].legend()


def _draw_clock(axes: Axes, loads: Sequence[Json], clock: str, limit_ms: float) -> None:
    for percent, style, width in ((99, "--", 1.0), (95, "-", 2.0), (50, ":", 1.5)):
        axes.plot(
            [one["clients"] for one in loads],
            [_of_clock(one, clock, percent) for one in loads],
            style,
            color=_BLUE,
            linewidth=width,
            label=f"p{percent}",
        )
    for held, marker, colour, label in (
        (True, "o", _GREEN, "held"),
        (False, "X", _RED, "not held"),
    ):
        chosen = [one for one in loads if one["held"] is held]
        p95 = [_of_clock(one, clock, 95) for one in chosen]
        clients = [one["clients"] for one in chosen]
        axes.plot(clients, p95, marker, color=colour, markersize=9, label=label)
    axes.axhline(limit_ms, color=_ORANGE, label=f"limit, {limit_ms:,.0f} ms")
    if any(_of_clock(one, clock, 95) > 0 for one in loads):
        axes.set_yscale("log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("clients")
    axes.set_ylabel(f"{clock}, ms")


def _draw_overload(figure: Figure, line: Json) -> None:
    """Who was admitted, and what those that were had to wait."""
    figures = line["figures"]
    clock, stages = figures["clock"], figures["stages"]
    left, right = figure.subplots(1, 2)
    labels = [f"{one['factor']:g} × capacity\n{one['clients']} clients" for one in stages]
    bottom = np.zeros(len(stages))
    for name, colour, counts in (
        ("admitted and ended", _GREEN, [one["ended"] for one in stages]),
        ("refused", _ORANGE, [sum(one["refused"].values()) for one in stages]),
        ("failed", _RED, [sum(one["errors"].values()) for one in stages]),
    ):
        bars = left.bar(labels, counts, bottom=bottom, color=colour, label=name, width=0.6)
        texts = [str(count) if count else "" for count in counts]
        left.bar_label(bars, texts, label_type="center")
        bottom += counts
    left.set_title("overload: what became of each stream")
    left.grid(visible=False, axis="x")
    left.set_ylim(top=1.25 * max(bottom.max(), 1))
    left.legend(loc="upper left")
    values = [_of_clock(one, clock, 95) for one in stages]
    bars = right.bar(labels, np.nan_to_num(values), color=_BLUE, width=0.6)
    right.bar_label(bars, [_label(value) for value in values], padding=3)
    most = figures["most_slowdown"]
    if values[0] == values[0]:
        right.axhline(values[0] * most, color=_RED, label=f"{most:g} times that at full capacity")
        right.legend(loc="upper left")
    right.set_title(f"{clock}, p95 of those admitted, ms")
    right.grid(visible=False, axis="x")
    right.margins(y=0.25)


# peers


def _draw_peers(figure: Figure, line: Json) -> None:
    """Side by side: a panel for each thing that is compared, a bar for each server."""
    _title(figure, "peers, with the same model")
    rows = line["figures"]["comparison"]
    across = min(len(rows), 3)
    axes = figure.subplots(-(-len(rows) // across), across, squeeze=False)
    for one, (what, by_server) in _panels(axes, list(rows.items())):
        # What is not known keeps its place.
        values = [_value(value) for value in by_server.values()]
        colours = [_PALETTE[number % len(_PALETTE)] for number in range(len(values))]
        bars = one.bar(list(by_server), np.nan_to_num(values), color=colours, width=0.6)
        one.bar_label(bars, [_label(value) for value in values], padding=2, fontsize=9)
        one.set_title(fill(what, 44), fontsize=9)
        one.grid(visible=False, axis="x")
        one.margins(y=0.2)


def _panels(axes: Any, contents: Sequence[Any]) -> Iterator[tuple[Axes, Any]]:
    """The axes of a grid with what is drawn in each; those left over are hidden."""
    for place, one in enumerate(axes.flat):
        if place < len(contents):
            yield one, contents[place]
        else:
            one.axis("off")


# soak


def _draw_soak(figure: Figure, line: Json) -> None:
    """Memory, what is open and latency, over time."""
    figures, settings = line["figures"], line["settings"]
    figure.set_size_inches(11, 9)
    _title(figure, f"soak · {settings.get('clients')} clients · {figures['engine']}")
    memory, opened, latency = figure.subplots(3, 1, sharex=True)
    samples = figures["samples"]
    minutes = [one["at_s"] / 60 for one in samples]
    memory.plot(minutes, [one["rss_mb"] for one in samples], label="server")
    if any(one["workers_mb"] for one in samples):
        memory.plot(minutes, [one["workers_mb"] for one in samples], label="its workers")
    if (growth := figures["memory_mb_per_minute"]) is not None:
        settled = [one for one in samples if one["at_s"] >= figures["warm_s"]]
        at = np.array([one["at_s"] / 60 for one in settled])
        # A least-squares line goes through the middle of its points.
        fitted = np.mean([one["rss_mb"] for one in settled]) + growth * (at - at.mean())
        memory.plot(at, fitted, "--", color="black", label=f"{growth:+.2f} MB a minute")
    memory.set_title("memory, MB")
    for what in ("descriptors", "tasks", "threads", "sessions"):
        opened.plot(minutes, [one[what] for one in samples], label=what)
    opened.set_title("open")
    latency.scatter(
        [at_s / 60 for at_s, _ in figures["finals"]],
        [took_s * 1000 for _, took_s in figures["finals"]],
        s=4,
        alpha=0.3,
        label="one recognition",
    )
    by_minute = figures["final_p95_ms_by_minute"]
    latency.plot(
        [at_s / 60 for at_s, _ in by_minute], [ms for _, ms in by_minute], label="p95 of a minute"
    )
    latency.set_title("END to END, ms")
    latency.set_xlabel("minutes")
    for axes in (memory, opened, latency):
        axes.axvline(figures["warm_s"] / 60, color="grey", linewidth=0.8, linestyle=":")
        # Room above the lines for what they are.
        axes.margins(y=0.2)
        axes.legend(loc="upper left", fontsize=8, ncols=4)


# endpoint


def _draw_endpoint(figure: Figure, line: Json) -> None:
    """False starts in each noise alone, and the ends that were found in speech with noise."""
    figure.set_size_inches(11, 8)
    _title(figure, "endpoint")
    alone, ends = figure.subplots(2, 1)
    detectors = line["figures"]
    width = 0.8 / len(detectors)
    for number, (name, found) in enumerate(detectors.items()):
        colour, shift = _PALETTE[number % len(_PALETTE)], number * width - 0.4 + width / 2
        for axes, values in (
            (alone, found["false_starts_a_minute"]),
            (ends, {label: one["near"] * 100 for label, one in found["exact"].items()}),
        ):
            places = np.arange(len(values))
            bars = axes.bar(places + shift, list(values.values()), width, color=colour, label=name)
            axes.bar_label(bars, [_label(one) for one in values.values()], padding=2, fontsize=7)
            axes.set_xticks(places, list(values))
            axes.grid(visible=False, axis="x")
    alone.set_title("false starts in a minute of noise alone")
    alone.margins(y=0.25)
    alone.legend(loc="upper left", fontsize=8, ncols=5)
    ends.set_title("speech in noise: % of the ends within 150 ms of the truth")
    ends.set_ylim(0, 110)


# everything else


def _draw_numbers(figure: Figure, line: Json) -> None:
    """A panel for each name of a number, a bar for each place where it stands."""
    _title(figure, str(line["verb"]))
    panels: dict[str, dict[str, float]] = {}
    for (*path, name), value in _numbers(line["figures"], ()):
        panels.setdefault(name, {})[" ".join(path)] = value
    shown = list(panels.items())[:_MOST_PANELS]
    if not shown:
        figure.text(0.5, 0.5, "nothing that can be drawn was measured", ha="center")
        return
    labels = list(dict.fromkeys(label for _, values in shown for label in values))
    across = min(len(shown), 4)
    down = -(-len(shown) // across)
    figure.set_size_inches(11, max(6.0, down * (1.0 + 0.25 * len(labels))))
    axes = figure.subplots(down, across, squeeze=False, sharey=True)
    for one, (name, values) in _panels(axes, shown):
        # What is not known keeps its place.
        row = [values.get(label, nan) for label in labels]
        bars = one.barh(labels, np.nan_to_num(row), color=_BLUE, height=0.6)
        one.bar_label(bars, [_label(value) for value in row], padding=3, fontsize=8)
        one.margins(x=0.2)
        one.set_title(fill(name.replace("_", " "), 24))
        one.grid(visible=False, axis="y")
    axes[0][0].invert_yaxis()


def _numbers(
    figures: Mapping[str, Json], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, value in figures.items():
        match value:
            case bool():
                pass
            case int() | float():
                yield (*path, name), value
            case Mapping():
                yield from _numbers(value, (*path, name))
            case _:
                pass


_DRAWINGS: dict[str, Callable[[Figure, Json], None]] = {
    "load": _draw_load,
    "null": _draw_load,
    "capacity": _draw_capacity,
    "overload": _draw_overload,
    "peers": _draw_peers,
    "soak": _draw_soak,
    "endpoint": _draw_endpoint,
}
