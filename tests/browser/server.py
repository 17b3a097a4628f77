"""Servers that can be stopped and started again at their place, and somebody who speaks to them.

In a process of its own a server can be killed, too; in a thread it is there at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
from websockets.sync.client import ClientConnection, connect

from rasr.server.service import Service
from tests.server.conftest import fake_settings

FAKE = {"RASR_ENGINES__FAKE__KIND": "fake", "RASR_PROPERTIES__ENGLISH": "fake"}
"""Settings around the engine that loads nothing, and makes words of any sound."""
ENGLISH = {
    "RASR_PROPERTIES__ENGLISH": "pocketsphinx",
    "RASR_DECODING__WORKERS": "1",
    "RASR_DECODING__STREAMS_PER_WORKER": "2",
}
"""Settings around the default engine, for one speaker: it loads in half the time."""
CHINESE = {"RASR_PROPERTIES__CHINESE": "tiny-zh-en"}
"""Settings around the small Mandarin model of the package."""


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
        environment |= self.settings | {"XDG_DATA_HOME": str(self.folder)}
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
    def log(self) -> str:
        return (self.folder / "server.log").read_text("utf-8")


class ThreadServer:
    """Around the engine that loads nothing, in a thread with a loop of its own."""

    def __init__(self, **sections: dict[str, object]) -> None:
        self.port = _free_port()
        place = {"port": self.port}
        self._settings = fake_settings(**sections | {"server": place | sections.get("server", {})})
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)))
        self._thread.start()
        assert ready.wait(30), "the server did not start"

    def end(self) -> None:
        """Stop it, as SIGTERM would."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(30)
            assert not self._thread.is_alive()
            self._thread = None

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with Service(self._settings):
            ready.set()
            await self._stop.wait()

    @property
    def rounds(self) -> int:
        """How many are open now."""
        answer = httpx.get(f"{self.url}/readyz", trust_env=False).json()
        return int(answer["rounds"])


class Speaker:
    """A round of somebody else's."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._texts: list[str] = []

    def start(self, **config: str) -> None:
        self._socket.send(json.dumps({"command": "START", "config": config}))
        assert self._hear()["resp_type"] == "START"

    def end(self) -> None:
        self._socket.send('{"command": "END"}')
        while self._hear()["resp_type"] != "END":
            pass

    def say(self, sound: bytes) -> None:
        self._socket.send(sound)

    def grow(self, sound: bytes) -> None:
        """Go on with a sentence, until more of it is known."""
        self._socket.send(sound)
        while self._hear()["resp_type"] != "RESULT":
            pass

    def finals(self, count: int) -> list[str]:
        """The texts of the first `count` sentences, when they are final."""
        while len(self._texts) < count:
            self._hear()
        return self._texts[:count]

    def _hear(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv(timeout=30))
        if message["resp_type"] == "RESULT":
            finals = [one for one in message["segments"] if one["is_final"]]
            self._texts += [one["result"]["text"] for one in finals]
        return message


@contextmanager
def speaking(
    server: Server | ThreadServer, channel: str, property: str = "english_16k_common"
) -> Iterator[Speaker]:
    """Somebody whose words are published to a channel of captions."""
    url = server.url.replace("http", "ws") + "/v1/any/rasr/continue-stream"
    with connect(url, proxy=None) as socket:
        speaker = Speaker(socket)
        speaker.start(
            audio_format="pcm16k16bit",
            property=property,
            interim_results="yes",
            caption_channel=channel,
        )
        yield speaker
        speaker.end()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
