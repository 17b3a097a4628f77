"""File descriptors: how many connections the operating system lets this process have."""

from __future__ import annotations

import os
import resource

import structlog

from rasr.server.errors import StartError

_log = structlog.get_logger("rasr.server")

_OTHERS = 64
"""For models, workers, logs and requests over HTTP, beside what is open at the start."""
_LEAST = 16
"""With fewer connections a server is of no use."""


def connections_that_fit(wanted: int) -> int:
    """How many connections of `wanted` may be open at once; raises the process's own limit first.

    Raises:
        StartError: hardly any.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/dev/fd")) + _OTHERS
    if soft != resource.RLIM_INFINITY and soft < used + wanted:
        allowed = used + wanted if hard == resource.RLIM_INFINITY else min(hard, used + wanted)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
        except (OSError, ValueError):
            # Some systems have a lower bound than they tell; what is in force counts.
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= used + wanted:
        return wanted
    fit = soft - used
    if fit < _LEAST:
        raise StartError(
            f"this process may have {soft} files open, which leaves no room for connections; "
            f"allow it more, such as {used + wanted} (`ulimit -n {used + wanted}`)"
        )
    _log.warning(
        "fewer_connections",
        max_connections=fit,
        wanted=wanted,
        because=f"the process may have {soft} files open",
        advice=f"ulimit -n {used + wanted}",
    )
    return fit
