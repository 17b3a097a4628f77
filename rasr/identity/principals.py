"""Who a caller is, once his credentials were believed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DIGEST_NAME_LENGTH = 12
"""So many letters of the digest of a token name it."""


class CredentialKind(StrEnum):
    """What a caller has shown."""

    KEY = "key"
    """A signature made with an access key."""
    TOKEN = "token"
    """A token that this server gave out."""
    OIDC = "oidc"
    """A token of an identity provider that the settings name."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller."""

    user_id: str
    user_name: str
    domain: str
    project_id: str
    """The project of his credential, and so of the paths that he may use."""
    kind: CredentialKind
    """Of the credential itself; whoever shows a ticket has what the ticket was given for."""
    credential: str
    """Names the credential in logs and counts requests by it: an access id, the first letters of a
    digest. No secret."""


def project_of(principal: Principal | None) -> str:
    """The project of a caller; empty where nobody was asked who he is."""
    return "" if principal is None else principal.project_id
