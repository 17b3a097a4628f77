"""Whose web pages may use the server: the rules for the `Origin` and the `Host` of a request.

A browser lets every page open a websocket to every address, loopback included, and tells the server
only whose page it is. Clients that are no browser say nothing, and those of SIS sign what they
send, which a stranger's page cannot: browsers take no headers from it for a websocket (RFC 6455,
§10.2 and §4.1), and over HTTP they ask the server first (`rasr.server.auth.preflight`).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from rasr.asgi.addresses import is_loopback

ANYBODY = "*"


@dataclass(frozen=True, slots=True)
class OriginRule:
    """Which origins are welcome."""

    listed: frozenset[str]
    """As browsers write them: `https://talk.example`, with a port where it is not the scheme's."""
    names_are_ours: bool
    """True if the server is meant to be reached by other names than loopback's. A server that is
    not must not believe one: anybody may have a name of his own lead to 127.0.0.1."""

    @classmethod
    def of(cls, allowed_origins: tuple[str, ...], *, names_are_ours: bool) -> OriginRule:
        """The rule of a setting; an origin may have a slash behind it and capital letters."""
        return cls(
            frozenset(origin.strip().rstrip("/").lower() for origin in allowed_origins),
            names_are_ours,
        )

    def admits(self, headers: Headers) -> bool:
        """True if a request with these headers is of a welcome page, or of no page at all."""
        origin = headers.get("origin")
        if origin is None or _signed(headers):
            return True
        origin = origin.lower()
        if ANYBODY in self.listed or origin in self.listed:
            return True
        ours, theirs = host_of(f"//{headers.get('host', '')}"), host_of(origin)
        if ours is None or theirs is None:
            return False
        if is_loopback_name(ours):
            return is_loopback_name(theirs)
        return self.names_are_ours and ours == theirs

    def shared_with(self, headers: Headers) -> dict[str, str]:
        """Headers of an answer that a page with these headers may read if it is welcome."""
        answer = {"cache-control": "no-store", "vary": "origin"}
        origin = headers.get("origin")
        if origin is not None and self.admits(headers):
            answer["access-control-allow-origin"] = origin
            answer["access-control-expose-headers"] = "retry-after, x-request-id"
        return answer

    def knows(self, headers: Headers) -> bool:
        """True if a request with these headers went to a name of this server.

        Under a name of his own that leads here, anybody's page may read what is not asked for its
        `Origin`: to the browser both are of one place.
        """
        host = headers.get("host")
        if host is None or self.names_are_ours or ANYBODY in self.listed:
            return True
        ours = host_of(f"//{host}")
        return ours is not None and (is_loopback_name(ours) or ours in map(host_of, self.listed))


def refusal(headers: Headers) -> str:
    """The sentence for a page that is not welcome."""
    origin = headers.get("origin", "")[:120]
    return (
        f"pages of {origin!r} may not use this server; "
        f"server.allowed_origins in its settings may name {origin}"
    )


def stranger(headers: Headers) -> str:
    """The sentence for a request to a name that is not known."""
    host = headers.get("host", "")[:120]
    return (
        f"nothing is told to who reaches this server as {host!r}; "
        f"server.allowed_origins in its settings may name the address, such as https://{host}"
    )


def _signed(headers: Headers) -> bool:
    """True if the request carries what clients of SIS prove themselves with."""
    return "x-auth-token" in headers or headers.get("authorization", "").startswith("SDK-HMAC")


def host_of(url: str) -> str | None:
    """The name or address in a URL; None where there is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def is_loopback_name(host: str) -> bool:
    """True if a name or address is always of the machine that uses it."""
    return host == "localhost" or host.endswith(".localhost") or is_loopback(host)
