"""Who a peer is: its address, or the one that a proxy on this machine names."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]
"""Names in small letters, and values."""

_UNKNOWN = "unknown"


def is_loopback(address: str) -> bool:
    """True for an IP address that always leads to the machine that uses it; a name is none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A socket of both families tells IPv4 peers as ::ffff:127.0.0.1.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def client_address(peer: str, headers: Headers) -> str:
    """The address of the client: of the peer, or what a proxy on this machine says in
    `X-Forwarded-For`, to which every proxy adds the one it was asked by at the end.

    It is believed from loopback alone: from anywhere else anybody could write it.
    """
    if not is_loopback(peer):
        return peer
    named = _forwarded_for(headers)
    for address in reversed(named):
        if not is_loopback(address):
            return address
    return named[0] if named else peer


def _forwarded_for(headers: Headers) -> list[str]:
    values = b",".join(value for name, value in headers if name == b"x-forwarded-for")
    return list(_addresses(values.decode("latin-1").split(",")))


def _addresses(parts: Iterable[str]) -> Iterable[str]:
    for part in parts:
        text = part.strip()
        if not text:
            continue
        # Some write a port: 203.0.113.9:4711, [2001:db8::1]:4711.
        if text.startswith("["):
            text = text[1:].partition("]")[0]
        elif text.count(":") == 1:
            text = text.partition(":")[0]
        try:
            yield str(ipaddress.ip_address(text))
        except ValueError:
            yield _UNKNOWN
