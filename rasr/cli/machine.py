"""What this machine has to give: memory, and room on a disk."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory that this process may use, MB."""

    total_mb: int
    free_mb: int
    """Without taking it from others; what is cached counts as free."""


def memory(root: Path = _ROOT) -> Memory | None:
    """The machine's memory, or what its container has of it; None where the system does not tell.

    Args:
        root: where `proc` and `sys` are.
    """
    try:
        lines = (root / "proc/meminfo").read_text("ascii").splitlines()
        known = {
            name: int(rest.split()[0]) for name, _, rest in (one.partition(":") for one in lines)
        }
        total, free = known["MemTotal"] * 1024, known["MemAvailable"] * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return None
    group = root / "sys/fs/cgroup"
    most, used = _number(group / "memory.max"), _number(group / "memory.current")
    if most is not None and used is not None:
        total, free = min(total, most), min(free, max(0, most - used))
    return Memory(round(total / 1e6), round(free / 1e6))


def free_bytes(folder: Path) -> int:
    """Room on the disk that holds a folder, or will once it is made."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def may_write(folder: Path) -> bool:
    """True if this process may make files in a folder, or make the folder."""
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text("ascii"))
    except (OSError, ValueError):
        # "max": there is no bound.
        return None
