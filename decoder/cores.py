"""The cores of this machine."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def cores() -> int:
    """Cores that this process may use, its container's limit among the bounds."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return math.ceil(min(here, *limits()))


def limits(groups: Path = _GROUPS, own: Path = _OWN_GROUPS) -> Iterator[float]:
    """The shares of processor time, in cores, that the groups of this process are bounded to.

    Linux hands the bound of a container or a service on as a share of time: the process sees all
    cores of the machine, and is stopped for the rest of a period when its share is used up.

    Args:
        groups: where control groups are mounted.
        own: tells which of them this process is in.
    """
    yield math.inf
    for line in _text(own).splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield from (_cores(*one) for one in _upwards(groups, path, "cpu.max"))
        elif "cpu" in controllers.split(","):
            # The first version of control groups has a file for each number.
            place = groups / controllers
            quotas = _upwards(place, path, "cpu.cfs_quota_us")
            periods = _upwards(place, path, "cpu.cfs_period_us")
            for quota, period in zip(quotas, periods, strict=True):
                yield _cores(*quota, *period)


def _upwards(place: Path, path: str, name: str) -> Iterator[list[str]]:
    """The words of each such file, from the group to the one above all; none without a file."""
    group = place / path.strip("/")
    while True:
        yield _text(group / name).split()
        if group == place:
            return
        group = group.parent


def _cores(quota: str = "", period: str = "") -> float:
    bounded = quota.isdigit() and period.isdigit() and int(period) > 0
    return int(quota) / int(period) if bounded else math.inf


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
