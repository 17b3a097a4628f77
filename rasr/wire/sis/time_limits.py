"""The two limits of a connection that are told by a clock: the idle rule and its longest life."""

from __future__ import annotations

from enum import Enum, auto

from rasr.settings import SessionSettings
from rasr.wire.sis.errors import ErrorCode, ProtocolError

IDLE_REASON = "no message for too long"
"""Of the closing handshake."""


class Expired(Enum):
    """Which limit has been reached."""

    IDLE = auto()
    """No message came for too long."""
    LIFE = auto()
    """The connection is as old as it may be."""


class TimeLimits:
    """Times are seconds on any monotonic clock."""

    def __init__(self, settings: SessionSettings, now: float) -> None:
        self._idle_s = settings.idle_s
        self._heard_at = now
        self._ends_at = now + settings.connection_s

    def heard(self, now: float) -> None:
        """The idle rule starts anew."""
        self._heard_at = now

    def deadline(self, *, idle: bool) -> float:
        """When the next limit is reached.

        Args:
            idle: it is the client that would have to say something.
        """
        return min(self._ends_at, self._heard_at + self._idle_s) if idle else self._ends_at

    def expired(self, now: float, *, idle: bool) -> Expired | None:
        """The limit that has been reached, if any; the longest life is told once."""
        if now >= self._ends_at:
            self._ends_at = float("inf")
            return Expired.LIFE
        return Expired.IDLE if idle and now >= self._heard_at + self._idle_s else None

    @property
    def idle_fault(self) -> ProtocolError:
        """What a client is told that was idle for too long."""
        sentence = f"wait voice timeout: no message for {self._idle_s:g} s"
        return ProtocolError(ErrorCode.IDLE, sentence)
