"""What is asked of whatever checks the tokens of an identity provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class ForeignTokenFault(Exception):
    """A token is not believed. The text says why, for the operator's log alone."""


class ProviderUnreachable(Exception):
    """The provider's keys are not known and cannot be fetched."""


@dataclass(frozen=True, slots=True)
class ForeignIdentity:
    """Whose a token is."""

    subject: str
    name: str
    """As the provider's users know him; empty where it does not say."""
    projects: tuple[str, ...]


class ForeignTokens(Protocol):
    """Checks the tokens of one identity provider."""

    async def identify(self, token: str) -> ForeignIdentity:
        """Whose token it is.

        Raises:
            ForeignTokenFault: it is not for this server, or not of the provider, or not of this
                time.
            ProviderUnreachable: nobody knows.
        """
