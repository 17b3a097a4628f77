"""sherpa-onnx's Python websocket server, as well set up as it goes.

It is not in the package: take `streaming_server.py`, and `http_server.py` beside it, from
`python-api-examples` of https://github.com/k2-fsa/sherpa-onnx; they run with the package as it is.
Its defaults are a pool of one thread; best on few cores are one thread to a decoding, as many of
them as there are cores, and batches of 16. It takes float32 and "Done"; it answers each step with
the text of the current segment, says nothing of ends, and closes the connection behind the last
text.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.adapters.program import running
from bench.server import MeasuredServer
from bench.wires import Answer, PeerWire, Reader, Samples, float_frame
from rasr.client.websocket import text_frame

_BATCH = 16


def arguments(threads: int = 0) -> list[str]:
    """What it is set to, the model apart."""
    return [
        "--num-threads=1",
        f"--nn-pool-size={threads or len(os.sched_getaffinity(0))}",
        f"--max-batch-size={_BATCH}",
        "--max-wait-ms=10",
        # As many as come: the load says how many.
        "--max-active-connections=4096",
    ]


@contextmanager
def running_python_server(program: Path, folder: Path, *, int8: bool) -> Iterator[MeasuredServer]:
    """Start `streaming_server.py` with the model of a folder; stop it at the end.

    Raises:
        RuntimeError: it did not start.
    """
    kind = ".int8.onnx" if int8 else ".onnx"
    model = [f"--{part}-model={folder / part}{kind}" for part in ("encoder", "decoder", "joiner")]
    command = [
        *(sys.executable, str(program.absolute())),
        *(f"--tokens={folder / 'tokens.txt'}", *model),
        f"--doc-root={program.absolute().parent}",
        *arguments(),
    ]
    with running(command) as server:
        yield server


class SherpaPythonWire(PeerWire):
    __slots__ = ()

    @property
    def ending(self) -> bytes:
        return text_frame("Done")

    def sound(self, samples: Samples) -> bytes:
        return float_frame(samples)

    def reader(self) -> Reader:
        """It names the segment of each text: with the next one, the last text was final."""
        segment, text = 0, ""

        def read(at_s: float, message: bytes) -> Sequence[Answer]:
            nonlocal segment, text
            body: dict[str, Any] = json.loads(message)
            ended = []
            if body["segment"] != segment:
                ended = [Answer(at_s, text, is_final=True)]
                segment = body["segment"]
            text = body["text"]
            return [*ended, Answer(at_s, text)]

        return read
