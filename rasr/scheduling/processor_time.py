"""Processor time of this process and of its workers: it tells a step that takes long from one that
waits for a processor which others use."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path

_USER, _SYSTEM = 11, 12
"""Fields of /proc/PID/stat behind the name, in ticks of the clock (man 5 proc)."""


def processor_seconds(pids: Collection[int]) -> float | None:
    """What all threads of this process and of those with these ids have used, in seconds.

    None where the system does not tell it of other processes, or where one of them has ended.
    """
    seconds = time.process_time()
    try:
        for pid in pids:
            # The name, in brackets, may hold spaces and brackets.
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rsplit(")", 1)[1]
            ticks = fields.split()
            seconds += (int(ticks[_USER]) + int(ticks[_SYSTEM])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
    return seconds
