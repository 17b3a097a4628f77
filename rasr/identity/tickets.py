"""Tickets: leave to open one websocket soon, for callers that can set no header, such as pages.

A ticket stands in a URL, and URLs are written down in many places, so it lives a minute and opens
one websocket. A server keeps its tickets itself: they are used where they were given out.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass

from rasr.identity.principals import Principal
from rasr.identity.tokens import digest, has_form, new_token

TICKET_LIFE_S = 60.0
_MOST = 50_000
_MOST_OF_A_CREDENTIAL = 1_000


@dataclass(frozen=True, slots=True)
class _Ticket:
    principal: Principal
    expires_at: float


class Tickets:
    """The tickets that are given out and not used."""

    def __init__(
        self, most: int = _MOST, most_of_a_credential: int = _MOST_OF_A_CREDENTIAL
    ) -> None:
        self._most = most
        self._most_of_a_credential = most_of_a_credential
        self._tickets: OrderedDict[str, _Ticket] = OrderedDict()
        """The oldest first, by their digests."""
        self._of_credential: Counter[str] = Counter()

    def issue(self, principal: Principal, now: float) -> str | None:
        """A ticket for this caller; None while too many of his, or of all, are out."""
        self._forget(now)
        if (
            len(self._tickets) >= self._most
            or self._of_credential[principal.credential] >= self._most_of_a_credential
        ):
            return None
        ticket = new_token()
        self._tickets[digest(ticket)] = _Ticket(principal, now + TICKET_LIFE_S)
        self._of_credential[principal.credential] += 1
        return ticket

    def redeem(self, ticket: str, now: float) -> Principal | None:
        """Whose ticket it was; None if it is none, was used or is too old. It is used then."""
        self._forget(now)
        if not has_form(ticket):
            return None
        key = digest(ticket)
        known = self._tickets.get(key)
        if known is None:
            return None
        self._drop(key)
        return known.principal

    def __len__(self) -> int:
        return len(self._tickets)

    def _forget(self, now: float) -> None:
        while self._tickets:
            key, oldest = next(iter(self._tickets.items()))
            if now < oldest.expires_at:
                return
            self._drop(key)

    def _drop(self, key: str) -> None:
        credential = self._tickets.pop(key).principal.credential
        self._of_credential[credential] -= 1
        if not self._of_credential[credential]:
            del self._of_credential[credential]
