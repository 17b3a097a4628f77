"""Which addresses are of the public internet, in whatever form one comes."""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",  # most clouds
            "169.254.170.2",  # containers of AWS
            "169.254.170.23",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",  # Google's
            "100.100.100.200",  # Alibaba's
            "168.63.129.16",  # Azure's, which is public by its number
        ),
    )
)
"""Where clouds give credentials to whoever asks from one of their machines."""

_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator (NAT64): the last four bytes are the address."""
_NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*")


def as_address(host: str) -> Address | None:
    """The address that a host is, written as addresses are; None for a name.

    Raises:
        ValueError: a number in a form that some programs read as an address: 127.1, 0x7f000001,
            2130706433, 0177.0.0.1; or an address with a zone.
    """
    if ":" in host:
        address = ipaddress.IPv6Address(host)
        if address.scope_id is not None:
            raise ValueError(host)
        return address
    if _NUMBER.fullmatch(host.rpartition(".")[2]) is None:
        return None
    return ipaddress.IPv4Address(host)


def reached(address: Address) -> Address:
    """Where a packet to this address ends: some of IPv6 have one of IPv4 within."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: Address) -> bool:
    """True for an address of the internet: not of this machine, a private network, a link, or a
    group, and not set aside for anything else.
    """
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    # Teredo tunnels lead anywhere.
    return isinstance(address, ipaddress.IPv4Address) or not (
        address.is_site_local or address.teredo is not None
    )
