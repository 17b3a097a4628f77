"""A server that is a program of others: started on a free port, waited for, stopped."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.server import MeasuredServer

_START_S = 60.0
_STOP_S = 20.0


@contextmanager
def running(command: Sequence[str]) -> Iterator[MeasuredServer]:
    """Run a command with `--port=N` at its end, in a folder of its own, until this ends.

    Raises:
        RuntimeError: it did not listen; the text is what it said.
    """
    with tempfile.TemporaryDirectory() as scratch, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        said = Path(scratch) / "said"
        with said.open("w") as output:
            process = subprocess.Popen(
                [*command, f"--port={port}"],
                cwd=scratch,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(process, port, said, command[0])
            yield MeasuredServer(f"ws://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()
            process.wait(_STOP_S)


def _wait(process: subprocess.Popen[bytes], port: int, said: Path, name: str) -> None:
    give_up_s = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < give_up_s:
        # It listens before it has said so, and after the model is loaded.
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    words = said.read_text(encoding="utf-8", errors="replace")[-1000:]
    raise RuntimeError(f"{name} did not start; it said: {words}")
