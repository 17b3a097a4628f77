"""Calls of each interface, as SIS counts them: successful ones, those that failed by whose fault,
and how long they took.

Source: SIS, «Monitoring metrics» of Cloud Eye, namespace SYS.SIS.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class InterfaceCount:
    """The calls of one interface so far."""

    successful: int = 0
    failed_4xx: int = 0
    failed_5xx: int = 0
    delay_s: float = 0.0
    """Of the successful calls together."""


class InterfaceStatistics:
    """The calls of all interfaces of one server."""

    def __init__(self) -> None:
        self.counts: dict[str, InterfaceCount] = {}
        """By the name of the interface."""

    def count(self, interface: str, status: int, delay_s: float) -> None:
        """A call is over.

        Args:
            status: of HTTP; of a round the one that its error has in the table of errors, or 200.
            delay_s: from the end of the question to the answer, seconds.
        """
        found = self.counts.setdefault(interface, InterfaceCount())
        if status >= 500:
            found.failed_5xx += 1
        elif status >= 400:
            found.failed_4xx += 1
        else:
            found.successful += 1
            found.delay_s += delay_s
