"""What was seen of a server over a long time, and what follows from it: slopes, leaks, a picture.

Slopes are least squares over what follows the warm-up. Leaks are told apart from use by a level
before and one after, each taken when nobody is connected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bench.machine import Picture
from bench.percentiles import percentile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEAST_POINTS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment."""

    at_s: float
    """Since the churn began."""
    rss_mb: float
    """Of its own process."""
    workers_mb: float
    """Of its worker processes; 0 where it has none or is not ours."""
    descriptors: int
    tasks: int
    threads: int
    sessions: int
    rounds: int
    audio_s: float
    cpu_s: float


@dataclass(slots=True)
class Course:
    """What was seen of a soak."""

    warm_s: float
    samples: list[Sample] = field(default_factory=list)
    before: Sample | None = None
    after: Sample | None = None
    """Both when nobody was connected."""
    finals: list[tuple[float, float]] = field(default_factory=list)
    """When END was answered, in seconds since the churn began, and how long that took, s."""

    def settled(self) -> list[Sample]:
        """After the warm-up."""
        return [one for one in self.samples if one.at_s >= self.warm_s]

    def memory_slope(self, *, workers: bool = False) -> float:
        """MB a minute."""
        return slope(
            [(one.at_s, one.workers_mb if workers else one.rss_mb) for one in self.settled()]
        )

    def p95_by_minute(self) -> list[tuple[float, float]]:
        """The middle of each minute after the warm-up, and the p95 of its finals, ms."""
        minutes: dict[int, list[float]] = {}
        for at_s, took_s in self.finals:
            if at_s >= self.warm_s:
                minutes.setdefault(int(at_s // 60), []).append(took_s * 1000)
        return [
            (minute * 60 + 30.0, percentile(took, 95)) for minute, took in sorted(minutes.items())
        ]

    def ends(self) -> tuple[Sample, Sample]:
        """Before and after, once there is an after."""
        assert self.before is not None, "the soak has not begun"
        assert self.after is not None, "the soak is not over"
        return self.before, self.after

    @property
    def leaked_descriptors(self) -> int:
        return self._grown("descriptors")

    @property
    def leaked_tasks(self) -> int:
        return self._grown("tasks")

    def _grown(self, what: str) -> int:
        before, after = self.ends()
        return int(getattr(after, what) - getattr(before, what))


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Growth a minute, by least squares over (s, value); NaN of too few points."""
    if len(points) < _LEAST_POINTS:
        return float("nan")
    at_s, values = np.array(points).T
    return float(np.polyfit(at_s / 60, values, 1)[0])


def picture(course: Course, title: str) -> Picture:
    """Memory, what is open and latency, over time."""

    def draw(figure: Figure) -> None:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        memory, opened, latency = figure.subplots(3, 1, sharex=True)
        _memory(memory, course)
        minutes = [one.at_s / 60 for one in course.samples]
        for what in ("descriptors", "tasks", "threads", "sessions"):
            opened.plot(minutes, [getattr(one, what) for one in course.samples], label=what)
        opened.set_title("open")
        _latency(latency, course)
        latency.set_xlabel("minutes")
        for axes in (memory, opened, latency):
            axes.axvline(course.warm_s / 60, color="grey", linewidth=0.8, linestyle=":")
            axes.legend(loc="upper left", fontsize=8, ncols=4)

    return draw


def _memory(axes: Axes, course: Course) -> None:
    minutes = [one.at_s / 60 for one in course.samples]
    axes.plot(minutes, [one.rss_mb for one in course.samples], label="server")
    if any(one.workers_mb for one in course.samples):
        axes.plot(minutes, [one.workers_mb for one in course.samples], label="its workers")
    settled = course.settled()
    if len(settled) >= _LEAST_POINTS:
        at = np.array([one.at_s for one in settled]) / 60
        fit = np.polyfit(at, [one.rss_mb for one in settled], 1)
        label = f"{fit[0]:+.2f} MB a minute"
        axes.plot(at, np.polyval(fit, at), "--", color="black", label=label)
    axes.set_title("memory, MB")


def _latency(axes: Axes, course: Course) -> None:
    axes.scatter(
        [at_s / 60 for at_s, _ in course.finals],
        [took_s * 1000 for _, took_s in course.finals],
        s=4,
        alpha=0.3,
        label="one round",
    )
    by_minute = course.p95_by_minute()
    at = [at_s / 60 for at_s, _ in by_minute]
    axes.plot(at, [ms for _, ms in by_minute], label="p95 of a minute")
    axes.set_title("END to END, ms")
