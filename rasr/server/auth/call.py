"""One request or handshake at the door, and what the door tells the application of it."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from rasr.asgi.heads import has_body
from rasr.identity.principals import Principal
from rasr.identity.signatures import Request
from rasr.server.auth.paths import WEBSOCKET

_PRINCIPAL = "rasr.principal"
_REQUEST_ID = "rasr.request_id"
_ERROR_CODE = "rasr.error_code"


@dataclass(frozen=True, slots=True)
class Call:
    """A request, or the handshake of a websocket."""

    request: Request
    path: str
    """Decoded, as the application finds its answer by it."""
    address: str
    is_websocket: bool
    id: str
    """By which the caller and the operator's log mean the same request."""

    @classmethod
    def of(cls, scope: Scope) -> Call:
        """The call of an ASGI scope. The scope gets its id."""
        scope[_REQUEST_ID] = identifier = secrets.token_hex(16)
        return cls(
            Request(
                scope.get("method", "GET"),
                scope["raw_path"],
                scope["query_string"],
                scope["headers"],
            ),
            scope["path"],
            address_of(scope),
            scope["type"] == "websocket",
            identifier,
        )

    @property
    def method(self) -> str:
        """As the table of paths has it."""
        return WEBSOCKET if self.is_websocket else self.request.method

    @property
    def has_body(self) -> bool:
        """True if its head announces a body."""
        return not self.is_websocket and has_body(list(self.request.headers))

    def header(self, name: str) -> str:
        """The value of a header; empty where there is none or more than one."""
        values = self.request.values(name)
        return values[0].decode("latin-1") if len(values) == 1 else ""


def address_of(scope: Scope | Any) -> str:
    """The address of the client."""
    client = scope.get("client")
    address: str = client[0] if client else "unknown"
    return address


def principal_of(scope: Scope | Any) -> Principal | None:
    """Who calls; None where nobody was asked."""
    found: Principal | None = scope.get(_PRINCIPAL)
    return found


def set_principal(scope: Scope, principal: Principal) -> None:
    """The application is told who calls."""
    scope[_PRINCIPAL] = principal


def request_id_of(scope: Scope | Any) -> str:
    """The id of the request; empty where no door has seen it."""
    return str(scope.get(_REQUEST_ID, ""))


def error_code_of(scope: Scope | Any) -> str:
    """The code of the error that a request was answered with; empty where there is none."""
    return str(scope.get(_ERROR_CODE, ""))


def set_error_code(scope: Scope, code: str) -> None:
    """A request is answered with this error."""
    scope[_ERROR_CODE] = code


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the network of a subscriber, who has all of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.ipv4_mapped is not None:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
