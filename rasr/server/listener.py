"""The listening socket, with the options that its connections inherit.

By them the kernel notices a client that is gone or reads nothing, and no ping waits long behind
audio that the kernel holds: see the comments at each.
"""

from __future__ import annotations

import ipaddress
import socket

from rasr.asgi import addresses
from rasr.server.errors import StartError

_RECEIVE_BUFFER_BYTES = 64 * 1024
"""Two seconds of audio. When messages are taken slowly a ping waits behind what these buffers
hold, and the official SDK gives up on it after 10 s."""

_SEGMENT_BYTES = 1400
"""On loopback the kernel would take segments of 64 KiB and let a client buffer 2.5 MiB, more than
a minute of audio, before it blocks. Segments of the size of any network keep that small too."""

_ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses of examples, which need not exist: nothing is sent there."""

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses that stand for all of a machine → where it reaches itself."""

_KEEPALIVE_IDLE_S = 60
_KEEPALIVE_INTERVAL_S = 20
_UNREAD_TIMEOUT_MS = 60_000
"""Sent data that the peer neither takes nor acknowledges for so long ends the connection: also
that of a client which is there but never reads."""


def listen(host: str, port: int, section: str = "server") -> socket.socket:
    """A bound socket that listens as soon as the event loop takes it.

    Args:
        section: of the settings that say host and port.

    Raises:
        StartError: the address is none, is not of this machine, or is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except UnicodeError as error:
        raise StartError(
            f"{section}.host: {host[:60]!r} is no name of a machine: its parts, between dots, "
            "have 1 to 63 characters"
        ) from error
    except OSError as error:
        raise StartError(
            f"{section}.host: {host!r} is no address to listen on ({error})"
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_MAXSEG", _SEGMENT_BYTES),
            ("TCP_KEEPIDLE", _KEEPALIVE_IDLE_S),
            ("TCP_KEEPINTVL", _KEEPALIVE_INTERVAL_S),
            ("TCP_USER_TIMEOUT", _UNREAD_TIMEOUT_MS),
        ):
            # Not every system has all of them; without one the server works, less gracefully.
            option = getattr(socket, name, None)
            if option is not None:
                listener.setsockopt(socket.IPPROTO_TCP, option, value)
        listener.bind(address)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        cure = (
            "choose another with --port, or --port 0 for any free one (`rasr doctor` says what is "
            "there)"
            if section == "server"
            else f"choose another {section}.port"
        )
        raise StartError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; {cure}"
        ) from error
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """True if only this machine can reach the socket."""
    return addresses.is_loopback(listener.getsockname()[0])


def url_of(listener: socket.socket, *, is_secure: bool) -> str:
    """`ws://host:port`, or `wss:`, at which this machine reaches a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"{'wss' if is_secure else 'ws'}://{host_from_here(host)}:{port}"


def host_from_here(host: str) -> str:
    """As URLs write it: where this machine reaches a server that listens on `host`."""
    return in_url(_LOOPBACK.get(host, host))


def in_url(host: str) -> str:
    """An address as URLs write it."""
    return f"[{host}]" if ":" in host else host


def addresses_of_others(listener: socket.socket) -> list[str]:
    """The addresses at which other machines may reach a bound socket; none where it is loopback's.

    Of a machine with many, those that its name has and those by which it reaches others.
    """
    host = listener.getsockname()[0]
    if host not in _LOOPBACK:
        return [] if is_loopback(listener) else [host]
    found = own_addresses(socket.AF_INET)
    if listener.family == socket.AF_INET6:
        # It takes connections of both families, unless the system says otherwise.
        found += own_addresses(socket.AF_INET6)
    return list(filter(_is_for_others, dict.fromkeys(found)))


def own_addresses(family: socket.AddressFamily) -> list[str]:
    """Addresses of this machine, as far as it knows them: the one by which it reaches others, if it
    does, and those that its name has, loopback's among them.
    """
    found = []
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            # Sends nothing: the system only chooses the address that it would send from.
            asking.connect((_ELSEWHERE[family], 9))
            found.append(asking.getsockname()[0])
    except OSError:
        pass  # No way to other machines.
    try:
        known = socket.getaddrinfo(socket.gethostname(), None, family, socket.SOCK_DGRAM)
    except OSError:
        known = []  # Its name is only its own.
    found += [str(address[0]) for _, _, _, _, address in known]
    return [one.partition("%")[0] for one in found]


def _is_for_others(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)
