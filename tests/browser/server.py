"""A server in a process of its own, that can be stopped, killed and started again at its place."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

FAKE = {"RASR_ENGINES__FAKE__KIND": "fake", "RASR_PROPERTIES__ENGLISH": "fake"}
"""Settings around the engine that loads nothing, and makes words of any sound."""
ENGLISH = {
    "RASR_PROPERTIES__ENGLISH": "pocketsphinx",
    "RASR_DECODING__WORKERS": "1",
    "RASR_DECODING__STREAMS_PER_WORKER": "2",
}
"""Settings around the default engine, for one speaker: it loads in half the time."""


@dataclass
class Server:
    folder: Path
    """Where its log goes and where it looks for models."""
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = _free_port()
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGTERM)

    def start(self) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("RASR_")
        }
        environment |= self.settings | {
            "XDG_DATA_HOME": str(self.folder),
            # Whether somebody is let in must not depend on how busy the machine is.
            "RASR_CAPACITY__MAX_LOAD": "0",
        }
        with (self.folder / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rasr", "serve", "--port", str(self.port)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "is ready" in line, (self.folder / "server.log").read_text()

    def end(self, number: signal.Signals) -> None:
        """Stop it with SIGTERM, or let it die with SIGKILL."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    @property
    def rounds(self) -> int:
        """How many are open now."""
        answer = httpx.get(f"{self.url}/readyz", trust_env=False).json()
        return int(answer["rounds"])

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text("utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
