"""How an answer comes to a callback URL: what happened goes in, when to try next comes out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

_FIRST_PAUSE_S = 10.0
_LONGEST_PAUSE_S = 3600.0


class DeliveryState(StrEnum):
    """Where an answer is."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer on its way. Times are seconds since 1970."""

    id: str
    """The same at each attempt: a receiver knows by it what it has already."""
    url: str = field(repr=False)
    """As it was given: there may be a secret behind its `?`."""
    began_at: float
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    next_at: float | None = None
    """When it is sent next; None: never again."""
    ended_at: float | None = None
    fault: str | None = None
    """What was wrong with the last attempt."""

    @classmethod
    def begin(cls, message_id: str, url: str, now: float) -> Delivery:
        """An answer that is to be sent at once."""
        return cls(message_id, url, now, next_at=now)

    def is_due(self, now: float) -> bool:
        """True if it is to be sent."""
        return self.next_at is not None and now >= self.next_at

    def taken(self, now: float) -> Delivery:
        """The receiver has it."""
        return replace(
            self,
            state=DeliveryState.DELIVERED,
            attempts=self.attempts + 1,
            next_at=None,
            ended_at=now,
            fault=None,
        )

    def failed(self, now: float, fault: str, for_s: float, *, may_pass: bool = True) -> Delivery:
        """The receiver has not taken it: it is sent again after 10 s, then after twice as long each
        time, an hour at most; once the time is over, no more.

        Args:
            for_s: how long it is tried.
            may_pass: False: it would be the same each time.
        """
        pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self.attempts, 20))
        after = replace(self, attempts=self.attempts + 1, fault=fault)
        if not may_pass or now + pause > self.began_at + for_s:
            return replace(after, state=DeliveryState.GIVEN_UP, next_at=None, ended_at=now)
        return replace(after, next_at=now + pause)
