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
    from matplotlib.figure import Figure


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
    """Growth a minute, by least squares over (s, value); NaN of fewer than three points."""
    if len(points) < 3:
        return float("nan")
    at_s, values = np.array(points).T
    return float(np.polyfit(at_s / 60, values, 1)[0])


def drawn(course: Course, title: str) -> Picture:
    """The picture of a soak: memory, what is open, latency."""

    def draw(figure: Figure) -> None:
        _draw(course, figure, title)

    return draw


def _draw(course: Course, figure: Figure, title: str) -> None:
    figure.set_size_inches(11, 9)
    memory, opened, latency = figure.subplots(3, 1, sharex=True)
    minutes = [one.at_s / 60 for one in course.samples]
    memory.plot(minutes, [one.rss_mb for one in course.samples], label="server")
    if any(one.workers_mb for one in course.samples):
        memory.plot(minutes, [one.workers_mb for one in course.samples], label="its workers")
    settled = course.settled()
    if len(settled) >= 3:
        at = np.array([one.at_s for one in settled]) / 60
        fit = np.polyfit(at, [one.rss_mb for one in settled], 1)
        label = f"{fit[0]:+.2f} MB a minute"
        memory.plot(at, np.polyval(fit, at), "--", color="black", label=label)
    memory.set_ylabel("memory, MB")
    opened.plot(minutes, [one.descriptors for one in course.samples], label="descriptors")
    opened.plot(minutes, [one.tasks for one in course.samples], label="tasks")
    opened.plot(minutes, [one.threads for one in course.samples], label="threads")
    opened.plot(minutes, [one.sessions for one in course.samples], label="sessions")
    opened.set_ylabel("open")
    latency.scatter(
        [at_s / 60 for at_s, _ in course.finals],
        [took_s * 1000 for _, took_s in course.finals],
        s=4,
        alpha=0.3,
        label="END to END",
    )
    by_minute = course.p95_by_minute()
    latency.plot([at_s / 60 for at_s, _ in by_minute], [ms for _, ms in by_minute], label="p95")
    latency.set_ylabel("latency, ms")
    latency.set_xlabel("minutes")
    for axes in (memory, opened, latency):
        axes.axvline(course.warm_s / 60, color="grey", linewidth=0.8)
        axes.legend(loc="best")
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
