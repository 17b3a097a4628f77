"""Calls of each interface, as SIS counts them: successful ones, those that failed by whose fault,
and how long they took; so far, and by the minute.

Source: SIS, «Monitoring metrics» of Cloud Eye, namespace SYS.SIS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

HISTORY_MINUTES = 8 * 24 * 60
"""So far back the history goes: a week, and the day that a chart of it begins in."""
MOST_COUNTS = 50_000
"""A server remembers so many counts, each of one minute, project and interface, in about 20 MB: one
project that uses four interfaces all the time fills 8 days. Of more the oldest minutes go first."""


@dataclass(slots=True)
class InterfaceCount:
    """The calls of one interface."""

    successful: int = 0
    failed_4xx: int = 0
    failed_5xx: int = 0
    delay_s: float = 0.0
    """Of the successful calls together."""

    def call(self, status: int, delay_s: float) -> None:
        """One call more; see `InterfaceStatistics.count`."""
        if status >= 500:
            self.failed_5xx += 1
        elif status >= 400:
            self.failed_4xx += 1
        else:
            self.successful += 1
            self.delay_s += delay_s

    def add(self, other: InterfaceCount) -> None:
        """The calls of both."""
        self.successful += other.successful
        self.failed_4xx += other.failed_4xx
        self.failed_5xx += other.failed_5xx
        self.delay_s += other.delay_s

    @property
    def average_delay_ms(self) -> float | None:
        """Of a successful call; None where there was none."""
        return round(1000 * self.delay_s / self.successful, 3) if self.successful else None


Minutes = Mapping[int, InterfaceCount]
"""Minutes, counted since 1970, and the calls in each, or from each on."""


class InterfaceHistory:
    """The calls of a server by minute, project and interface."""

    def __init__(self, most_counts: int = MOST_COUNTS) -> None:
        self._most_counts = most_counts
        self._size = 0
        self._counts: dict[str, dict[str, dict[int, InterfaceCount]]] = {}
        """By project, interface, minute."""
        self._minutes: dict[int, list[tuple[str, str]]] = {}
        """The projects and interfaces of each, the oldest first."""
        self.complete_from = 0
        """From this minute on nothing of this server was forgotten."""
        self.unsaved: set[int] = set()
        """Minutes with calls that nobody has written down elsewhere."""

    def count(self, minute: int, project: str, interface: str) -> InterfaceCount:
        """The count of a minute, to be added to."""
        minutes = self._counts.setdefault(project, {}).setdefault(interface, {})
        self.unsaved.add(minute)
        found = minutes.get(minute)
        if found is None:
            found = minutes[minute] = InterfaceCount()
            self._minutes.setdefault(minute, []).append((project, interface))
            self._size += 1
            self._forget(minute)
        return found

    def of(self, project: str | None) -> dict[str, list[Minutes]]:
        """By interface, all minutes, for whoever adds them up: in a thread, if he likes.

        Args:
            project: None: of all.
        """
        projects = self._counts if project is None else {project: self._counts.get(project, {})}
        found: dict[str, list[Minutes]] = {}
        for interfaces in projects.values():
            for interface, minutes in interfaces.items():
                # A copy is made at once, whatever their number.
                found.setdefault(interface, []).append(minutes.copy())
        return found

    def minute(self, minute: int) -> list[tuple[str, str, InterfaceCount]]:
        """Project, interface and count of one minute."""
        return [
            (project, interface, self._counts[project][interface][minute])
            for project, interface in self._minutes.get(minute, ())
        ]

    def _forget(self, now: int) -> None:
        oldest = next(iter(self._minutes))
        while oldest != now and (self._size > self._most_counts or oldest <= now - HISTORY_MINUTES):
            for project, interface in self._minutes.pop(oldest):
                interfaces = self._counts[project]
                del interfaces[interface][oldest]
                if not interfaces[interface]:
                    del interfaces[interface]
                if not interfaces:
                    del self._counts[project]
                self._size -= 1
            self.unsaved.discard(oldest)
            self.complete_from = max(self.complete_from, oldest + 1)
            oldest = next(iter(self._minutes))


class InterfaceStatistics:
    """The calls of all interfaces of one server."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """
        Args:
            clock: seconds since 1970.
        """
        self.clock = clock
        self.counts: dict[str, InterfaceCount] = {}
        """By the name of the interface, since the server started."""
        self.history = InterfaceHistory()

    def count(self, interface: str, status: int, delay_s: float, project: str = "") -> None:
        """A call is over.

        Args:
            status: of HTTP; of a round the one that its error has in the table of errors, or 200.
            delay_s: from the end of the question to the answer, seconds.
            project: of the caller; empty where he is not known.
        """
        self.counts.setdefault(interface, InterfaceCount()).call(status, delay_s)
        self.history.count(self.minute, project, interface).call(status, delay_s)

    @property
    def minute(self) -> int:
        """The running one, counted since 1970."""
        return int(self.clock() // 60)

    def last_minute(self) -> Mapping[str, InterfaceCount]:
        """The calls of the last whole minute, by interface: of all that were ever called."""
        found = {interface: InterfaceCount() for interface in self.counts}
        for _, interface, count in self.history.minute(self.minute - 1):
            found[interface].add(count)
        return found


def summed(
    parts: Iterable[Minutes], since: int, until: int, period: int
) -> dict[int, InterfaceCount]:
    """The counts of minutes from `since` on and before `until`, added up by periods of so many
    minutes: the beginning of each, in order. Those without calls are left out."""
    found: dict[int, InterfaceCount] = {}
    for part in parts:
        for minute, count in part.items():
            if since <= minute < until:
                found.setdefault(minute - minute % period, InterfaceCount()).add(count)
    return dict(sorted(found.items()))
