"""The meter: whether somebody may use a service, and what he has used of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rasr.identity.principals import Principal
from rasr.usage.services import Service


@dataclass(frozen=True, slots=True)
class Charge:
    """One successful call or round that is to be billed."""

    id: str
    """Of the call or round, at most 64 characters: what is written twice counts once."""
    principal: Principal
    service: Service
    at: float
    """When it ended: seconds since 1970."""
    audio_s: float
    """Seconds of audio that were heard or made."""
    channels: int = 1


# Not frozen: Python writes the traceback on it.
@dataclass(eq=False)
class UsageRefused(Exception):
    """The project may not use the service now."""

    def __init__(self, sentence: str, *, is_frozen: bool = False) -> None:
        """
        Args:
            sentence: for the caller.
            is_frozen: the project is frozen; otherwise its quota of the month is used up.
        """
        super().__init__(sentence)
        self.sentence = sentence
        self.is_frozen = is_frozen


class Meter(Protocol):
    """Keeps what was used."""

    async def start(self) -> None:
        """Begin. Called once, on the event loop of the server."""

    async def close(self) -> None:
        """Put what is kept where it outlives the process. Called once, at the end."""

    async def check(self, principal: Principal | None, service: Service) -> None:
        """Whether a call or round may begin. Where nobody is asked who he is, it may.

        Raises:
            UsageRefused: it may not.
            DirectoryUnavailable: nobody knows.
        """

    def charge(self, charge: Charge) -> None:
        """Write down what was used. It takes less than 1 ms, and raises nothing."""

    async def caught_up(self) -> None:
        """Wait until what was charged so far is in the ledger, for a moment at most."""

    @property
    def waiting(self) -> int:
        """Charges that are not in the ledger yet."""

    @property
    def lost(self) -> int:
        """Charges that could be kept nowhere."""


class Unmetered:
    """A meter of a server without accounts: nobody is there who could be charged."""

    waiting = 0
    lost = 0

    async def start(self) -> None:
        """See `Meter`."""

    async def close(self) -> None:
        """See `Meter`."""

    async def check(self, principal: Principal | None, service: Service) -> None:
        """See `Meter`."""

    def charge(self, charge: Charge) -> None:
        """See `Meter`."""

    async def caught_up(self) -> None:
        """See `Meter`."""
