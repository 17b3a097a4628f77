"""Ports of loopback for programs that are told theirs before they listen."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""From where Linux takes a port for whoever does not mind which one: servers at port 0, clients."""
_USUALLY = 32_768
"""Where that range begins, or below it on other systems."""
_LEAST = 12_000
"""Below it there are well-known ones, some of which browsers refuse."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that the system gives to nobody by itself.

    Others on the machine cannot get it by chance before it is listened on, or in between, when a
    server is started again.
    """
    choice = random.SystemRandom()
    most = _given_from()
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", choice.randrange(_LEAST, most) if most > _LEAST else 0))
            except OSError:
                continue
            return int(probe.getsockname()[1])


def _given_from() -> int:
    try:
        return int(_RANGE.read_text("ascii").split()[0])
    except OSError:
        return _USUALLY
