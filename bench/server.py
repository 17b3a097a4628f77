"""A server of its own for a measurement, in a process of its own, watched from outside."""

from __future__ import annotations

import os
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

_MEASURED_MODEL = """\
[engines.measured]
kind = "sherpa-onnx"
[engines.measured.options]
model = "{folder}"
precision = "{precision}"
[properties]
english = "measured"
[decoding]
# As many as come: the load says how many, and what is too much shows as latency.
streams_per_worker = 256
"""

_NO_ADMISSION = {"RASR_CAPACITY__MAX_LOAD": "0"}
_STOP_S = 20


def measured_model(folder: Path, precision: str = "int8") -> str:
    """Settings for a server with the model of a folder that `bench.model` made."""
    return _MEASURED_MODEL.format(folder=folder.absolute(), precision=precision)


@dataclass(frozen=True, slots=True)
class Usage:
    cpu_s: float
    """User and system time, worker processes included."""
    rss_bytes: int
    """Of the server's process alone."""
    tree_rss_bytes: int
    """Worker processes included, pages that are shared counted in each."""


class MeasuredServer:
    """A server that is ready, at `url`."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self._process = psutil.Process(pid)  # type: ignore[no-untyped-call]

    def usage(self) -> Usage:
        cpu_s, rss = 0.0, 0
        children = self._process.children(recursive=True)  # type: ignore[no-untyped-call]
        for process in (self._process, *children):
            try:
                times = process.cpu_times()
                rss += process.memory_info().rss
            except psutil.NoSuchProcess:
                if process is self._process:
                    raise
                continue
            cpu_s += times.user + times.system
        return Usage(cpu_s, self._process.memory_info().rss, rss)


@contextmanager
def running_server(
    config: str = "", *arguments: str, admission: bool = True
) -> Iterator[MeasuredServer]:
    """Start `rasr serve` with the text of a settings file; stop it at the end.

    Args:
        arguments: further ones of `rasr serve`.
        admission: False: it refuses nobody for its load, so what is too much shows as latency.

    Raises:
        RuntimeError: it did not start; the text is what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rasr.toml"
        file.write_text(config, encoding="utf-8")
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "rasr", "serve", "--port", "0", "--config", str(file)),
                *("--log-level", "warning"),
                *arguments,
            ],
            env=os.environ if admission else {**os.environ, **_NO_ADMISSION},
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
