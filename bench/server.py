"""A server of its own for a measurement, in a process of its own, watched from outside."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

FAKE_ENGINE = '[engines.fake]\nkind = "fake"\n[properties]\nenglish = "fake"\n'
"""Settings for the server alone: an engine that costs next to nothing."""

_STOP_S = 20


@dataclass(frozen=True, slots=True)
class Usage:
    cpu_s: float
    """User and system time, worker processes included."""
    rss_bytes: int
    """Of the server's process alone."""


class MeasuredServer:
    """A server that is ready, at `url`."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self._process = psutil.Process(pid)  # type: ignore[no-untyped-call]

    def usage(self) -> Usage:
        cpu_s = 0.0
        children = self._process.children(recursive=True)  # type: ignore[no-untyped-call]
        for process in (self._process, *children):
            times = process.cpu_times()
            cpu_s += times.user + times.system
        return Usage(cpu_s, self._process.memory_info().rss)


@contextmanager
def running_server(config: str = "") -> Iterator[MeasuredServer]:
    """Start `rasr serve` with the text of a settings file; stop it at the end.

    Raises:
        RuntimeError: it did not start; the text is what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rasr.toml"
        file.write_text(config, encoding="utf-8")
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "rasr", "serve", "--port", "0", "--config", str(file)),
                "--log-level",
                "warning",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            found = re.search(r"ws://[\d.]+:\d+", line)
            if found is None:
                raise RuntimeError(f"the server did not start: {line or 'see above'}")
            yield MeasuredServer(found[0], process.pid)
        finally:
            process.terminate()
            process.wait(_STOP_S)
            process.stdout.close()
