"""What `--plot` draws. Pictures are drawn into files, never onto a screen.

Colours are those of Okabe and Ito, which people who see fewer colours can tell apart.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import nan
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from bench.machine import Picture

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"),
    "#7F7F7F",
)
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, RED, "#56B4E9", GREY)
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
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def save(file: Path, picture: Picture, below: str) -> None:
    """
    Args:
        below: a line under the picture: what was measured on what.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=(11, 6))
        picture(figure)
        figure.supxlabel(below, fontsize=8, color=GREY, x=0.01, ha="left")
        figure.savefig(file, dpi=140)


def columns(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Picture:
    """The columns of a table that are numbers, a panel of bars for each."""
    labels = [row[0] for row in rows]
    panels = [
        (name, values)
        for number, name in enumerate(names)
        if number and (values := _numbers([row[number] for row in rows]))
    ]

    def draw(figure: Figure) -> None:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        if not panels:
            figure.text(0.5, 0.5, "nothing that can be drawn was measured", ha="center")
            return
        across = min(len(panels), 4)
        axes = figure.subplots(-(-len(panels) // across), across, squeeze=False, sharey=True)
        for place, one in enumerate(axes.flat):
            if place >= len(panels):
                one.axis("off")
                continue
            name, values = panels[place]
            bars = one.barh(labels, np.nan_to_num(values), color=BLUE, height=0.6)
            one.bar_label(bars, [_label(value) for value in values], padding=3, fontsize=8)
            one.margins(x=0.2)
            one.set_title(fill(name, 24))
            one.grid(visible=False, axis="y")
        axes[0][0].invert_yaxis()

    return draw


def _numbers(cells: Sequence[str]) -> list[float]:
    """The number that each cell begins with, NaN of a dash; empty if one is something else, or if
    there is nothing to see."""
    found = [_NUMBER.match(cell.replace(",", "")) for cell in cells]
    if any(one is None and cell != "–" for one, cell in zip(found, cells, strict=True)):
        return []
    values = [float(one[0]) if one else nan for one in found]
    return values if any(value and value == value for value in values) else []


def _label(value: float) -> str:
    if value != value:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def pairs_picture(
    title: str, rows: Sequence[tuple[str, Sequence[float]]], names: Sequence[str]
) -> Picture:
    """Side by side: a panel for each row, a bar for each of `names`; what is NaN is left out."""

    def draw(figure: Figure) -> None:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        across = min(len(rows), 3)
        axes = figure.subplots(-(-len(rows) // across), across, squeeze=False)
        for place, one in enumerate(axes.flat):
            if place >= len(rows):
                one.axis("off")
                continue
            what, values = rows[place]
            # What is not known keeps its place.
            bars = one.bar(
                list(names),
                np.nan_to_num(list(values)),
                color=[PALETTE[number % len(PALETTE)] for number in range(len(names))],
                width=0.6,
            )
            one.bar_label(bars, [_label(value) for value in values], padding=2, fontsize=9)
            one.set_title(fill(what, 44), fontsize=9)
            one.grid(visible=False, axis="x")
            one.margins(y=0.2)

    return draw
