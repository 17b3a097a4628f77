"""sherpa-onnx's C++ websocket server, as well set up as it goes.

The package sherpa-onnx-bin brings the program. Its defaults are five streams to a batch and three
threads for decoding; best on few cores are one thread to a decoding, as many of them as there are
cores, and batches of 16. Everything else is as it comes: a scan of all connections every 10 ms,
one thread for the network, 0.8 s of silence behind the sound, its own endpoints. Its wire is
`bench.wires.SherpaWire`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.adapters.program import running
from bench.server import MeasuredServer

PROGRAM = "sherpa-onnx-online-websocket-server"


@dataclass(frozen=True, slots=True)
class PeerSettings:
    work_threads: int = 0
    """Threads that decode; 0: one for each core."""
    io_threads: int = 1
    batch: int = 16
    loop_ms: int = 10
    tail_padding_s: float = 0.8

    def arguments(self) -> list[str]:
        threads = self.work_threads or len(os.sched_getaffinity(0))
        return [
            "--num-threads=1",
            f"--num-work-threads={threads}",
            f"--num-io-threads={self.io_threads}",
            f"--max-batch-size={self.batch}",
            f"--loop-interval-ms={self.loop_ms}",
            f"--end-tail-padding={self.tail_padding_s}",
        ]


@contextmanager
def running_peer(folder: Path, settings: PeerSettings, *, int8: bool) -> Iterator[MeasuredServer]:
    """Start it with the model of a folder; stop it at the end.

    Raises:
        RuntimeError: it is not installed, or it did not start.
    """
    program = Path(sys.executable).with_name(PROGRAM)
    if not program.exists():
        raise RuntimeError(f"{program} is missing: `make setup` installs sherpa-onnx-bin")
    kind = ".int8.onnx" if int8 else ".onnx"
    command = [
        str(program),
        f"--tokens={folder / 'tokens.txt'}",
        *(f"--{part}={folder / part}{kind}" for part in ("encoder", "decoder", "joiner")),
        "--log-file=log",
        *settings.arguments(),
    ]
    with running(command) as server:
        yield server
