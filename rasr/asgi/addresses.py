"""Who a peer is: its address, or the one that a proxy names which is trusted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]
"""Names in small letters, and values."""

LOOPBACK = ("127.0.0.0/8", "::1")

_UNKNOWN = "unknown"


def is_loopback(address: str) -> bool:
    """True for an IP address that always leads to the machine that uses it; a name is none."""
    parsed = _parsed(address)
    return parsed is not None and parsed.is_loopback


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    # A socket of both families tells IPv4 peers as ::ffff:127.0.0.1.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


class Proxies:
    """Whose word on the client counts. From anywhere else anybody could write it."""

    def __init__(self, texts: Iterable[str] = LOOPBACK) -> None:
        """
        Args:
            texts: addresses and networks.

        Raises:
            ValueError: with the one that is neither.
        """
        self._networks = []
        for text in texts:
            try:
                self._networks.append(ipaddress.ip_network(text.strip(), strict=False))
            except ValueError:
                raise ValueError(text) from None

    def has(self, address: str) -> bool:
        """True if this is the address of one of them."""
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def client_address(peer: str, headers: Headers, proxies: Proxies) -> str:
    """The address of the client: of the peer, or what a proxy that is trusted says in
    `X-Forwarded-For`, to which every proxy adds the one it was asked by at the end.
    """
    if not proxies.has(peer):
        return peer
    named = _forwarded_for(headers)
    for address in reversed(named):
        if not proxies.has(address):
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
