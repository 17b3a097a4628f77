"""What a caller shows, where it may stand in a request. Whether it is believed is asked later.

Of several the first one counts: a signature, a bearer token, `X-Auth-Token`; then, of websockets
alone, a token as a subprotocol and a ticket in the query, for pages, which can set no header there.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from rasr.identity.signatures import is_signed
from rasr.server.auth.call import Call

SUBPROTOCOL = "sis"
"""A page that hands a token over this way names this one too: it is the one that is chosen."""
TOKEN_PREFIX = "sis.token."
TICKET = "ticket"
"""Parameter of the query."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature in the `Authorization` header."""


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token: one of ours, or of an identity provider."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket in the query."""

    text: str = field(repr=False)


Credential = Signed | BearerToken | Ticket


def credential_of(call: Call) -> Credential | None:
    """What a call shows; None: nothing."""
    authorization = [value.decode("latin-1") for value in call.request.values("authorization")]
    # An official client that carries a token sends an empty one.
    if any(map(is_signed, authorization)):
        return Signed()
    scheme, _, bearer = (authorization[0] if len(authorization) == 1 else "").partition(" ")
    if scheme.lower() == "bearer" and bearer:
        return BearerToken(bearer.strip())
    token = call.header("x-auth-token")
    if token:
        return BearerToken(token)
    return _of_a_page(call) if call.is_websocket else None


def shows(call: Call, token: str) -> bool:
    """True if a call shows this token, of which there is only one; never where it is empty."""
    credential = credential_of(call)
    if not token or not isinstance(credential, BearerToken):
        return False
    return hmac.compare_digest(credential.text.encode("latin-1"), token.encode())


def without_ticket(query: bytes) -> bytes:
    """The query without what is nobody's business behind the door."""
    prefix = f"{TICKET}=".encode()
    return b"&".join(part for part in query.split(b"&") if not part.startswith(prefix))


def _of_a_page(call: Call) -> Credential | None:
    for offered in b",".join(call.request.values("sec-websocket-protocol")).split(b","):
        text = offered.strip().decode("latin-1")
        if text.startswith(TOKEN_PREFIX):
            return BearerToken(text.removeprefix(TOKEN_PREFIX))
    pairs = parse_qsl(call.request.query.decode("latin-1"), max_num_fields=None)
    tickets = [value for name, value in pairs if name == TICKET]
    return Ticket(tickets[0]) if len(tickets) == 1 else None
